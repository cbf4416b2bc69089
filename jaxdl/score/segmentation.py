"""Scores of a segmentation on a whole set, from the confusion matrix of its pixels. NumPy."""

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxdl.errors import InputError
from jaxdl.score.classification import by_class, confusion_matrix

Counts = Int[np.ndarray, "c c"]


def pixel_counts(
    true: Int[np.ndarray, "..."],
    said: Int[np.ndarray, "..."],
    classes: int,
    known: Bool[np.ndarray, "..."] | None = None,
) -> Counts:
    """counts[i, j] = how many pixels of class i were said to be of class j, of those that are known.

    InputError for images of different shapes, where no pixel is known, and for a class out of range.
    """
    if true.shape != said.shape:
        raise InputError(f"segments {true.shape} and {said.shape}: expected the same shape")
    chosen = slice(None) if known is None else known.ravel()
    return confusion_matrix(true.ravel()[chosen], said.ravel()[chosen], classes)


def iou(counts: Counts) -> Float[np.ndarray, " c"]:
    """Intersection over union of each class: right / (true + said − right), NaN for one that is neither."""
    right, true, said = np.diag(counts), counts.sum(1), counts.sum(0)
    union = true + said - right
    return np.where(union == 0, np.nan, right / np.maximum(union, 1))


def mean_iou(counts: Counts) -> float:
    """The mean of `iou` over the classes that are there or were said, the background among them.

    Over the pixels of a whole set together, not image by image, as in Pascal VOC (Everingham et al., 2015).
    """
    return float(np.nanmean(iou(counts)))


def dice(counts: Counts) -> Float[np.ndarray, " c"]:
    """2 · right / (true + said) of each class, the F1 of its pixels, NaN for one that is neither: 2 IoU / (1 + IoU)."""
    return np.where(np.isnan(iou(counts)), np.nan, by_class(counts)[2])


def mean_dice(counts: Counts) -> float:
    """The mean of `dice` over the classes that are there or were said."""
    return float(np.nanmean(dice(counts)))
