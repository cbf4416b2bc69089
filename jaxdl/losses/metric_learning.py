"""Losses that learn distances: of a triplet, of a pair, and of one anchor against all others of its batch."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Shaped

from jaxdl.errors import chosen
from jaxdl.typing import wide

Vector = Float[Array, " d"]
Scalar = Float[Array, ""]


def squared_distance(u: Float[Array, "*n d"], v: Float[Array, "*m d"]) -> Float[Array, "*_"]:
    """‖u − v‖² along the last axis, in at least float32; other axes broadcast."""
    difference = u - v
    return (wide(difference) ** 2).sum(-1)


def triplet(anchor: Vector, positive: Vector, negative: Vector, margin: float = 0.2) -> Scalar:
    """L = max(‖A − P‖² − ‖A − N‖² + α, 0): A and P are of one identity, N of another, α is the margin.

    Source: Schroff, Kalenichenko and Philbin (2015), "FaceNet", equation 3.
    """
    return _hinge(squared_distance(anchor, positive), squared_distance(anchor, negative), margin)


def contrastive(u: Vector, v: Vector, same: Bool[Array, ""], margin: float = 1.0) -> Scalar:
    """L = ½ d² of a pair of one identity, ½ max(m − d, 0)² of a pair of two, d = ‖u − v‖.

    A pair of two identities at the same place has no direction to part in: its gradient is 0.
    Source: Hadsell, Chopra and LeCun (2006), "Dimensionality Reduction by Learning an Invariant Mapping", equation 4.
    """
    squared = squared_distance(u, v)
    distance = jnp.where(squared == 0, 0.0, jnp.sqrt(jnp.where(squared == 0, 1.0, squared)))
    return jnp.where(same, squared, jnp.maximum(margin - distance, 0.0) ** 2) / 2


def absolute_difference(u: Float[Array, "*n d"], v: Float[Array, "*m d"]) -> Float[Array, "*_ d"]:
    """|u − v| for each feature: a logistic unit on it says whether two images show one identity.

    σ(Σ wₖ |uₖ − vₖ| + b). Source: Taigman et al. (2014), "DeepFace", section 4.2; Koch et al. (2015).
    """
    return jnp.abs(u - v)


def chi_squared(u: Float[Array, "*n d"], v: Float[Array, "*m d"], epsilon: float = 1e-6) -> Float[Array, "*_ d"]:
    """(u − v)² / (u + v + ε) for each feature, u and v ≥ 0: 0 where both are, and at most the larger of the two.

    Source: Taigman et al. (2014), "DeepFace", section 4.1.
    """
    return (u - v) ** 2 / (u + v + epsilon)


class Others(NamedTuple):
    """The global batch as one anchor sees it. `positive` and `negative` leave out itself and the padding."""

    embedding: Float[Array, "n d"]
    positive: Bool[Array, " n"]
    negative: Bool[Array, " n"]


def others(embedding: Vector, label: Int[Array, ""], mask: Shaped[Array, ""]) -> Others:
    """Gathers over "batch" and then over "data": all examples of the step, on every device."""
    batch = jax.lax.axis_index("data") * jax.lax.axis_size("batch") + jax.lax.axis_index("batch")
    embeddings, labels, masks = map(_gathered, (embedding, label, mask))
    known = (masks > 0) & (mask > 0)
    same = labels == label
    return Others(embeddings, known & same & (jnp.arange(len(labels)) != batch), known & ~same)


def batch_triplet(
    embedding: Vector,
    label: Int[Array, ""],
    mask: Shaped[Array, ""],
    margin: float = 0.2,
    mining: str = "semi-hard",
) -> Scalar:
    """The mean of `triplet` over the triplets of one anchor that mining picks from the batch, 0 if there is none.

    all        every positive with every negative
    hard       the positive furthest off with the nearest negative (Hermans, Beyer and Leibe, 2017, equation 5)
    semi-hard  every positive with the nearest negative that is further off than itself, or, where none is, with the
               negative furthest off (Schroff et al., 2015, equation 4)

    Memory for all anchors of a batch of B: B² d, and B³ with all and semi-hard. InputError for another mining.
    """
    found = others(embedding, label, mask)
    distance = squared_distance(embedding, found.embedding)
    pick = chosen("mining", mining, {"all": _every, "hard": _hardest, "semi-hard": _semi_hard})
    losses, picked = pick(distance, found.positive, found.negative, margin)
    return _mean(losses, picked)


def batch_pairs(
    embedding: Vector,
    label: Int[Array, ""],
    mask: Shaped[Array, ""],
    loss: Callable[[Vector, Vector, Bool[Array, ""]], Scalar],
) -> Scalar:
    """½ mean of loss(f, f', True) over an anchor's positives + ½ mean of loss(f, f', False) over its negatives.

    Halves, for most pairs of a batch are of two identities: without them never to say "same" would nearly be right.
    A side that is empty counts 0.
    """
    found = others(embedding, label, mask)
    losses = jax.vmap(loss, (None, 0, 0))(embedding, found.embedding, found.positive)
    return (_mean(losses, found.positive) + _mean(losses, found.negative)) / 2


def _every(distance, positive, negative, margin):
    return _hinge(distance[:, None], distance, margin), positive[:, None] & negative


def _hardest(distance, positive, negative, margin):
    furthest = jnp.where(positive, distance, -jnp.inf).argmax()
    nearest = jnp.where(negative, distance, jnp.inf).argmin()
    return _hinge(distance[furthest], distance[nearest], margin), positive.any() & negative.any()


def _semi_hard(distance, positive, negative, margin):
    further = negative & (distance > distance[:, None])
    nearest = jnp.where(further, distance, jnp.inf).argmin(-1)
    furthest = jnp.where(negative, distance, -jnp.inf).argmax()
    partner = jnp.where(further.any(-1), nearest, furthest)
    return _hinge(distance, distance[partner], margin), positive & negative.any()


def _hinge(to_positive: Array, to_negative: Array, margin: float) -> Array:
    return jnp.maximum(to_positive - to_negative + margin, 0.0)


def _mean(values: Array, picked: Array) -> Array:
    """The mean of those that are picked, 0 of none."""
    return jnp.where(picked, values, 0.0).sum() / jnp.maximum(picked.sum(), 1)


def _gathered(value: Array) -> Array:
    """[n, ...] of a value that each of the n examples of the global batch has; JAX gathers one named axis at a time."""
    by_device = jax.lax.all_gather(jax.lax.all_gather(value, "batch"), "data")
    return by_device.reshape(-1, *value.shape)
