"""Rows to unit length, to probabilities, and to the largest alone; a row is the last axis."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.typing import wide


def normalize_rows(x: Float[Array, "*rows n"]) -> Float[Array, "*rows n"]:
    """x / ‖x‖₂, and 0 for a row of zeros; with max |x| taken out first, which cancels, so that no square overflows."""
    largest = jax.lax.stop_gradient(jnp.abs(x).max(-1, keepdims=True))
    x = x / jnp.where(largest == 0, 1, largest)
    squares = (x**2).sum(-1, keepdims=True)
    return x * jax.lax.rsqrt(jnp.where(squares == 0, 1, squares))


def softmax(z: Float[Array, "*rows n"], temperature: float = 1.0) -> Float[Array, "*rows n"]:
    """ŷⱼ = exp(zⱼ/T) / Σₖ exp(zₖ/T), with max z taken from every z first, which cancels, so that nothing overflows.

    T → 0 gives `hardmax` where one z is largest, T → ∞ the same for all. In at least float32, given back in z's type.
    InputError unless T > 0.
    """
    if not temperature > 0:
        raise InputError(f"temperature {temperature}: expected more than 0; hardmax is the limit at 0")
    below = wide(z)
    below = below - jax.lax.stop_gradient(below.max(-1, keepdims=True))
    # A temperature that rounds to 0 would make 0 / 0 of the largest.
    weights = jnp.exp(below / max(temperature, float(jnp.finfo(below.dtype).tiny)))
    return (weights / weights.sum(-1, keepdims=True)).astype(z.dtype)


def hardmax(z: Float[Array, "*rows n"]) -> Float[Array, "*rows n"]:
    """1 at the largest of each row (the first, where several are), 0 elsewhere."""
    return jax.nn.one_hot(z.argmax(-1), z.shape[-1], dtype=z.dtype)
