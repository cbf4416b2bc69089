"""Losses of a classifier, of one example, from logits."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxdl.typing import Example, Mean


def cross_entropy(logits: Float[Array, " classes"], label: Int[Array, ""]) -> Float[Array, ""]:
    """The negative log-likelihood, in nats, of the true class under softmax(logits).

    L = log Σⱼ exp(zⱼ) − z_label

    Computed from logits in at least float32, so that logits of ±1e4 give a finite loss and gradient.
    """
    logits = logits.astype(jnp.promote_types(logits.dtype, jnp.float32))
    return jax.nn.logsumexp(logits) - logits[label]


def graded(logits: Float[Array, " classes"], example: Example) -> dict[str, Mean]:
    """`loss` (cross-entropy, nats) and `accuracy` of one example against its `label`, weighted by its `mask`."""
    return {
        "loss": Mean.of(cross_entropy(logits, example["label"]), example["mask"]),
        "accuracy": Mean.of(logits.argmax(-1) == example["label"], example["mask"]),
    }
