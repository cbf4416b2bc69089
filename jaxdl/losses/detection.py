"""Losses of detectors, of one image: of one that answers for each anchor of a grid, and of one that reads regions."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxdl.boxes import from_centers, iou, to_centers
from jaxdl.losses.classification import binary_cross_entropy, cross_entropy
from jaxdl.typing import wide


class Said(NamedTuple):
    """What the network says of each anchor of each cell; all but `size` are logits.

    center      σ of it is the place of the object's centre within the cell, (x, y) from 0 to 1
    size        log of the object's (width, height) over the anchor's
    objectness  σ of it is the probability that an object is there
    classes     softmax of it is which one
    """

    center: Float[Array, "*grid 2"]
    size: Float[Array, "*grid 2"]
    objectness: Float[Array, "*grid"]
    classes: Float[Array, "*grid classes"]


class Target(NamedTuple):
    """What it should say, in the same terms: where `there`, the centre within the cell, log size and class."""

    center: Float[Array, "*grid 2"]
    size: Float[Array, "*grid 2"]
    there: Bool[Array, "*grid"]
    label: Int[Array, "*grid"]


class YoloLoss(NamedTuple):
    """The parts of the loss of one image."""

    box: Float[Array, ""]
    objectness: Float[Array, ""]
    classes: Float[Array, ""]


def yolo(said: Said, target: Target, box: float = 5.0, empty: float = 0.5) -> YoloLoss:
    """The parts of L = Σ_there [λ(|σ(t_c) − c|² + |t_s − s|²) + L_ce(p) + L_bce(o, 1)] + ε Σ_empty L_bce(o, 0).

    A centre c, size s and class count only where an object is; λ = `box` lifts the few boxes above the many empty
    cells, which ε = `empty` holds back. Source: Redmon et al. (2016), eq. 3, for squared errors and weights; Redmon and
    Farhadi (2018), section 2, for the cross-entropies in the place of squared errors of probabilities.
    """
    said, there = Said(*map(wide, map(jnp.asarray, said))), target.there.astype(jnp.float32)
    errors = ((jax.nn.sigmoid(said.center) - target.center) ** 2 + (said.size - target.size) ** 2).sum(-1)
    flat = said.classes.reshape(-1, said.classes.shape[-1])
    classes = jax.vmap(cross_entropy)(flat, target.label.ravel()).reshape(there.shape)
    surprise = jax.vmap(binary_cross_entropy)(said.objectness.ravel(), there.ravel()).reshape(there.shape)
    return YoloLoss(
        box=box * (there * errors).sum(),
        objectness=(jnp.where(target.there, 1.0, empty) * surprise).sum(),
        classes=(there * classes).sum(),
    )


class RegionLoss(NamedTuple):
    """The parts of the loss of the regions of one image."""

    region_classes: Float[Array, ""]
    region_boxes: Float[Array, ""]


def regions(
    logits: Float[Array, "k classes_and_none"],
    offsets: Float[Array, "k 4"],
    proposals: Float[Array, "k 4"],
    boxes: Float[Array, "n 4"],
    labels: Int[Array, " n"],
    present: Bool[Array, " n"],
    overlap: float = 0.5,
    weight: float = 1.0,
) -> RegionLoss:
    """The parts of L = mean_k L_ce(p_k) + λ mean_{k with an object} Σ smooth(t_k − v_k).

    A proposal belongs to the object it covers best, if their IoU is ≥ `overlap`, and else to class 0, which is none; an
    object's class is 1 + label. v is `offsets_to` the object, smooth(d) = d²/2 up to |d| = 1 and |d| − 1/2 beyond, and
    λ = `weight`. Source: Girshick (2015), eq. 1 to 3.
    """
    table = jnp.where(present, iou(proposals[:, None], boxes), 0.0)
    best, covered = table.argmax(1), table.max(1) >= overlap
    classes = jax.vmap(cross_entropy)(logits, jnp.where(covered, 1 + labels[best], 0))
    wanted = jnp.where(covered[:, None], offsets_to(proposals, boxes[best]), 0.0)
    distance = jnp.abs(wide(offsets) - wanted)
    smooth = jnp.where(distance < 1, distance**2 / 2, distance - 0.5).sum(-1)
    return RegionLoss(classes.mean(), weight * (covered * smooth).sum() / jnp.maximum(covered.sum(), 1))


def offsets_to(proposals: Float[Array, "k 4"], boxes: Float[Array, "k 4"]) -> Float[Array, "k 4"]:
    """(Δx / width, Δy / height, log width ratio, log height ratio) from each proposal to its box, at least float32."""
    (center, side), (to, size) = (jnp.split(to_centers(wide(of)), 2, axis=-1) for of in (proposals, boxes))
    side, size = jnp.maximum(side, LEAST), jnp.maximum(size, LEAST)
    return jnp.concat([(to - center) / side, jnp.log(size / side)], axis=-1)


def moved(proposals: Float[Array, "k 4"], offsets: Float[Array, "k 4"]) -> Float[Array, "k 4"]:
    """The boxes at these offsets: the inverse of `offsets_to`."""
    center, side = jnp.split(to_centers(wide(proposals)), 2, axis=-1)
    side = jnp.maximum(side, LEAST)
    shift, stretch = jnp.split(offsets, 2, axis=-1)
    return from_centers(jnp.concat([center + shift * side, side * jnp.exp(stretch)], axis=-1))


LEAST = 1e-3
"""Pixels of the shortest side: a box without an area has no logarithm."""
