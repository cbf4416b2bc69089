"""Anchors: the few widths and heights that a detector's boxes start from, found by k-means on their IoU."""

import numpy as np
from jaxtyping import Float

from jaxdl.boxes import shape_iou
from jaxdl.errors import InputError


def find_anchors(sizes: Float[np.ndarray, "n 2"], count: int, rounds: int = 100) -> Float[np.ndarray, "count 2"]:
    """`count` widths and heights, smallest area first, around which those of n boxes lie closest.

    k-means with the distance 1 − IoU, boxes sharing their centre: unlike Euclid's it doesn't give large boxes more
    weight. An anchor moves to the mean of its boxes. It begins at evenly spaced places of the boxes sorted by area, so
    the same boxes always give the same anchors.

    InputError for no anchor at all, for more of them than boxes, and for boxes without an area. Source: Redmon and
    Farhadi (2017), section 2, "Dimension Clusters".
    """
    if not 1 <= count <= len(sizes):
        raise InputError(f"{count} anchors for {len(sizes)} boxes: expected 1 or more, up to one a box")
    if not (np.isfinite(sizes) & (sizes > 0)).all():
        raise InputError("a box without a width or a height can't choose an anchor: leave it out")
    order = np.argsort(sizes.prod(1), kind="stable")
    anchors = sizes[order[(2 * np.arange(count) + 1) * len(sizes) // (2 * count)]]
    nearest = np.full(len(sizes), -1)
    for _ in range(rounds):
        before, nearest = nearest, shape_iou(sizes[:, None], anchors).argmax(1)
        if (before == nearest).all():
            break
        counts = np.bincount(nearest, minlength=count)
        sums = np.stack([np.bincount(nearest, side, count) for side in sizes.T], 1)
        anchors = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], anchors)
    return anchors[np.argsort(anchors.prod(1), kind="stable")].astype(sizes.dtype)


def mean_iou(sizes: Float[np.ndarray, "n 2"], anchors: Float[np.ndarray, "k 2"]) -> float:
    """The mean over boxes of the IoU with the anchor that fits best: how well the anchors are chosen."""
    return float(shape_iou(sizes[:, None], anchors).max(1).mean())
