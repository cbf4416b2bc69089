"""The best of several runs: one metric to optimise, thresholds for the others to satisfy."""

import math
import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from jaxdl.errors import InputError, chosen

Metrics = Mapping[str, float | int]

Goal = Literal["max", "min"]

LOWER_IS_BETTER = (
    *("loss", "cost", "error", "perplexity", "bits", "nats", "distance", "mae", "mse", "rmse", "wer", "cer"),
    *("latency", "ms", "seconds", "bytes", "parameters", "multiplications", "alarms"),
)
HIGHER_IS_BETTER = ("accuracy", "precision", "recall", "f1", "bleu", "iou", "auc", "map", "score", "exact")
"""Words in a metric's name, between its `/`, `_` and spaces, that tell which way is better."""

COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


class Requirement(NamedTuple):
    """A threshold: `metric` `sign` `bound`."""

    metric: str
    sign: str
    bound: float

    def __str__(self) -> str:
        return f"{self.metric} {self.sign} {self.bound:g}"

    def holds(self, value: float | int) -> bool:
        """Whether a value satisfies it; NaN never does."""
        return bool(COMPARE[self.sign](value, self.bound))


@dataclass(frozen=True)
class Choice:
    """What was chosen and why.

    best     the names of those that are best: more than one where they tie
    ranking  {name: value} of those that satisfy all thresholds, the best first
    failed   {name: why it is out}: the thresholds it misses, or the metric that it has not
    """

    metric: str
    goal: Goal
    best: tuple[str, ...]
    ranking: Mapping[str, float]
    failed: Mapping[str, str]

    def __str__(self) -> str:
        if not self.best:
            return f"none satisfies the thresholds: {'; '.join(f'{name}: {why}' for name, why in self.failed.items())}"
        what = f"{'largest' if self.goal == 'max' else 'smallest'} {self.metric}, {self.ranking[self.best[0]]:g}"
        tie = f"a tie of {', '.join(self.best)}" if len(self.best) > 1 else self.best[0]
        return f"{tie}: the {what}, of {len(self.ranking)} that satisfy the thresholds"


def select(candidates: Mapping[str, Metrics], optimize: str, require: Sequence[str] = (), tie: float = 1e-9) -> Choice:
    """The candidate with the best `optimize` of those that satisfy every requirement.

    candidates  {name: {metric: value}}
    optimize    a metric, such as dev/accuracy; `min:` or `max:` before it says which way, where its name does not
    require     thresholds such as "latency_ms<=100", "false_alarms<1"
    tie         values no further apart than this are the same

    One that lacks a metric, or has NaN for it, is out, and it is said why. InputError for a metric that none has, with
    the closest one; for one whose name does not say which way is better; for what is no threshold; and for one of the
    test set, which would become a second dev set.
    Source: Ng (2018), "Machine Learning Yearning", chapter 9.
    """
    if not candidates:
        raise InputError("nothing to choose from: expected at least one run")
    every = {metric: None for metrics in candidates.values() for metric in metrics}
    metric, goal = _aim(optimize)
    requirements = [parse_requirement(text) for text in require]
    for name in (metric, *(requirement.metric for requirement in requirements)):
        chosen("metric", name, every)
        if name.startswith("test/"):
            raise InputError(f"{name}: what is chosen by the test set is no longer judged by it; take dev/{name[5:]}")
    if goal is None:
        raise InputError(f"{metric}: its name does not say which way is better; give min:{metric} or max:{metric}")
    failed, values = {}, {}
    for name, metrics in candidates.items():
        why = [_missed(requirement, metrics) for requirement in requirements]
        why = [*filter(None, why)] + ([] if _has(metrics, metric) else [f"no {metric}"])
        if why:
            failed[name] = ", ".join(why)
        else:
            values[name] = float(metrics[metric])
    sign = -1 if goal == "max" else 1
    ranking = dict(sorted(values.items(), key=lambda item: sign * item[1]))
    top = next(iter(ranking.values()), math.nan)
    best = tuple(name for name, value in ranking.items() if value == top or abs(value - top) <= tie)
    return Choice(metric, goal, best, ranking, failed)


def parse_requirement(text: str) -> Requirement:
    """`latency_ms<=100` as a Requirement. InputError for anything else."""
    found = re.fullmatch(r"\s*(.+?)\s*(<=|>=|<|>)\s*([-+.\deE]+)\s*", text)
    try:
        return Requirement(found[1], found[2], float(found[3]))  # type: ignore[index]
    except (TypeError, ValueError):
        raise InputError(f"requirement {text!r}: expected METRIC<=NUMBER (or >=, <, >), such as step_ms<=100") from None


def direction(metric: str) -> Goal | None:
    """Which way a metric is better, by the words of its name; None where they do not say."""
    words = re.split(r"[/_\s]", metric.lower())
    if any(word in LOWER_IS_BETTER for word in words):
        return "min"
    return "max" if any(word in HIGHER_IS_BETTER for word in words) else None


def _aim(optimize: str) -> tuple[str, Goal | None]:
    """(metric, goal) of `dev/accuracy` or `min:dev/loss`."""
    if optimize.startswith("max:"):
        return optimize[4:], "max"
    if optimize.startswith("min:"):
        return optimize[4:], "min"
    return optimize, direction(optimize)


def _has(metrics: Metrics, metric: str) -> bool:
    value = metrics.get(metric)
    return value is not None and value == value


def _missed(requirement: Requirement, metrics: Metrics) -> str:
    """Why this requirement is not met, or nothing."""
    if not _has(metrics, requirement.metric):
        return f"no {requirement.metric}"
    value = metrics[requirement.metric]
    return (
        ""
        if requirement.holds(value)
        else f"{requirement.metric} is {value:g}, not {requirement.sign} {requirement.bound:g}"
    )
