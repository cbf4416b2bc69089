"""Activations, as nodes."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.backprop import arithmetic
from jaxdl.backprop.graph import Node


def elementwise(function: Callable[[Array], Array], derivative: Callable[[Array, Array], Array]) -> Node:
    """a = g(z); ∂z = ∂a ⊙ g′(z), with derivative(z, a) = g′(z), which is the cache."""

    def forward(z: Float[Array, "..."]) -> tuple[Float[Array, "..."], Array]:
        a = function(z)
        return a, derivative(z, a)

    def backward(slope: Array, upstream: Float[Array, "..."]) -> tuple[Float[Array, "..."]]:
        return (upstream * slope,)

    return Node(forward, backward)


sigmoid = elementwise(jax.nn.sigmoid, lambda z, a: a * (1 - a))
"""σ(z) = 1 / (1 + e^−z); σ′ = σ (1 − σ)."""

tanh = elementwise(jnp.tanh, lambda z, a: 1 - a**2)
"""tanh z; tanh′ = 1 − tanh²."""

relu = elementwise(lambda z: jnp.where(z <= 0, 0, z), lambda z, a: z > 0)
"""max(0, z); relu′ = 1 for z > 0, else 0, at 0 too."""


def leaky_relu(slope: float = 0.1) -> Node:
    """z for z ≥ 0, slope·z below; the derivative is 1 for z ≥ 0, slope below (Maas et al., 2013)."""
    return elementwise(
        lambda z: jnp.where(z < 0, slope * z, z), lambda z, a: jnp.where(z < 0, slope, 1).astype(z.dtype)
    )


def elu(alpha: float = 1.0) -> Node:
    """z for z ≥ 0, α (e^z − 1) below; the derivative is 1 for z ≥ 0, α e^z below (Clevert et al., 2016, section 3)."""

    def below(z: Array) -> Array:
        return jnp.minimum(z, 0)  # e^z would overflow on the side that is not used

    return elementwise(
        lambda z: jnp.where(z < 0, alpha * jnp.expm1(below(z)), z),
        lambda z, a: jnp.where(z < 0, alpha * jnp.exp(below(z)), 1),
    )


def maxout(pieces: int) -> Node:
    """aⱼ = maxₖ z[j·pieces + k]: each unit takes the largest of its pieces (Goodfellow et al., 2013, section 3)."""
    largest = arithmetic.maximum(-1)

    def forward(z: Float[Array, "m inputs"]) -> tuple[Float[Array, "m units"], Array]:
        return largest.forward(z.reshape(len(z), -1, pieces))

    def backward(share: Array, upstream: Float[Array, "m units"]) -> tuple[Float[Array, "m inputs"]]:
        (gradient,) = largest.backward(share, upstream)
        return (gradient.reshape(len(gradient), -1),)

    return Node(forward, backward)
