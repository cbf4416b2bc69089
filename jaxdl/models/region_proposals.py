"""Faster R-CNN, small: a grid proposes regions in which anything is, and a second network reads each of them."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxdl.boxes import Detections, clip
from jaxdl.data.annotations import Scenes
from jaxdl.decode.nms import check_thresholds, non_max_suppression
from jaxdl.errors import InputError
from jaxdl.layers.activations import relu
from jaxdl.layers.initializers import he
from jaxdl.layers.roi import roi_align
from jaxdl.losses.detection import Said, moved, regions, yolo
from jaxdl.models.yolo import STRIDE, Backbone, Grid, detection, encode, read, weighed
from jaxdl.optim.chain import Chain
from jaxdl.task import Task
from jaxdl.typing import Example, Mean


class Regions(NamedTuple):
    """What both stages say of one image.

    said       the grid, of one class: anything
    proposals  the k regions it finds surest; no gradient goes through them
    logits     of each of them, class 0 being none
    offsets    from each of them to its object
    """

    said: Said
    proposals: Detections
    logits: Float[Array, "k classes_and_none"]
    offsets: Float[Array, "k 4"]


class RegionNetwork(nn.Module):
    """The backbone and the grid of `Yolo`, which propose; RoI align of the finer map and two dense layers, which read.

    It takes one image, for what it proposes depends on it.

    anchors    of the grid, (width, height) in pixels
    proposals  regions to an image, whose IoUs stay below `overlap`
    bins       of a side of what is seen of a region
    """

    anchors: tuple[tuple[float, float], ...]
    classes: int = 10
    width: int = 16
    proposals: int = 12
    overlap: float = 0.7
    bins: int = 6
    dense: int = 128

    @nn.compact
    def __call__(
        self, image: Float[Array, "h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Regions:
        fine, coarse = Backbone(self.width, name="backbone")(image, mask, train)
        said = Grid(len(self.anchors), 1, name="grid")(coarse)
        proposals = read(jax.lax.stop_gradient(said), jnp.array(self.anchors), self.proposals, 0.0, self.overlap)
        x = roi_align(fine, proposals.boxes, self.bins, STRIDE // 2)
        x = relu(nn.Dense(self.dense, kernel_init=he, name="dense")(x.reshape(len(x), -1)))
        logits = nn.Dense(1 + self.classes, name="classes")(x)
        return Regions(said, proposals, logits, nn.Dense(4, kernel_init=nn.initializers.zeros, name="boxes")(x))


def read_regions(found: Regions, side: float | int, limit: int, score: float, overlap: float) -> Detections:
    """What the second stage says of one image of side × side, after `non_max_suppression` of each class."""
    probability = jax.nn.softmax(found.logits)[:, 1:]
    boxes = clip(moved(found.proposals.boxes, found.offsets), side, side)
    said = Detections(boxes, probability.argmax(-1), probability.max(-1), found.proposals.valid)
    return non_max_suppression(said, limit, score, overlap)


def region_detector(
    data: Scenes,
    anchors: Float[np.ndarray, "a 2"],
    optimizer: Chain,
    epochs: int,
    batch_size: int,
    *,
    width: int = 16,
    proposals: int = 12,
    limit: int = 20,
    score: float = 0.05,
    overlap: float = 0.5,
) -> Task:
    """`models.yolo.detector` of two stages, which are trained together: `objectness` and `box` are of the proposals.

    InputError for images whose sides are no multiple of 8, for no proposals and what `check_thresholds` refuses.
    """
    if proposals < 1:
        raise InputError(f"proposals = {proposals}: expected 1 or more to an image")
    check_thresholds(limit, score, overlap)
    sides = tuple((float(wide), float(high)) for wide, high in anchors)
    model = RegionNetwork(sides, data.classes, width, proposals)
    shapes, cells = jnp.asarray(anchors, jnp.float32), (data.size // STRIDE,) * 2

    def grade(found: Regions, example: Example) -> dict[str, Mean]:
        boxes, labels, present = example["boxes"], example["labels"], example["present"]
        anything = yolo(found.said, encode(boxes, 0 * labels, present, shapes, cells))
        read = regions(found.logits, found.offsets, found.proposals.boxes, boxes, labels, present)
        return weighed({"objectness": anything.objectness, "box": anything.box, **read._asdict()}, example["mask"])

    def find(found: Regions) -> Detections:
        return read_regions(found, data.size, limit, score, overlap)

    return detection(model, data, optimizer, epochs, batch_size, grade, find)
