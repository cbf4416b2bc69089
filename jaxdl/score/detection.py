"""Mean average precision of detections, as COCO counts it. NumPy, in float64, on the host."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxdl.boxes import Detections, check_boxes, iou
from jaxdl.errors import InputError

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""IoUs from .5 to .95 in steps of .05."""

RECALLS = np.linspace(0, 1, 101)


class MeanAveragePrecision(NamedTuple):
    """The mean over classes of the average precision, at IoU ≥ .5, and averaged over IoUs of .5, .55, …, .95."""

    at_50: float
    at_50_95: float


def mean_average_precision(true: Detections, said: Detections, classes: int) -> MeanAveragePrecision:
    """Over the classes that occur; see `average_precision`. InputError where no object is there at all."""
    found = average_precision(true, said, classes)
    occurs = ~np.isnan(found[:, 0])
    if not occurs.any():
        raise InputError("no object is there to be found: a mean average precision needs one or more")
    return MeanAveragePrecision(float(found[occurs, 0].mean()), float(found[occurs].mean()))


def average_precision(
    true: Detections, said: Detections, classes: int, thresholds: Float[np.ndarray, " t"] = THRESHOLDS
) -> Float[np.ndarray, "classes t"]:
    """The mean precision at recalls of 0, .01, …, 1, of each class at each IoU threshold; NaN for classes not there.

    true  the objects of each image, boxes [images, n, 4]; their scores do not matter
    said  what was found in each image, boxes [images, m, 4], all that is valid: keep unsure detections too

    From the surest on, a detection is right if it has the class and an IoU ≥ the threshold of an object that no surer
    one has taken: the best such object becomes its own. The precision at a recall is the highest at that or any higher
    recall. InputError for thresholds outside (0, 1], impossible boxes, scores that are NaN, labels out of range, other
    counts of images. Source: Lin et al. (2014), and the COCO evaluation's code; without its crowds, sizes and limit of
    100 an image.
    """
    true, said = Detections(*map(np.asarray, true)), Detections(*map(np.asarray, said))
    _check(true, said, classes, thresholds)
    found = np.full((classes, len(thresholds)), np.nan)
    for label in range(classes):
        right, objects = _graded(true, said, label, thresholds)
        if objects:
            found[label] = _area_under(right, objects)
    return found


class PrecisionRecall(NamedTuple):
    """The share of what was found that is right, and of what is there that was found; 0 for nothing of nothing."""

    precision: float
    recall: float


def precision_recall(true: Detections, said: Detections, classes: int, threshold: float = 0.5) -> PrecisionRecall:
    """Of all that is valid in `said`, over all classes; what is right is decided as in `average_precision`."""
    true, said = Detections(*map(np.asarray, true)), Detections(*map(np.asarray, said))
    thresholds = np.array([threshold])
    _check(true, said, classes, thresholds)
    hits = sum(int(_graded(true, said, label, thresholds)[0].sum()) for label in range(classes))
    return PrecisionRecall(hits / max(int(said.valid.sum()), 1), hits / max(int(true.valid.sum()), 1))


def _graded(
    true: Detections, said: Detections, label: int, thresholds: Float[np.ndarray, " t"]
) -> tuple[Bool[np.ndarray, "m t"], int]:
    """Whether each detection of a class, in all images, is right, the surest first; and how many objects it has."""
    objects, claims = true.valid & (true.labels == label), said.valid & (said.labels == label)
    scores: list = [np.zeros(0)]
    right: list = [np.zeros((0, len(thresholds)), bool)]
    for image in np.flatnonzero(claims.any(1)).tolist():
        places = np.flatnonzero(claims[image])
        places = places[np.argsort(-said.scores[image, places], kind="stable")]
        there = true.boxes[image, objects[image]].astype(np.float64)
        table = iou(said.boxes[image, places].astype(np.float64)[:, None], there)
        scores.append(said.scores[image, places])
        right.append(_matched(table, thresholds))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return np.concatenate(right)[order], int(objects.sum())


def _matched(table: Float[np.ndarray, "m n"], thresholds: Float[np.ndarray, " t"]) -> Bool[np.ndarray, "m t"]:
    """Whether each of m detections of one image, best first, takes one of n objects, from their IoUs."""
    free = np.ones((len(thresholds), table.shape[1]), bool)
    right = np.zeros((len(table), len(thresholds)), bool)
    if not free.size:
        return right
    for place, overlaps in enumerate(table):
        possible = np.where(free & (overlaps >= thresholds[:, None]), overlaps, -1.0)
        best = possible.argmax(1)
        right[place] = possible.max(1) >= 0
        free[right[place], best[right[place]]] = False
    return right


def _area_under(right: Bool[np.ndarray, "m t"], objects: int) -> Float[np.ndarray, " t"]:
    """The mean of the precision over RECALLS, for detections of a class in all images, best first."""
    hits = right.cumsum(0)
    precision = hits / np.arange(1, len(hits) + 1)[:, None]
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    padded = np.concatenate([precision, np.zeros((1, right.shape[1]))])  # a recall that is never reached
    where = [np.searchsorted(recall, RECALLS) for recall in hits.T / objects]
    return np.array([padded[places, column].mean() for column, places in enumerate(where)])


def _check(true: Detections, said: Detections, classes: int, thresholds: np.ndarray) -> None:
    if len(true.boxes) != len(said.boxes):
        raise InputError(f"{len(true.boxes)} images with objects, {len(said.boxes)} with detections: expected the same")
    if not ((thresholds > 0) & (thresholds <= 1)).all():
        raise InputError(f"IoU thresholds {thresholds.tolist()}: expected each above 0, up to 1")
    if np.isnan(said.scores[said.valid]).any():
        raise InputError("a score is NaN: expected how sure one is of each detection")
    for name, of in (("true", true), ("said", said)):
        check_boxes(of.boxes, of.valid)
        labels = of.labels[of.valid]
        if labels.size and not 0 <= labels.min() <= labels.max() < classes:
            raise InputError(f"{name} labels from {labels.min()} to {labels.max()}: expected 0 to {classes - 1}")
