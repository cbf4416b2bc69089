"""Initialisers `(key, shape, dtype) -> array` of weights, the last axis being the outputs.

n_in and n_out are the numbers of values that go into one output and out of one input: for a kernel (n_in, n_out) its
sides, for a convolution's (h, w, c_in, c_out) h·w·c_in and h·w·c_out.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.errors import InputError, chosen
from jaxdl.typing import Key

Initializer = Callable[..., jax.Array]
Shape = Sequence[int]


def zeros(key: Key, shape: Shape, dtype: Any = jnp.float32) -> Float[Array, "..."]:
    """W = 0. Right for biases and for convex costs; in a hidden layer it keeps all units alike for ever."""
    return jnp.zeros(shape, dtype)


def normal(std: float) -> Initializer:
    """W ~ N(0, std²)."""

    def init(key: Key, shape: Shape, dtype: Any = jnp.float32) -> Float[Array, "..."]:
        return std * jax.random.normal(key, tuple(shape), dtype)

    return init


def xavier(key: Key, shape: Shape, dtype: Any = jnp.float32) -> Float[Array, "..."]:
    """Standard deviation √(1/n_in): a linear layer, or tanh near 0, keeps the variance (Glorot and Bengio, 2010)."""
    n_in, _ = fans(shape)
    return normal(math.sqrt(1 / n_in))(key, shape, dtype)


def glorot(key: Key, shape: Shape, dtype: Any = jnp.float32) -> Float[Array, "..."]:
    """Standard deviation √(2/(n_in + n_out)): between keeping values and keeping gradients.

    Glorot and Bengio, 2010, eq. 12.
    """
    return normal(math.sqrt(2 / sum(fans(shape))))(key, shape, dtype)


def he(key: Key, shape: Shape, dtype: Any = jnp.float32) -> Float[Array, "..."]:
    """Standard deviation √(2/n_in): a layer of ReLU keeps the mean square (He et al., 2015, eq. 10)."""
    n_in, _ = fans(shape)
    return normal(math.sqrt(2 / n_in))(key, shape, dtype)


def orthogonal(key: Key, shape: Shape, dtype: Any = jnp.float32) -> Float[Array, "..."]:
    """A random isometry of the matrix (everything but the last axis, last axis) (Saxe et al., 2014).

    WᵀW = I where it is tall, WWᵀ = I where it is wide; uniform over such matrices (Mezzadri, 2007, section 4).
    """
    fans(shape)
    tall, wide = math.prod(shape[:-1]), shape[-1]
    wider = jnp.promote_types(dtype, jnp.float32)  # the factorisation has no half precision
    q, r = jnp.linalg.qr(jax.random.normal(key, (max(tall, wide), min(tall, wide)), wider))
    q = q * jnp.where(jnp.diagonal(r) < 0, -1, 1)
    return (q if tall >= wide else q.T).reshape(shape).astype(dtype)


def scaled(init: Initializer, gain: float) -> Initializer:
    """W = gain·init."""

    def scaled_init(key: Key, shape: Shape, dtype: Any = jnp.float32) -> Float[Array, "..."]:
        return gain * init(key, shape, dtype)

    return scaled_init


def fans(shape: Shape) -> tuple[int, int]:
    """(n_in, n_out) of a kernel. InputError for a vector, which has neither."""
    if len(shape) < 2:
        raise InputError(f"weights of shape {tuple(shape)} have no n_in and n_out: expected two axes or more")
    places = math.prod(shape[:-2])
    return places * shape[-2], places * shape[-1]


_ALL: dict[str, Initializer] = {
    "zeros": zeros,
    "large": normal(1.0),
    "small": normal(0.01),
    "xavier": xavier,
    "glorot": glorot,
    "he": he,
    "orthogonal": orthogonal,
}


def named(name: str) -> Initializer:
    """The initialiser of that name; `large` is N(0, 1), `small` N(0, 0.01²). InputError, with the closest name."""
    return chosen("initialiser", name, _ALL)
