"""Convolution, pooling, flattening, batch normalisation and dropout, as nodes. Images are NHWC, kernels HWIO."""

import itertools
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.backprop import arithmetic
from jaxdl.backprop.graph import Node
from jaxdl.errors import InputError
from jaxdl.typing import Key


def _convolution(
    x: Float[Array, "m h w c"], kernel: Float[Array, "k l c o"], b: Float[Array, " o"]
) -> tuple[Float[Array, "m h-k+1 w-l+1 o"], tuple]:
    patches = _patches(x.shape, kernel.shape).items()
    return sum((x[patch] @ kernel[place] for place, patch in patches), start=b), (x, kernel)


def _convolution_backward(
    cache: tuple, upstream: Float[Array, "m high wide o"]
) -> tuple[Float[Array, "m h w c"], Float[Array, "k l c o"], Float[Array, " o"]]:
    x, kernel = cache
    dx, dkernel = jnp.zeros_like(x), jnp.zeros_like(kernel)
    for place, patch in _patches(x.shape, kernel.shape).items():
        dx = dx.at[patch].add(upstream @ kernel[place].T)
        dkernel = dkernel.at[place].set(jnp.einsum("mhwc,mhwo->co", x[patch], upstream))
    return dx, dkernel, upstream.sum((0, 1, 2))


convolution = Node(_convolution, _convolution_backward)
"""y[i, j] = Σ_{a, b} x[i+a, j+b] K[a, b] + bias, without padding, stride 1: an affine map for each place in the kernel.

∂x[i+a, j+b] += ∂y[i, j] K[a, b]ᵀ, ∂K[a, b] = Σ x[i+a, j+b]ᵀ ∂y[i, j] over images and places, ∂bias = Σ ∂y.
"""


def _patches(x: tuple[int, ...], kernel: tuple[int, ...]) -> dict[tuple[int, int], tuple[slice, ...]]:
    """{(a, b): the part of x that K[a, b] multiplies}, from the shapes."""
    high, wide = x[1] - kernel[0] + 1, x[2] - kernel[1] + 1
    places = itertools.product(range(kernel[0]), range(kernel[1]))
    return {(a, b): (slice(None), slice(a, a + high), slice(b, b + wide)) for a, b in places}


def max_pool(size: int = 2) -> Node:
    """y = max of each size × size window, without overlap; rows and columns left over are dropped.

    The gradient goes to the largest of the window, shared equally between those that tie.
    """
    largest = arithmetic.maximum(3)

    def forward(x: Float[Array, "m h w c"]) -> tuple[Float[Array, "m high wide c"], tuple]:
        y, share = largest.forward(_windows(x, size))
        return y, (x, share)

    def backward(cache: tuple, upstream: Float[Array, "m high wide c"]) -> tuple[Float[Array, "m h w c"]]:
        x, share = cache
        (gradient,) = largest.backward(share, upstream)
        return (_unwindowed(gradient, x),)

    return Node(forward, backward)


def average_pool(size: int = 2) -> Node:
    """y = mean of each size × size window, without overlap, whose places share the gradient; the rest is dropped."""

    def forward(x: Float[Array, "m h w c"]) -> tuple[Float[Array, "m high wide c"], Array]:
        return _windows(x, size).mean(3), x

    def backward(x: Array, upstream: Float[Array, "m high wide c"]) -> tuple[Float[Array, "m h w c"]]:
        shared = jnp.broadcast_to(upstream[..., None, :] / size**2, _windows(x, size).shape)
        return (_unwindowed(shared, x),)

    return Node(forward, backward)


def _windows(x: Float[Array, "m h w c"], size: int) -> Float[Array, "m high wide places c"]:
    m, h, w, c = x.shape
    h, w = h // size, w // size
    windows = x[:, : h * size, : w * size].reshape(m, h, size, w, size, c)
    return windows.swapaxes(2, 3).reshape(m, h, w, size**2, c)


def _unwindowed(windows: Float[Array, "m high wide places c"], x: Float[Array, "m h w c"]) -> Float[Array, "m h w c"]:
    """Each window's places where they are in x, and 0 in what was left over."""
    m, high, wide, places, c = windows.shape
    size = math.isqrt(places)
    inside = windows.reshape(m, high, wide, size, size, c).swapaxes(2, 3).reshape(m, high * size, wide * size, c)
    return jnp.zeros_like(x).at[:, : high * size, : wide * size].set(inside)


def _flatten(x: Float[Array, "m ..."]) -> tuple[Float[Array, "m n"], Array]:
    return x.reshape(len(x), -1), x


def _flatten_backward(x: Array, upstream: Float[Array, "m n"]) -> tuple[Float[Array, "m ..."]]:
    return (upstream.reshape(x.shape),)


flatten = Node(_flatten, _flatten_backward)
"""Each example as one row; its gradient takes the example's shape again."""


def batch_norm(epsilon: float = 1e-5) -> Node:
    """Batch normalisation, as trained (Ioffe and Szegedy, 2015, algorithm 1 and the equations after it).

    ẑ = (x − μ) / √(σ² + ε), y = γ ẑ + β, per channel, with the moments of the batch (and of all places of an image).
    An example i with mask wᵢ = 0 is left out of the moments; n = Σ w.

    ∂xᵢ = γ/√(σ² + ε) (∂yᵢ − wᵢ/n Σ ∂y − wᵢ/n ẑᵢ Σ ∂y ẑ), ∂γ = Σ ∂y ẑ, ∂β = Σ ∂y
    """

    def forward(
        x: Float[Array, "m *space c"],
        gamma: Float[Array, " c"],
        beta: Float[Array, " c"],
        mask: Float[Array, " m"] | None = None,
    ) -> tuple[Float[Array, "m *space c"], tuple]:
        real = jnp.ones(len(x), x.dtype) if mask is None else mask
        share = jnp.broadcast_to(real.reshape(-1, *[1] * (x.ndim - 1)), (*x.shape[:-1], 1))
        share = share / share.sum()
        axes = tuple(range(x.ndim - 1))
        mean = (share * x).sum(axes)
        deviation = jnp.sqrt((share * (x - mean) ** 2).sum(axes) + epsilon)
        normal = (x - mean) / deviation
        return gamma * normal + beta, (normal, gamma / deviation, share, mask)

    def backward(cache: tuple, upstream: Float[Array, "m *space c"]) -> tuple:
        normal, scale, share, mask = cache
        axes = tuple(range(normal.ndim - 1))
        dbeta, dgamma = upstream.sum(axes), (upstream * normal).sum(axes)
        dx = scale * (upstream - share * dbeta - share * normal * dgamma)
        return (dx, dgamma, dbeta) if mask is None else (dx, dgamma, dbeta, None)

    return Node(forward, backward)


def dropout(keep: float) -> Node:
    """y = x ⊙ mask / keep, the mask drawn from a key; E[y] = x and ∂x = ∂y ⊙ mask / keep (Srivastava et al., 2014).

    InputError unless 0 < keep ≤ 1.
    """
    if not 0 < keep <= 1:
        raise InputError(f"keep probability {keep}: expected above 0 and up to 1, such as 0.8")

    def forward(x: Float[Array, "..."], key: Key) -> tuple[Float[Array, "..."], Array]:
        kept = jax.random.bernoulli(key, keep, x.shape) / jnp.asarray(keep, x.dtype)
        return x * kept, kept

    def backward(kept: Array, upstream: Float[Array, "..."]) -> tuple[Float[Array, "..."], None]:
        return upstream * kept, None

    return Node(forward, backward)
