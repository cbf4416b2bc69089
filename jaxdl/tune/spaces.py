"""Search spaces: what each hyperparameter may be and on which scale, and how trials are drawn.

A space is {name: dimension}. Every dimension maps [0, 1] to its values, by `at`, and back, by `place`, so that the unit
cube is all that a search, a zoom or a figure needs to know.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxdl.errors import InputError, chosen

Trial = dict[str, Any]
"""{name: value} of the hyperparameters of one training."""


@dataclass(frozen=True)
class Uniform:
    """Evenly from low to high."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _check(self, -math.inf < self.low < self.high < math.inf)

    def at(self, u: float) -> float:
        return self.low + u * (self.high - self.low)

    def place(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)

    def narrowed(self, low: float, high: float) -> "Uniform":
        return Uniform(low, high)


@dataclass(frozen=True)
class Log:
    """Evenly in the exponent, from low to high: value = 10^r, for a learning rate."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _check(self, 0 < self.low < self.high < math.inf)

    def at(self, u: float) -> float:
        return self.low * (self.high / self.low) ** u

    def place(self, value: float) -> float:
        return math.log(value / self.low) / math.log(self.high / self.low)

    def narrowed(self, low: float, high: float) -> "Log":
        return Log(low, high)


@dataclass(frozen=True)
class OneMinusLog:
    """Evenly in the exponent of what is missing to 1: value = 1 − 10^r, for the β of a moving average.

    From .9 to .999 it gives .9 to .99 and .99 to .999 equal shares, as these average over 10 to 100 and 100 to 1000.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check(self, -math.inf < self.low < self.high < 1)

    def at(self, u: float) -> float:
        return 1 - (1 - self.low) * ((1 - self.high) / (1 - self.low)) ** u

    def place(self, value: float) -> float:
        return math.log((1 - value) / (1 - self.low)) / math.log((1 - self.high) / (1 - self.low))

    def narrowed(self, low: float, high: float) -> "OneMinusLog":
        return OneMinusLog(low, high)


@dataclass(frozen=True)
class Integer:
    """Whole numbers from low to high, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        _check(self, self.low <= self.high)

    def at(self, u: float) -> int:
        return min(self.high, self.low + int(u * (self.high - self.low + 1)))

    def place(self, value: int) -> float:
        return (value - self.low + 0.5) / (self.high - self.low + 1)

    def narrowed(self, low: int, high: int) -> "Integer":
        return Integer(low, high)


@dataclass(frozen=True)
class Choice:
    """One of several, each as likely."""

    options: tuple[Any, ...]

    def __post_init__(self) -> None:
        _check(self, len(self.options) > 0)

    def at(self, u: float) -> Any:
        return self.options[min(len(self.options) - 1, int(u * len(self.options)))]

    def place(self, value: Any) -> float:
        return (self.options.index(value) + 0.5) / len(self.options)


@dataclass(frozen=True)
class When:
    """A dimension that a trial has only where another, which stands before it, has this value."""

    name: str
    value: Any
    dimension: Any

    def __post_init__(self) -> None:
        _check(self, not isinstance(self.dimension, When))

    def at(self, u: float) -> Any:
        return self.dimension.at(u)

    def place(self, value: Any) -> float:
        return self.dimension.place(value)


Dimension = Uniform | Log | OneMinusLog | Integer | Choice | When
Space = Mapping[str, Dimension]


def sample(space: Space, count: int, seed: int = 0) -> list[Trial]:
    """`count` trials, each value drawn for itself: of n trials a dimension is tried at n values, of a grid's at few.

    Source: Bergstra and Bengio (2012), "Random Search for Hyper-Parameter Optimization".
    """
    check_space(space)
    if count < 1:
        raise InputError(f"{count} trials: expected 1 or more")
    draws = np.random.default_rng(seed).random((count, len(space)))
    return [from_cube(space, row) for row in draws]


def grid(space: Space, per_dimension: int) -> list[Trial]:
    """All combinations of so many values of each dimension, evenly in its scale, ends included; all of a Choice's."""
    check_space(space)
    if per_dimension < 1:
        raise InputError(f"{per_dimension} values a dimension: expected 1 or more")
    even = np.linspace(0, 1, per_dimension) if per_dimension > 1 else np.array([0.5])
    values = [
        inner.options if isinstance(inner, Choice) else tuple(dict.fromkeys(map(inner.at, even.tolist())))
        for inner in map(unconditional, space.values())
    ]
    trials = (dict(zip(space, combination, strict=True)) for combination in itertools.product(*values))
    return list({repr(trial): trial for trial in (_existing(space, trial) for trial in trials)}.values())


def from_cube(space: Space, u: np.ndarray) -> Trial:
    """The trial at a point of the unit cube, one coordinate a dimension."""
    trial = {name: dimension.at(float(at)) for (name, dimension), at in zip(space.items(), u, strict=True)}
    return _existing(space, trial)


def zoom(space: Space, trials: list[Trial], scores: np.ndarray, fraction: float = 0.25) -> dict[str, Dimension]:
    """Coarse to fine: the smallest space within this one that holds the best `fraction` of the trials, two at least.

    scores  of each trial, the higher the better (`Results.merit`); NaN is worst. InputError where none has a score.

    What hangs on an option that is gone goes with it.
    """
    check_space(space)
    if not 0 < fraction <= 1:
        raise InputError(f"the best {fraction:g} of the trials: expected a share above 0, up to 1")
    order = np.argsort(np.where(np.isnan(scores), np.inf, -np.asarray(scores)), kind="stable")
    kept = [trials[at] for at in order[: max(2, round(fraction * len(trials)))] if not np.isnan(scores[at])]
    if not kept:
        raise InputError("no trial has a score: there is nothing to zoom in on")
    found: dict[str, Dimension] = {}
    for name, dimension in space.items():
        if not isinstance(dimension, When) or (dimension.name in found and _may_hold(dimension, found)):
            found[name] = _around(dimension, [trial[name] for trial in kept if name in trial])
    return found


def check_space(space: Space) -> None:
    """InputError for a space without dimensions, and a condition on what is not there or is never so."""
    if not space:
        raise InputError("an empty space: expected {name: dimension}, such as {'learning_rate': Log(1e-4, 1)}")
    for place, (name, dimension) in enumerate(space.items()):
        if isinstance(dimension, When):
            before = dict(itertools.islice(space.items(), place))
            chosen(f"condition of {name!r}", dimension.name, before)
            if not _may_hold(dimension, space):
                raise InputError(f"{name!r} is there when {dimension.name!r} is {dimension.value!r}: it never is")


def unconditional(dimension: Dimension) -> Any:
    """The dimension itself, without its condition."""
    return dimension.dimension if isinstance(dimension, When) else dimension


def _may_hold(condition: When, space: Space) -> bool:
    """Whether the value that it waits for is one of those that there are."""
    other, value = unconditional(space[condition.name]), condition.value
    if isinstance(other, Choice):
        return value in other.options
    if isinstance(other, Integer):
        return value in range(other.low, other.high + 1)
    return isinstance(value, int | float) and other.low <= value <= other.high


def _existing(space: Space, trial: Trial) -> Trial:
    """The trial without what its conditions rule out."""
    found: Trial = {}
    for name, dimension in space.items():
        if not isinstance(dimension, When) or found.get(dimension.name) == dimension.value:
            found[name] = trial[name]
    return found


def _around(dimension: Dimension, values: list[Any]) -> Dimension:
    """The part of a dimension that holds these values; the whole where they are one or none."""
    if isinstance(dimension, When):
        return When(dimension.name, dimension.value, _around(dimension.dimension, values))
    if isinstance(dimension, Choice):
        return Choice(tuple(option for option in dimension.options if option in values) or dimension.options)
    if not values or (min(values) == max(values) and not isinstance(dimension, Integer)):
        return dimension
    return dimension.narrowed(min(values), max(values))


def _check(dimension: Any, sound: bool) -> None:
    if not sound:
        rules = {
            Log: "0 < low < high",
            OneMinusLog: "low < high < 1",
            Integer: "low <= high",
            Choice: "an option or more",
            When: "one condition; let what it names hang on the other",
        }
        raise InputError(f"{dimension}: expected {rules.get(type(dimension), 'low < high')}")
