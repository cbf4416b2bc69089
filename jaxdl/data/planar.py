"""Planar sets: points in two classes or more that no straight line parts. Made from a seed, not read."""

from collections.abc import Callable
from functools import partial

import numpy as np

from jaxdl.data import tables
from jaxdl.data.parts import Sets
from jaxdl.data.philox import generator
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError, chosen


def flower(examples: int = 400, noise: float = 0.2, seed: int = 0) -> Arrays:
    """The polar rose r = 4 sin 4θ of the notes: θ over the first half turn is class 0, over the second class 1.

    A negative r lies on the other side, so the eight petals alternate but for two pairs, and opposite petals differ:
    a line does no better than chance, four units well. noise is the standard deviation of θ (radians) and of r.
    """
    label, along, rng = _start(examples, 2, noise, seed)
    angle = np.pi * (label + along) + noise * rng.standard_normal(examples)
    radius = 4 * np.sin(4 * angle) + noise * rng.standard_normal(examples)
    return _points(radius * np.sin(angle), radius * np.cos(angle), label)


def moons(examples: int = 400, noise: float = 0.2, seed: int = 0) -> Arrays:
    """Two half circles of radius 1, each with an end inside the other. noise is added to both coordinates."""
    label, along, rng = _start(examples, 2, noise, seed)
    angle = np.pi * along
    across = np.where(label == 0, np.cos(angle), 1 - np.cos(angle))
    up = np.where(label == 0, np.sin(angle), 0.5 - np.sin(angle))
    return _points(across, up, label, noise, rng)


def circles(examples: int = 400, noise: float = 0.2, seed: int = 0) -> Arrays:
    """A circle of radius 1 inside one of radius 2. noise is added to both coordinates."""
    label, along, rng = _start(examples, 2, noise, seed)
    angle, radius = 2 * np.pi * along, 1 + label
    return _points(radius * np.cos(angle), radius * np.sin(angle), label, noise, rng)


def spirals(examples: int = 400, noise: float = 0.2, seed: int = 0, classes: int = 2) -> Arrays:
    """Arms that wind once around the centre out to radius 4, one a class. noise is added to both coordinates.

    Raises InputError for fewer than two classes.
    """
    label, along, rng = _start(examples, classes, noise, seed)
    angle, radius = 2 * np.pi * (along + label / classes), 0.5 + 3.5 * along
    return _points(radius * np.cos(angle), radius * np.sin(angle), label, noise, rng)


SETS: dict[str, Callable[..., Arrays]] = {
    "flower": flower,
    "moons": moons,
    "circles": circles,
    "spirals": spirals,
    "three_spirals": partial(spirals, classes=3),
}


def named(name: str) -> Callable[..., Arrays]:
    """The function (examples, noise, seed) -> points of this name. Raises InputError for an unknown one."""
    return chosen("planar set", name, SETS)


def load(
    name: str = "flower",
    examples: int = 400,
    noise: float = 0.2,
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    seed: int = 0,
    standardize: bool = False,
) -> Sets:
    """The planar set `name` as train, dev and test: see `tables.prepared`. The seed makes the points and divides them.

    Raises InputError for an unknown name, fewer examples than classes, negative noise and fractions that can't be met.
    """
    points = named(name)(examples=examples, noise=noise, seed=seed)
    names = tuple(str(label) for label in range(points.fields["label"].max() + 1))
    return tables.prepared(points, names, fractions, seed, standardize, ("across", "up"))


def _start(examples: int, classes: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """Labels 0, 1, …, 0, 1, …; the place along its own class's curve, evenly in [0, 1); and the source of noise."""
    if not 2 <= classes <= examples:
        raise InputError(f"{examples} examples of {classes} classes: give 2 classes or more, and examples of each")
    if noise < 0:
        raise InputError(f"noise {noise} is a standard deviation: give 0 or more, such as 0.2")
    row = np.arange(examples)
    counts = np.bincount(row % classes)
    return row % classes, row // classes / counts[row % classes], generator(seed)


def _points(
    across: np.ndarray,
    up: np.ndarray,
    label: np.ndarray,
    noise: float = 0.0,
    rng: np.random.Generator | None = None,
) -> Arrays:
    points = np.stack([across, up], axis=1)
    if rng is not None:
        points = points + noise * rng.standard_normal(points.shape)
    return Arrays({"x": points.astype(np.float32), "label": label.astype(np.int32)})
