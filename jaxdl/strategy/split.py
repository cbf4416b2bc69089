"""Who goes where: groups that stay together, data of the target where it is judged, and what lies on both sides.

Plain and stratified splits are `data.split`'s.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from jaxdl.errors import InputError

Rows = Int[np.ndarray, " n"]

BITS, BANDS = 64, 4
"""Of the hash by which near duplicates are found; two of at most 3 different bits share one of the 4 bands."""


def grouped(groups: np.ndarray, fractions: tuple[float, ...] = (0.6, 0.2, 0.2), seed: int = 0) -> tuple[Rows, ...]:
    """Rows of each part, ascending, no group on two sides: all images of one patient, all clips of one speaker.

    The groups, in an order by chance but large ones first, each go to the part that is furthest behind its share, so
    the sizes come near to the shares. InputError for fewer groups than parts, and for fractions that are not above 0 or
    don't sum to 1.
    """
    if not fractions or min(fractions) <= 0 or not abs(sum(fractions) - 1) <= 1e-6:
        raise InputError(f"fractions {fractions}: expected numbers above 0 that sum to 1, such as (0.6, 0.2, 0.2)")
    names, which, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < len(fractions):
        raise InputError(f"{len(names)} groups for {len(fractions)} parts: expected at least one for each")
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-counts[order], kind="stable")]
    wanted = np.array(fractions) * len(groups)
    home, filled = np.zeros(len(names), int), np.zeros(len(fractions))
    for place, group in enumerate(order):
        behind = wanted - filled
        empty = filled == 0
        if empty.sum() >= len(names) - place:  # what is left is just enough for the parts that have nothing yet
            behind = np.where(empty, behind, -np.inf)
        home[group] = behind.argmax()
        filled[home[group]] += counts[group]
    return tuple(np.flatnonzero(home[which] == part) for part in range(len(fractions)))


class Placed(NamedTuple):
    """Rows of the source's examples and of the target's in each part; dev and test have the target's alone."""

    train_source: Rows
    train_target: Rows
    dev: Rows
    test: Rows


def place_target(source: int, target: int, to_train: float | int = 0.5, seed: int = 0) -> Placed:
    """Where few examples of what the system is for go, beside many of something else.

    All of the source and the share `to_train` of the target train; the rest of the target is halved into dev and test:
    200,000 images from the web and 10,000 from phones make 205,000 to train on and 2,500 each to judge by. Dev and test
    come first: they say what is aimed at. InputError where they would be empty.
    """
    if not 0 <= to_train < 1:
        raise InputError(f"{to_train:g} of the target to train on: expected a share from 0 to below 1, such as 0.5")
    rows = np.random.default_rng(seed).permutation(target)
    trained = round(to_train * target)
    middle = trained + (target - trained) // 2
    if trained == middle or middle == target:
        raise InputError(f"{target} examples of the target, {trained} of them to train on: too few for dev and test")
    parts = (np.sort(part) for part in np.split(rows, [trained, middle]))
    return Placed(np.arange(source), *parts)


class Duplicate(NamedTuple):
    """The same example, or nearly, in two parts: distance is ‖a − b‖ by ‖a − mean of a‖, 0 for the same bytes."""

    first: str
    first_row: int
    second: str
    second_row: int
    distance: float


def duplicates(parts: Mapping[str, np.ndarray], near: float = 0.0) -> list[Duplicate]:
    """Examples [n, …] that lie in two parts, the same ones first: what was trained on must not be judged by.

    near 0   equal to the last byte, by a hash of it
    above 0  those as well that are no further apart than so many times their own spread, such as 0.1. They are looked
             for among those that share 16 bits of a hash: whether each 64th of the example lies above its median; so a
             pair may be missed whose hashes differ in more than 3 bits

    InputError for examples of different shapes, and for near ones that are not numbers.
    """
    if len({array.shape[1:] for array in parts.values()}) > 1:
        raise InputError(f"examples of {[array.shape[1:] for array in parts.values()]}: expected one shape")
    for name, array in parts.items():
        if near > 0 and not np.issubdtype(array.dtype, np.number) and array.dtype != bool:
            raise InputError(f"near {near:g} and {name} of {array.dtype}: only numbers can be near; take near=0")
    found = {}
    for name, other in combinations(parts, 2):
        for row, second in _candidates(parts[name], parts[other], near > 0):
            distance = _distance(parts[name][row], parts[other][second])
            if distance <= near:
                found[name, row, other, second] = distance
    return [Duplicate(*key, found[key]) for key in sorted(found, key=lambda key: (found[key], key))]


def _candidates(first: np.ndarray, second: np.ndarray, near: bool) -> set[tuple[int, int]]:
    """Pairs of rows that share a bucket."""
    pairs = set()
    buckets = defaultdict(list)
    keys_of: Callable[[np.ndarray], list[Any]] = _near_keys if near else _exact_key
    for row, example in enumerate(first):
        for key in keys_of(example):
            buckets[key].append(row)
    for second_row, example in enumerate(second):
        for key in keys_of(example):
            pairs |= {(row, second_row) for row in buckets.get(key, ())}
    return pairs


def _exact_key(example: np.ndarray) -> list[bytes]:
    return [hashlib.blake2b(np.ascontiguousarray(example).tobytes(), digest_size=16).digest()]


def _near_keys(example: np.ndarray) -> list[tuple[int, bytes]]:
    """The bands of the hash, each with its place."""
    flat = np.asarray(example, np.float64).ravel()
    means = np.array([part.mean() if part.size else 0.0 for part in np.array_split(flat, BITS)])
    bands = (means > np.median(means)).reshape(BANDS, -1)
    return [(place, band.tobytes()) for place, band in enumerate(bands)]


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    if a.dtype == b.dtype and a.tobytes() == b.tobytes():  # NaN and text too
        return 0.0
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    apart, spread = float(np.linalg.norm(a - b)), float(np.linalg.norm(a - a.mean()))
    return apart / spread if spread else (0.0 if apart == 0 else np.inf)
