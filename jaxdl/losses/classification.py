"""Losses of a classifier, of one example, from logits."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from jaxdl.errors import InputError
from jaxdl.typing import Example, Mean, wide


def cross_entropy(logits: Float[Array, " classes"], label: Int[Array, ""]) -> Float[Array, ""]:
    """The negative log-likelihood, in nats, of the true class under softmax(logits).

    L = log Σⱼ exp(zⱼ) − z_label

    Computed from logits in at least float32, so that logits of ±1e4 give a finite loss and gradient.
    """
    logits = wide(logits)
    return jax.nn.logsumexp(logits) - logits[label]


def soft_cross_entropy(logits: Float[Array, " classes"], target: Float[Array, " classes"]) -> Float[Array, ""]:
    """`cross_entropy` against a distribution over the classes, one-hot or soft; a class of probability 0 costs nothing.

    L = −Σⱼ tⱼ log softmax(z)ⱼ
    """
    return -(target * jnp.where(target == 0, 0.0, jax.nn.log_softmax(wide(logits)))).sum()


def smoothed(target: Float[Array, " classes"], amount: float) -> Float[Array, " classes"]:
    """t ← (1 − ε)·t + ε/classes (Szegedy et al., 2016, section 7). InputError for ε outside [0, 1]."""
    if not 0 <= amount <= 1:
        raise InputError(f"label smoothing {amount}: expected 0 to 1; 0 leaves the labels as they are")
    return (1 - amount) * target + amount / target.size


def binary_cross_entropy(logit: Float[Array, ""], label: Shaped[Array, ""]) -> Float[Array, ""]:
    """−log of the Bernoulli likelihood ŷʸ(1−ŷ)¹⁻ʸ, ŷ = σ(z); the label is 0, 1 or a probability.

    L = y·log(1 + e⁻ᶻ) + (1 − y)·log(1 + eᶻ)
    """
    logit = wide(logit)
    return label * jax.nn.softplus(-logit) + (1 - label) * jax.nn.softplus(logit)


def multi_label(
    logits: Float[Array, " labels"], labels: Shaped[Array, " labels"], known: Shaped[Array, " labels"] | None = None
) -> Float[Array, ""]:
    """The sum of `binary_cross_entropy` over independent labels, those with known = 1 where it is given.

    Labels that are not known may hold anything, also NaN. The mean over known labels is
    Mean(multi_label(logits, labels, known), known.sum()).
    """
    if known is None:
        return jax.vmap(binary_cross_entropy)(logits, labels).sum()
    return (known * jax.vmap(binary_cross_entropy)(logits, jnp.where(known == 0, 0, labels))).sum()


def graded(logits: Float[Array, " classes"], example: Example) -> dict[str, Mean]:
    """`loss` (cross-entropy, nats) and `accuracy` of one example against its `label`, weighted by its `mask`."""
    return {
        "loss": Mean.of(cross_entropy(logits, example["label"]), example["mask"]),
        "accuracy": Mean.of(logits.argmax(-1) == example["label"], example["mask"]),
    }


def graded_binary(logit: Float[Array, "*one"], example: Example) -> dict[str, Mean]:
    """`graded` for two classes and one logit, [] or [1]: class 1 where ŷ = σ(z) > 0.5, that is, z > 0."""
    logit = logit.reshape(())
    return {
        "loss": Mean.of(binary_cross_entropy(logit, example["label"]), example["mask"]),
        "accuracy": Mean.of((logit > 0) == example["label"], example["mask"]),
    }
