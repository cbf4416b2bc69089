"""How well distances tell whether two images show one identity: error rates at a threshold, and one-shot recognition.

NumPy, in float64. A distance of at most the threshold is called "same". ROC curve and area under it are those of
`score.classification`, of minus the distance.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxdl.errors import InputError
from jaxdl.score.classification import roc

Labels = Int[np.ndarray, " n"]
Same = Bool[np.ndarray, "_"]
Distances = Float[np.ndarray, "_"]


def squared_distances(u: Float[np.ndarray, "n d"], v: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n m"]:
    """‖uᵢ − vⱼ‖² = ‖uᵢ‖² + ‖vⱼ‖² − 2 uᵢ·vⱼ for all pairs."""
    u, v = u.astype(np.float64), v.astype(np.float64)
    return np.maximum((u**2).sum(1)[:, None] + (v**2).sum(1) - 2 * u @ v.T, 0)


def pairs(distances: Float[np.ndarray, "n n"], labels: Labels) -> tuple[Same, Distances]:
    """(same, distance) of every pair i < j. InputError unless some are of one identity and some of two."""
    first, second = np.triu_indices(len(labels), 1)
    same = labels[first] == labels[second]
    _check_both(same)
    return same, distances[first, second]


class ErrorRates(NamedTuple):
    """false_accept: the share of pairs of two identities called the same; false_reject: of one, called two."""

    false_accept: float
    false_reject: float


def error_rates(same: Same, distances: Distances, threshold: float) -> ErrorRates:
    """Both errors at a threshold. InputError unless there are pairs of both kinds."""
    _check_both(same)
    accepted = distances <= threshold
    return ErrorRates(float(accepted[~same].mean()), float((~accepted[same]).mean()))


class EqualError(NamedTuple):
    """The error rate at which false accepts and false rejects are equally frequent, and the threshold there."""

    rate: float
    threshold: float


def equal_error(same: Same, distances: Distances) -> EqualError:
    """Where the ROC curve, joined by straight lines, meets false accept = 1 − true accept.

    The threshold is the first distance at which false accepts are as frequent as false rejects, or more. InputError as
    of `score.classification.roc`.
    """
    curve = roc(same, -distances)
    surplus = curve.x - (1 - curve.y)  # rises strictly from −1 to 1
    first = int(np.searchsorted(surplus, 0))
    return EqualError(float(np.interp(0, surplus, curve.x)), float(-curve.thresholds[first]))


def one_shot(
    distances: Float[np.ndarray, "n n"], labels: Labels, ways: int, episodes: int = 500, seed: int = 0
) -> float:
    """The mean share of images given to the right one of `ways` identities, each known by a single image.

    Each episode draws the identities and one image of each by chance, and gives all their other images to the nearest.
    Every identity counts the same. InputError for more ways than identities with two images, and for fewer than 2.
    Source: Lake et al. (2011), "One shot learning of simple visual concepts".
    """
    identities, counts = np.unique(labels, return_counts=True)
    identities = identities[counts > 1]
    if not 2 <= ways <= len(identities) or episodes < 1:
        raise InputError(
            f"{episodes} episodes of {ways} ways: expected 1 or more, of 2 to {len(identities)} identities, which have "
            "two images or more"
        )
    random = np.random.default_rng(seed)
    members = {identity: np.flatnonzero(labels == identity) for identity in identities.tolist()}
    right = []
    for _ in range(episodes):
        drawn = random.choice(identities, ways, replace=False).tolist()
        known = np.array([random.choice(members[identity]) for identity in drawn])
        for place, identity in enumerate(drawn):
            asked = members[identity][members[identity] != known[place]]
            right.append((distances[asked][:, known].argmin(1) == place).mean())
    return float(np.mean(right))


def _check_both(same: np.ndarray) -> None:
    if not same.any() or same.all():
        raise InputError(f"{len(same)} pairs, {same.sum()} of one identity: expected some of one and some of two")
