"""From errors to what to do next: avoidable bias, variance, data mismatch, dev overfit, and the knob for each."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from jaxdl.errors import InputError, chosen

SETS = ("human", "train", "train_dev", "dev", "test")
"""In the order of the chain: each gap is between two that follow each other, of those that are known."""

GAPS = {
    "avoidable bias": ("human", "train"),
    "variance": ("train", "train_dev"),
    "data mismatch": ("train_dev", "dev"),
    "dev overfit": ("dev", "test"),
}
"""Without a train-dev set, variance is the gap from train to dev, and mismatch can't be told from it."""

KNOBS = {
    "avoidable bias": (
        "a bigger network",
        "longer training, a better optimiser",
        "another architecture or better hyperparameters",
        "less regularisation",
    ),
    "variance": (
        "more data, or augmentation",
        "regularisation: L2, dropout",
        "another architecture or better hyperparameters",
        "early stopping, which turns the knob of bias too",
    ),
    "data mismatch": (
        "error analysis: how dev differs from train",
        "training data more like dev, collected or synthesised; from few sources it is overfitted",
    ),
    "dev overfit": ("a bigger dev set",),
    "the real world": ("another metric or dev set: they do not measure what matters",),
}
"""One knob for each failure, in the order in which to try: turning one should not turn the others."""

WORTH = 0.015
"""A gap smaller than this is not named as a cause: half a point between two errors is no reason to act."""

ROUNDING = 1e-6
"""What float32 may leave of the difference of two errors that are the same."""

CONFIDENCE = 1.96
"""Standard deviations of the intervals: 95 %."""


class Interval(NamedTuple):
    """From low to high, with 95 % confidence."""

    low: float | int
    high: float | int


class Gap(NamedTuple):
    """The difference of two errors, and its interval where a count is known."""

    value: float | int
    interval: Interval | None

    @property
    def is_real(self) -> bool:
        """Whether it is large enough to act on and, where counts are known, distinguishable from zero."""
        return self.value >= WORTH - ROUNDING and (self.interval is None or self.interval.low > 0)

    @property
    def is_negative(self) -> bool:
        """Whether it is below zero and, where counts are known, distinguishable from it."""
        return self.value < -ROUNDING and (self.interval is None or self.interval.high < 0)


@dataclass(frozen=True)
class Diagnosis:
    """What the errors say.

    errors   those given, human level included
    gaps     {name: Gap} of what can be computed from them
    causes   the largest of the real gaps and those at least half as large, the largest first; may be empty
    remarks  what else is to be said, in sentences
    """

    errors: Mapping[str, float | int]
    gaps: Mapping[str, Gap]
    causes: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """`variance`, `avoidable bias and variance`, `undecidable`, … in a few words."""
        if self.causes:
            return " and ".join(self.causes)
        return "undecidable" if self.gaps["avoidable bias"].is_negative else "nothing stands out"

    @property
    def actions(self) -> tuple[str, ...]:
        """What to try, in order."""
        return tuple(dict.fromkeys(action for cause in self.causes for action in KNOBS[cause]))

    def lines(self) -> list[str]:
        """The whole in plain sentences."""
        told = [f"{name}: {_points(gap)}" for name, gap in self.gaps.items()]
        told.append(f"Largest: {self.verdict}" if self.causes else f"Verdict: {self.verdict}")
        told += self.remarks
        if self.actions:
            told.append("To try, in this order: " + "; ".join(self.actions))
        return told


def diagnose(errors: Mapping[str, float | int], counts: Mapping[str, int] | None = None) -> Diagnosis:
    """The gaps between the errors, each a share of wrong answers, and what they mean.

    errors  {set: error in [0, 1]} of `SETS`; train and dev are needed. A human level that is missing is taken as 0
    counts  {set: examples it was measured on}, for the intervals; a set without one counts as known exactly

    InputError for an unknown set, an error outside [0, 1], a count below 1, and where train or dev is missing.
    Source: Ng (2018), "Machine Learning Yearning", chapters 20–27 and 40–43.
    """
    counts = counts or {}
    for name, error in errors.items():
        chosen("set", name, dict.fromkeys(SETS))
        if not 0 <= error <= 1:
            raise InputError(f"{name} error {error:g}: expected a share between 0 and 1, such as 0.08 for 8 %")
    for name, count in counts.items():
        chosen("set", name, dict.fromkeys(SETS))
        if count < 1:
            raise InputError(f"{name} error from {count} examples: expected 1 or more")
    for needed in ("train", "dev"):
        if needed not in errors:
            raise InputError(f"no {needed} error: a diagnosis needs those of train and dev")
    known = {"human": 0.0, **errors}
    gaps = {}
    for name, (before, after) in GAPS.items():
        if name == "variance" and "train_dev" not in known:
            after = "dev"
        if before in known and after in known:
            gaps[name] = _gap(known, counts, before, after)
    real = sorted((name for name, gap in gaps.items() if gap.is_real), key=lambda name: -gaps[name].value)
    causes = tuple(name for name in real if gaps[name].value >= gaps[real[0]].value / 2 - ROUNDING)
    return Diagnosis(known, gaps, causes, tuple(_remarks(errors, gaps)))


def bayes_proxy(levels: Mapping[str, float]) -> float:
    """The lowest error of any expert or team of them, for the Bayes error is no higher than that."""
    if not levels:
        raise InputError("no level of any expert is given")
    return min(levels.values())


def wilson(error: float | int, count: int) -> Interval:
    """The interval of a share that was measured on `count` examples. Source: Wilson (1927)."""
    z = CONFIDENCE
    middle = (error + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * math.sqrt(error * (1 - error) / count + z**2 / (4 * count**2))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def difference(first: float | int, first_count: int | None, second: float | int, second_count: int | None) -> Interval:
    """The interval of second − first, two shares of different examples; a count of None is of a share known exactly.

    Source: Newcombe (1998), "Interval Estimation for the Difference Between Independent Proportions", method 10.
    """
    low1, high1 = wilson(first, first_count) if first_count else (first, first)
    low2, high2 = wilson(second, second_count) if second_count else (second, second)
    gap = second - first
    return Interval(gap - math.hypot(second - low2, high1 - first), gap + math.hypot(high2 - second, first - low1))


def _gap(errors: Mapping[str, float | int], counts: Mapping[str, int], before: str, after: str) -> Gap:
    first, second = counts.get(before), counts.get(after)
    known = first is not None or second is not None
    interval = difference(errors[before], first, errors[after], second) if known else None
    return Gap(errors[after] - errors[before], interval)


def _remarks(errors: Mapping[str, float | int], gaps: Mapping[str, Gap]) -> list[str]:
    told = []
    if "human" not in errors:
        told.append("The human level is not given and taken as 0: the avoidable bias is at most this")
    elif gaps["avoidable bias"].is_negative:
        told.append(
            "Training is below the human level: what is left of bias can't be told from these errors, and people's "
            "intuition no longer helps"
        )
    if "train_dev" not in errors:
        told.append("Without a train-dev set, variance and data mismatch can't be told apart")
    mismatch = gaps.get("data mismatch")
    if mismatch and mismatch.is_negative and mismatch.value <= -WORTH + ROUNDING:
        told.append("dev is easier than train: what was trained on is harder than what the system is for")
    return told


def _points(gap: Gap) -> str:
    """`7.0 points (5.1 to 9.0)`."""
    told = f"{100 * gap.value:.1f} points"
    if gap.interval is None:
        return told
    told += f" ({100 * gap.interval.low:.1f} to {100 * gap.interval.high:.1f})"
    return told if gap.interval.low > 0 or gap.interval.high < 0 else f"{told}, not distinguishable from zero"
