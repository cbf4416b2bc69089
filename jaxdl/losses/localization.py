"""Losses of a network that says where something is in the image, of one example: one object at most, and landmarks."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from jaxdl.errors import InputError
from jaxdl.losses.classification import binary_cross_entropy, cross_entropy
from jaxdl.typing import wide


class Parts(NamedTuple):
    """What a localisation costs: is it there, where is it, what is it. The loss is their sum."""

    presence: Float[Array, ""]
    box: Float[Array, ""]
    label: Float[Array, ""]


def localization(
    output: Float[Array, " outputs"],
    box: Float[Array, "4"],
    label: Int[Array, ""],
    present: Shaped[Array, ""],
    box_weight: float = 1.0,
) -> Parts:
    """−log P(present), and only where something is there w·Σ(b − b̂)² of the box and −log P(label).

    output  [5 + classes]: the logit of p_c, four numbers for the box, a logit for each class
    box     in any units, such as centre and sides as shares of the image's
    present 1 or 0; where it is 0, box and label may hold anything, also NaN

    InputError for an output that has no class. Source: the notes on object localisation; Sermanet et al. (2014).
    """
    if output.size < 6:
        raise InputError(f"an output of {output.size} numbers: expected p_c, four for the box and one for each class")
    output, there = wide(output), present > 0
    target = jnp.where(there, box, 0)
    return Parts(
        binary_cross_entropy(output[0], present),
        there * box_weight * ((output[1:5] - target) ** 2).sum(),
        there * cross_entropy(output[5:], jnp.where(there, label, 0)),
    )


def landmarks(
    points: Float[Array, "k 2"], target: Float[Array, "k 2"], present: Shaped[Array, " k"]
) -> Float[Array, ""]:
    """Σₖ ‖p̂ₖ − pₖ‖² over the landmarks that are present; those that are not may hold anything, also NaN.

    The mean over what is present is Mean(landmarks(points, target, present), present.sum()).
    """
    there = (present > 0)[:, None]
    return (there * (wide(points) - jnp.where(there, target, 0)) ** 2).sum()
