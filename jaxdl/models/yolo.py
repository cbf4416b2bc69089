"""YOLO: one look at the image, and each anchor of each cell of a grid says what it sees (Redmon et al., 2016, 2017)."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxdl.boxes import Detections, clip, from_centers, shape_iou, to_centers
from jaxdl.data.annotations import Scenes
from jaxdl.data.batches import Batches
from jaxdl.data.source import Source
from jaxdl.decode.nms import check_thresholds, non_max_suppression
from jaxdl.errors import InputError
from jaxdl.layers.activations import leaky_relu
from jaxdl.layers.convolution import Conv
from jaxdl.layers.initializers import he
from jaxdl.layers.normalization import BatchNorm
from jaxdl.losses.detection import LEAST, Said, Target, yolo
from jaxdl.models.classifier import initialised
from jaxdl.optim.chain import Chain
from jaxdl.task import Task
from jaxdl.typing import Example, Key, Mean, ModelState, Params

STRIDE = 8
"""Pixels to a cell."""


class Backbone(nn.Module):
    """Features of each place of the image: maps of a quarter and of an eighth of its side.

    Three stages of 3×3 convolutions, each with batch norm and leaky ReLU; the first of a stage has stride 2.
    """

    width: int = 16

    @nn.compact
    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float, train: bool
    ) -> tuple[Float[Array, "*batch h4 w4 c4"], Float[Array, "*batch h8 w8 c8"]]:
        x, maps = image, []
        for stage, layers in enumerate((1, 2, 2)):
            for layer in range(layers):
                name, strides = f"{stage}_{layer}", 2 if layer == 0 else 1
                conv = Conv(self.width << stage, 3, strides, 1, use_bias=False, kernel_init=he, name=f"conv{name}")
                x = leaky_relu(BatchNorm(name=f"bn{name}")(conv(x), mask, train))
            maps.append(x)
        return maps[1], maps[2]


class Grid(nn.Module):
    """What is said of each of `anchors` anchors in each cell, from a map of features."""

    anchors: int
    classes: int

    @nn.compact
    def __call__(self, features: Float[Array, "*batch rows columns c"]) -> Said:
        x = Conv(self.anchors * (5 + self.classes), 1, name="output")(features)
        x = x.reshape(*x.shape[:-1], self.anchors, 5 + self.classes)
        return Said(x[..., :2], x[..., 2:4], x[..., 4], x[..., 5:])


class Yolo(nn.Module):
    """The backbone and the grid on its coarser map: 48×48 pixels give 6×6 cells."""

    anchors: int
    classes: int = 10
    width: int = 16

    @nn.compact
    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Said:
        _, coarse = Backbone(self.width, name="backbone")(image, mask, train)
        return Grid(self.anchors, self.classes, name="grid")(coarse)


def encode(
    boxes: Float[Array, "n 4"],
    labels: Int[Array, " n"],
    present: Bool[Array, " n"],
    anchors: Float[Array, "a 2"],
    cells: tuple[int, int],
) -> Target:
    """What the cells (rows, columns) of the grid should say of the objects of one image.

    An object belongs to the cell that its centre lies in, and there to the anchor whose shape fits best of those that
    are free: so a cell has room for one object an anchor, and the first come first. Its place is within the cell, its
    size log(side / anchor's side). One that finds all anchors taken is left out.
    """
    shape = (*cells, len(anchors))
    none = Target(
        jnp.zeros((*shape, 2)), jnp.zeros((*shape, 2)), jnp.zeros(shape, bool), jnp.zeros(shape, labels.dtype)
    )

    def add(target: Target, one: tuple[Array, Array, Array]) -> tuple[Target, None]:
        box, label, is_present = one
        center, size = jnp.split(to_centers(box), 2)
        cell = jnp.clip(center // STRIDE, 0, jnp.array(cells[::-1]) - 1).astype(int)
        fits = jnp.where(target.there[cell[1], cell[0]], -1.0, shape_iou(size, anchors))
        place = (cell[1], cell[0], fits.argmax())
        size = jnp.maximum(size, LEAST)
        own = Target(center / STRIDE - cell, jnp.log(size / anchors[place[2]]), jnp.array(True), label)
        room = is_present & (fits.max() >= 0)
        return jax.tree.map(lambda field, of: field.at[place].set(jnp.where(room, of, field[place])), target, own), None

    return jax.lax.scan(add, none, (boxes, labels, present))[0]


def decode(
    center: Float[Array, "rows columns a 2"], size: Float[Array, "rows columns a 2"], anchors: Float[Array, "a 2"]
) -> Float[Array, "rows columns a 4"]:
    """The boxes of all anchors of all cells, from the centres within their cells, 0 to 1: the inverse of `encode`."""
    rows, columns = center.shape[:2]
    row, column = jnp.mgrid[:rows, :columns]
    cell = jnp.stack([column, row], -1)[:, :, None]
    return from_centers(jnp.concat([(cell + center) * STRIDE, anchors * jnp.exp(size)], axis=-1))


def read(said: Said, anchors: Float[Array, "a 2"], limit: int, score: float, overlap: float) -> Detections:
    """What the network says of one image, after `non_max_suppression`: a box's score is P(object)·P(class | object)."""
    rows, columns = said.objectness.shape[:2]
    boxes = clip(decode(jax.nn.sigmoid(said.center), said.size, anchors), rows * STRIDE, columns * STRIDE)
    scores = jax.nn.sigmoid(said.objectness) * jax.nn.softmax(said.classes).max(-1)
    labels = said.classes.argmax(-1)
    all_of_them = Detections(boxes.reshape(-1, 4), labels.ravel(), scores.ravel(), jnp.ones(scores.size, bool))
    return non_max_suppression(all_of_them, limit, score, overlap)


def detector(
    data: Scenes,
    anchors: Float[np.ndarray, "a 2"],
    optimizer: Chain,
    epochs: int,
    batch_size: int,
    *,
    width: int = 16,
    limit: int = 20,
    score: float = 0.05,
    overlap: float = 0.5,
) -> Task:
    """Trains `Yolo` on data.train, and scores its `loss` and the parts of it, `box`, `objectness` and `classes`.

    `predict` gives the `limit` best Detections of an image that are surer than `score` and survive `overlap`; what
    scores them as a set is `score.detection`. InputError for images whose sides are no multiple of 8, and what
    `check_thresholds` refuses.
    """
    check_thresholds(limit, score, overlap)
    model, cells = Yolo(len(anchors), data.classes, width), (data.size // STRIDE,) * 2
    shapes = jnp.asarray(anchors, jnp.float32)

    def grade(said: Said, example: Example) -> dict[str, Mean]:
        target = encode(example["boxes"], example["labels"], example["present"], shapes, cells)
        return weighed(yolo(said, target)._asdict(), example["mask"])

    def find(said: Said) -> Detections:
        return read(said, shapes, limit, score, overlap)

    return detection(model, data, optimizer, epochs, batch_size, grade, find)


def detection(
    model: nn.Module,
    data: Scenes,
    optimizer: Chain,
    epochs: int,
    batch_size: int,
    grade: Callable[[Any, Example], dict[str, Mean]],
    find: Callable[[Any], Detections],
) -> Task:
    """A Task of a model called as `model(image, mask, train)`, whatever it gives.

    grade  (output, example) -> {"loss": …, and its parts}
    find   output -> what `predict` says of an image

    InputError for images whose sides are no multiple of 8.
    """
    if data.size % STRIDE:
        raise InputError(f"images of {data.size} pixels: expected a multiple of {STRIDE}, such as 48")

    def say(params: Params, model_state: ModelState, example: Example) -> Any:
        return model.apply({"params": params, **model_state}, example["image"])

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, Any]:
        variables = {"params": params, **model_state}
        said, state = model.apply(variables, example["image"], example["mask"], True, mutable=list(model_state))
        metrics = grade(said, example)
        return metrics.pop("loss"), (state, metrics)

    train = Batches(data.train, batch_size)
    steps = epochs * train.steps_per_epoch
    held_out = {"dev": data.dev, "test": data.test}
    return Task(
        init=lambda key: initialised(model, key, data.shape),
        loss=loss,
        optimizer=optimizer.build(steps, train.steps_per_epoch),
        train=train,
        steps=steps,
        score=lambda params, state, example: grade(say(params, state, example), example),
        evaluate={name: Batches(part, min(128, len(part)), shuffle=False) for name, part in held_out.items()},
        predict=lambda params, state, example: find(say(params, state, example)),
        class_names=data.class_names,
    )


def weighed(parts: dict[str, Array], mask: Array) -> dict[str, Mean]:
    """The parts of a loss as metrics, with their sum as `loss`."""
    return {name: Mean.of(of, mask) for name, of in {"loss": sum(parts.values()), **parts}.items()}


def truth(part: Source) -> Detections:
    """What truly is in the images of a part, as `score.detection` takes it."""
    fields = part[np.arange(len(part))]
    present = fields["present"]
    return Detections(fields["boxes"], fields["labels"], present.astype(np.float32), present)
