"""Sums, products, maxima and the affine map, as nodes."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.backprop.graph import Node

Value = jax.Array | float


def _add(x: Value, y: Value) -> tuple[Array, tuple]:
    return jnp.add(x, y), (x, y)


def _add_backward(cache: tuple, upstream: Value) -> tuple[Array, Array]:
    x, y = cache
    return _summed(upstream, x), _summed(upstream, y)


add = Node(_add, _add_backward)
"""z = x + y; ∂x = ∂z, ∂y = ∂z. Either may be broadcast."""


def _multiply(x: Value, y: Value) -> tuple[Array, tuple]:
    return jnp.multiply(x, y), (x, y)


def _multiply_backward(cache: tuple, upstream: Value) -> tuple[Array, Array]:
    x, y = cache
    return _summed(upstream * y, x), _summed(upstream * x, y)


multiply = Node(_multiply, _multiply_backward)
"""z = x ⊙ y; ∂x = ∂z ⊙ y, ∂y = ∂z ⊙ x. Either may be broadcast."""


def _affine(
    x: Float[Array, "m n_in"], W: Float[Array, "n_in n_out"], b: Float[Array, " n_out"]
) -> tuple[Float[Array, "m n_out"], tuple]:
    return x @ W + b, (x, W)


def _affine_backward(
    cache: tuple, upstream: Float[Array, "m n_out"]
) -> tuple[Float[Array, "m n_in"], Float[Array, "n_in n_out"], Float[Array, " n_out"]]:
    x, W = cache
    return upstream @ W.T, x.T @ upstream, upstream.sum(0)


affine = Node(_affine, _affine_backward)
"""Y = X W + b; ∂X = ∂Y Wᵀ, ∂W = Xᵀ ∂Y, ∂b = Σ over the batch of ∂Y."""


def maximum(axis: int) -> Node:
    """y = max over one axis; the gradient goes to the largest, shared equally between those that tie."""

    def forward(x: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        largest = x == x.max(axis, keepdims=True)
        return x.max(axis), (largest / largest.sum(axis, keepdims=True)).astype(x.dtype)

    def backward(share: Float[Array, "..."], upstream: Float[Array, "..."]) -> tuple[Float[Array, "..."]]:
        return (share * jnp.expand_dims(upstream, axis),)

    return Node(forward, backward)


def _summed(gradient: Value, value: Value) -> Array:
    """The gradient of a value that may have been broadcast: the sum over the axes along which it was repeated."""
    gradient, shape = jnp.asarray(gradient), jnp.shape(value)
    extra = gradient.ndim - len(shape)
    repeated = [extra + axis for axis, size in enumerate(shape) if size == 1]
    return gradient.sum((*range(extra), *repeated)).reshape(shape)
