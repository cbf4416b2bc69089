"""Losses of a classifier, of one example, from logits."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def cross_entropy(logits: Float[Array, " classes"], label: Int[Array, ""]) -> Float[Array, ""]:
    """The negative log-likelihood, in nats, of the true class under softmax(logits).

    L = log Σⱼ exp(zⱼ) − z_label

    Computed from logits in at least float32, so that logits of ±1e4 give a finite loss and gradient.
    """
    logits = logits.astype(jnp.promote_types(logits.dtype, jnp.float32))
    return jax.nn.logsumexp(logits) - logits[label]
