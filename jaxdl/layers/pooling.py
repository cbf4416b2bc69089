"""Pooling: what summarises a window of each channel. It has no parameters."""

from functools import reduce

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.layers.arithmetic import Padding, Window, window
from jaxdl.layers.convolution import patches


def max_pool(
    x: Float[Array, "*batch h w c"], size: int = 2, strides: int | None = None, padding: Padding = "VALID"
) -> Float[Array, "*batch high wide c"]:
    """y[i, j] = max of the size × size window at (s·i − p, s·j − p); s is `size` unless given; padding never wins.

    Without overlap it is a reshape and a maximum, with overlap the maximum of size² strided images: on a CPU the
    gradient of `reduce_window` (select-and-scatter) would double the step time of LeNet-5. Where values tie, the
    gradient is shared between them, without overlap in equal parts. InputError for an image smaller than the window,
    and for padding that could fill one.
    """
    sliding = _sliding(x, size, strides, padding)
    if _are_tiles(sliding):
        return _tiles(x, size).max((-4, -2))
    return reduce(jnp.maximum, patches(x, sliding, -jnp.inf))


def average_pool(
    x: Float[Array, "*batch h w c"], size: int = 2, strides: int | None = None, padding: Padding = "VALID"
) -> Float[Array, "*batch high wide c"]:
    """y[i, j] = mean of what the window of `max_pool` has of the image: padding does not count."""
    sliding = _sliding(x, size, strides, padding)
    if _are_tiles(sliding):
        return _tiles(x, size).mean((-4, -2))
    counts = sum(patches(jnp.ones((*x.shape[-3:-1], 1), x.dtype), sliding))
    return reduce(jnp.add, patches(x, sliding)) / counts


def global_average_pool(x: Float[Array, "*batch h w c"]) -> Float[Array, "*batch c"]:
    """The mean of each channel."""
    return x.mean((-3, -2))


def adaptive_average_pool(x: Float[Array, "*batch h w c"], size: int) -> Float[Array, "*batch {size} {size} c"]:
    """size × size means over windows that cover the image: window i of n goes from ⌊i·h/n⌋ to ⌈(i+1)·h/n⌉.

    An image of that size stays as it is. InputError for an image without places.
    """
    if x.shape[-3:-1] == (size, size):
        return x
    if min(x.shape[-3:-1]) < 1:
        raise InputError(f"an image of {x.shape} has no places: the network before it needs a larger one")
    for axis in (-3, -2):
        n = x.shape[axis]
        windows = [(i * n // size, -(-(i + 1) * n // size)) for i in range(size)]
        means = [jax.lax.slice_in_dim(x, a, b, axis=x.ndim + axis).mean(axis, keepdims=True) for a, b in windows]
        x = jnp.concatenate(means, axis)
    return x


def _sliding(x: Array, size: int, strides: int | None, padding: Padding) -> Window:
    sliding = window(x.shape[-3:-1], (size, size), size if strides is None else strides, padding)
    if max(map(max, sliding.pads)) >= size:
        raise InputError(
            f"padding {padding} for windows of {size}×{size}: expected less than {size}, lest one be empty"
        )
    return sliding


def _are_tiles(sliding: Window) -> bool:
    return sliding.strides == sliding.size and not any(map(any, sliding.pads))


def _tiles(x: Array, size: int) -> Array:
    """(…, h // size, size, w // size, size, c); rows and columns left over are dropped."""
    *batch, height, width, channels = x.shape
    height, width = height // size, width // size
    x = x[..., : height * size, : width * size, :]
    return x.reshape(*batch, height, size, width, size, channels)
