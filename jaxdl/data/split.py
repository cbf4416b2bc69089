"""Train, dev and test: disjoint, covering, seeded and with each class's share in every part."""

import numpy as np

from jaxdl.data.philox import generator
from jaxdl.errors import InputError


def check_fractions(fractions: tuple[float, ...]) -> None:
    """Raise InputError unless the fractions are ≥ 0, sum to 1 and the first, the share of train, is more than 0."""
    if not (min(fractions) >= 0 and abs(sum(fractions) - 1) <= 1e-6):  # NaN is neither
        raise InputError(f"fractions {fractions} must be 0 or more and sum to 1, such as (0.6, 0.2, 0.2)")
    if not fractions[0]:
        raise InputError(f"fractions {fractions} leave nothing to train on: the first is the share of train")


def split(
    labels: np.ndarray | int, fractions: tuple[float, ...] = (0.6, 0.2, 0.2), seed: int = 0
) -> tuple[np.ndarray, ...]:
    """Indices of each part, ascending. Given labels [N] it is stratified; given the count N it is not.

    Of class c with n_c examples, part k gets n_c f_k rounded down or up; what rounding leaves over goes to the part
    that is furthest behind its share of all classes so far, so that the parts' sizes come out right too.
    Raises InputError for fractions that are negative or don't sum to 1, and a class smaller than the number of parts.
    """
    check_fractions(fractions)
    labels = np.zeros(labels, np.int32) if isinstance(labels, int) else labels
    if not len(labels):
        raise InputError(f"there are 0 examples, too few to split in {len(fractions)} parts")
    rng = generator(seed, 0)
    shares = np.asarray(fractions)
    classes, counts = np.unique(labels, return_counts=True)
    parts: list[list[np.ndarray]] = [[] for _ in fractions]
    behind = np.zeros(len(fractions))
    for label, count in zip(classes, counts, strict=True):
        if count < (shares > 0).sum():
            what = f"class {label} has {count}" if len(classes) > 1 else f"there are {count}"
            raise InputError(f"{what} examples, too few to split in {(shares > 0).sum()} parts")
        sizes = _round(count * shares, behind)
        behind += count * shares - sizes
        members = rng.permutation(np.flatnonzero(labels == label))
        for part, rows in zip(parts, np.split(members, np.cumsum(sizes)[:-1]), strict=True):
            part.append(rows)
    return tuple(np.sort(np.concatenate(part)) for part in parts)


def folds(labels: np.ndarray | int, k: int = 5, seed: int = 0) -> tuple[np.ndarray, ...]:
    """The held-out rows of each turn of k-fold cross-validation: every row is in exactly one, each class in all.

    Train turn i on all other rows, `np.setdiff1d(np.arange(N), held_out[i])`, and average the k scores.
    Raises InputError for k < 2 and a class with fewer than k examples.
    """
    if k < 2:
        raise InputError(f"{k} folds leave nothing to train on or to judge by: give 2 or more, such as 5")
    return split(labels, (1 / k,) * k, seed)


def train_dev(
    train: np.ndarray, labels: np.ndarray, share: float = 0.1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The rows to train on and the train-dev rows: a slice of train that is held out, stratified by labels[train].

    It is distributed as train is, so what is lost from train to train-dev is variance, and what is lost from train-dev
    to dev is the mismatch of their distributions. Raises what `split` raises.
    """
    kept, held_out = split(labels[train], (1 - share, share), seed)
    return train[kept], train[held_out]


def fractions_for(count: int) -> tuple[float, float, float]:
    """The usual shares of train, dev and test: dev and test need thousands of examples, not a share of millions.

    60/20/20 up to 100,000 examples, 98/1/1 up to a million, 99.5/.25/.25 beyond.
    """
    if count <= 100_000:
        return 0.6, 0.2, 0.2
    return (0.98, 0.01, 0.01) if count <= 1_000_000 else (0.995, 0.0025, 0.0025)


def _round(exact: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """Whole numbers next to `exact` with the same sum; those furthest behind are rounded up."""
    exact = np.round(exact, 9)  # 0.2 * 5 is one, and not a little less
    sizes = np.floor(exact).astype(int)
    left = round(exact.sum()) - sizes.sum()
    urgency = np.where(exact > sizes, behind + exact - sizes, -np.inf)
    sizes[np.argsort(-urgency, kind="stable")[:left]] += 1
    return sizes
