"""Losses of one real-valued prediction ŷ, of any shape, against its target y."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.typing import wide


def l1(prediction: Float[Array, "*event"], target: Float[Array, "*event"]) -> Float[Array, ""]:
    """L = Σ |ŷ − y|. Its gradient is 0 where ŷ = y."""
    residual = _residual(prediction, target)
    return (residual * jnp.sign(residual)).sum()  # the derivative of jnp.abs at 0 is 1


def l2(prediction: Float[Array, "*event"], target: Float[Array, "*event"]) -> Float[Array, ""]:
    """L = Σ (ŷ − y)²."""
    return (_residual(prediction, target) ** 2).sum()


def mse(prediction: Float[Array, "*event"], target: Float[Array, "*event"]) -> Float[Array, ""]:
    """L = 1/n Σ (ŷ − y)², over the n components of the one example."""
    return (_residual(prediction, target) ** 2).mean()


def _residual(prediction: Float[Array, "*event"], target: Float[Array, "*event"]) -> Float[Array, "*event"]:
    return wide(prediction) - target
