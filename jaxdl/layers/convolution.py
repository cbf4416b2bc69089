"""Convolution (cross-correlation, as the field says it) in one, two or three dimensions, in several forms.

Arrays are (*batch, *space, channels) and kernels (*size, c_in / groups, c_out): an image is NHWC, its kernel HWIO. How
many dimensions there are is read from the kernel. Every form computes

    y[i, o] = Σ_{a, c} x[s·i + d·a − p, c] · kernel[a, c, o]        i over the places of the output, a over the kernel's

with strides s, p zeros before each dimension and dilation d; `convolve` takes the fastest.
"""

import functools
import itertools
import math
import operator
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.layers.arithmetic import Padding, Whole, Window, each, padded, window

ROWS_WIDTH, ROWS_CHANNELS = 60, 8
"""Up to so much is an image narrow, and has few channels (see `fastest`)."""


def convolve(
    x: Float[Array, "*batch_space_c"],
    kernel: Float[Array, "*size_c_o"],
    strides: Whole | Sequence[Whole] = 1,
    padding: Padding = "VALID",
    dilation: Whole | Sequence[Whole] = 1,
    groups: int = 1,
) -> Float[Array, "*batch_places_o"]:
    """The convolution, by the form that was measured to be the fastest for these shapes (docs/performance.md).

    With `groups` g, each of g equal parts of the output's channels sees only its own c_in / g of the input's; g = c_in
    is depthwise; on a CPU its derivative is written out for reverse mode alone, and `jax.jvp` raises TypeError.
    InputError for shapes that don't fit and for an input smaller than the kernel.
    """
    dimensions, channels = kernel.ndim - 2, x.shape[-1]
    if not 1 <= dimensions < x.ndim:
        raise InputError(f"an input {x.shape} and a kernel {kernel.shape}: expected (*space, c) and (*size, c, o)")
    if groups < 1 or channels != kernel.shape[-2] * groups or kernel.shape[-1] % groups:
        raise InputError(
            f"an input of {channels} channels and a kernel {kernel.shape} in {groups} group(s): expected "
            f"{kernel.shape[-2] * groups} channels, and outputs that the groups divide"
        )
    sliding = window(x.shape[-dimensions - 1 : -1], kernel.shape[:-2], strides, padding, dilation)
    match fastest(x, kernel, sliding, groups):
        case "places":
            return by_places(x, kernel, sliding)
        case "patches":
            return by_patches(x, kernel, sliding)
        case "rows":
            return by_rows(jnp.pad(x, [(0, 0)] * (x.ndim - 3) + [*sliding.pads, (0, 0)]), kernel)
        case _:
            return by_library(x, kernel, sliding, groups)


def fastest(
    x: jax.Array | jax.ShapeDtypeStruct, kernel: jax.Array | jax.ShapeDtypeStruct, sliding: Window, groups: int = 1
) -> str:
    """The form for these shapes: "library", and on a CPU "places", "rows" or "patches" where they were measured to win.

    places   depthwise
    rows     a narrow image of few channels: width · c_out / kernel width up to ROWS_WIDTH, c_in up to ROWS_CHANNELS
    patches  a kernel that has more places than the output, in every dimension
    """
    *space, c_in = x.shape[-len(sliding.size) - 1 :]
    if jax.default_backend() != "cpu" or 1 < groups < c_in:
        return "library"
    if groups > 1:
        return "places"
    if len(space) == 2 and sliding.strides == sliding.dilation == (1, 1):
        width = space[1] + sum(sliding.pads[1])
        if width * kernel.shape[-1] <= ROWS_WIDTH * sliding.size[1] and c_in <= ROWS_CHANNELS:
            return "rows"
    few = all(places < f for places, f in zip(sliding.places(space), sliding.size, strict=True))
    return "patches" if few else "library"


def by_library(
    x: Float[Array, "*batch_space_c"], kernel: Float[Array, "*size_c_o"], sliding: Window, groups: int = 1
) -> Float[Array, "*batch_places_o"]:
    """The convolution as XLA's own."""
    dimensions = kernel.ndim - 2
    names = "DHW"[3 - dimensions :]
    batch, event = x.shape[: x.ndim - dimensions - 1], x.shape[x.ndim - dimensions - 1 :]
    y = jax.lax.conv_general_dilated(
        x.reshape(math.prod(batch), *event), kernel, sliding.strides, sliding.pads, rhs_dilation=sliding.dilation,
        feature_group_count=groups, dimension_numbers=(f"N{names}C", f"{names}IO", f"N{names}C"),
    )  # fmt: skip
    return y.reshape(*batch, *y.shape[1:])


def by_places(
    x: Float[Array, "*batch_space_c"], kernel: Float[Array, "*size_one_o"], sliding: Window
) -> Float[Array, "*batch_places_o"]:
    """A depthwise convolution as a sum of shifted images: for each place in the kernel, x shifted, times its weights.

    kernel (*size, 1, c·m): m outputs from each of the c channels. XLA fuses it into one pass over the image; its own
    depthwise convolution is slow on a CPU.
    """
    return _shifted(jnp.repeat(x, kernel.shape[-1] // x.shape[-1], -1), kernel, sliding)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _shifted(
    x: Float[Array, "*batch_space_c"], kernel: Float[Array, "*size_one_c"], sliding: Window
) -> Float[Array, "*batch_places_c"]:
    """Σ_a x[s·i + d·a − p] · kernel[a], channel by channel.

    The gradient of x is such a sum too: of the output's gradient, spread out by the strides, with the flipped kernel.
    Autodiff would add up one padded image for each place in the kernel, each written to memory.
    """
    weights = kernel.reshape(-1, kernel.shape[-1])
    return functools.reduce(jnp.add, map(jnp.multiply, patches(x, sliding), weights))


def _shifted_forward(x, kernel, sliding):
    return _shifted(x, kernel, sliding), (x, kernel)


def _shifted_backward(sliding, kept, g):
    x, kernel = kept
    dimensions = len(sliding.size)
    before, ones = x.ndim - dimensions - 1, (1,) * dimensions
    edges = [(0, 0, 0)] * before
    for length, places, f, s, (low, _), d in zip(
        x.shape[before:-1],
        g.shape[before:-1],
        sliding.size,
        sliding.strides,
        sliding.pads,
        sliding.dilation,
        strict=True,
    ):
        reach = d * (f - 1)
        edges.append((reach - low, length + low - (places - 1) * s - 1, s - 1))
    spread = jax.lax.pad(g, jnp.zeros((), g.dtype), [*edges, (0, 0, 0)])
    dx = _shifted(spread, flipped(kernel), sliding._replace(strides=ones, pads=((0, 0),) * dimensions))
    d_kernel = jnp.stack([(shifted * g).sum(range(g.ndim - 1)) for shifted in patches(x, sliding)])
    return dx, d_kernel.reshape(kernel.shape)


_shifted.defvjp(_shifted_forward, _shifted_backward)


def by_patches(
    x: Float[Array, "*batch_space_c"], kernel: Float[Array, "*size_c_o"], sliding: Window
) -> Float[Array, "*batch_places_o"]:
    """The convolution as one matrix product of what lies under the kernel, a row for each place, with it ("im2col")."""
    rows = jnp.concatenate(patches(x, sliding), -1)
    return rows @ kernel.reshape(-1, kernel.shape[-1])


def patches(x: Float[Array, "*batch_space_c"], sliding: Window, fill: float = 0.0) -> list[Float[Array, "*batch_y_c"]]:
    """For each place a in the window, in order: x[s·i + d·a − p] over all i, `fill` outside x."""
    dimensions = len(sliding.size)
    before = x.ndim - dimensions - 1
    counts = sliding.places(x.shape[before:-1])
    x = jnp.pad(x, [(0, 0)] * before + [*sliding.pads, (0, 0)], constant_values=fill)
    found = []
    for place in itertools.product(*map(range, sliding.size)):
        starts = [a * d for a, d in zip(place, sliding.dilation, strict=True)]
        steps = zip(starts, sliding.strides, counts, strict=True)
        found.append(x[(..., *[slice(b, b + s * (n - 1) + 1, s) for b, s, n in steps], slice(None))])
    return found


def by_rows(x: Float[Array, "*batch h w c"], kernel: Float[Array, "k l c o"]) -> Float[Array, "*batch h-k+1 w-l+1 o"]:
    """The convolution of an image as one matrix product: k of its rows, end to end, times a band of the kernel.

    band[a, w, c, j, o] = kernel[a, w − j, c, o], and 0 outside the kernel

    It multiplies w / l times more, but as one product, which a CPU runs at full speed, unlike a convolution of few
    channels. Its price: the gradient of the kernel for each example apart is a whole band as well.
    """
    *batch, height, width, channels = x.shape
    k, size, _, outputs = kernel.shape
    high, wide = height - k + 1, width - size + 1
    offset = jnp.arange(width)[:, None] - jnp.arange(wide)
    inside = ((offset >= 0) & (offset < size))[None, :, :, None, None]
    band = jnp.where(inside, kernel[:, jnp.clip(offset, 0, size - 1)], 0)
    band = band.transpose(0, 1, 3, 2, 4).reshape(k * width * channels, wide * outputs)
    rows = x.reshape(*batch, height, width * channels)
    rows = jnp.concatenate([rows[..., a : a + high, :] for a in range(k)], -1)
    return (rows @ band).reshape(*batch, high, wide, outputs)


def flipped(kernel: Float[Array, "*size_c_o"]) -> Float[Array, "*size_c_o"]:
    """The kernel turned round in every dimension: `convolve` with it is the mathematicians' convolution."""
    return jnp.flip(kernel, range(kernel.ndim - 2))


def transpose_convolve(
    y: Float[Array, "*batch_places_o"],
    kernel: Float[Array, "*size_c_o"],
    strides: Whole | Sequence[Whole] = 1,
    padding: Padding = "VALID",
) -> Float[Array, "*batch_space_c"]:
    """The transpose of the linear map x -> convolve(x, kernel, strides, padding): x[s·i + a − p] += y[i] · kernel[a]ᵀ.

    It takes y with c_out channels back to c_in of them, on the smallest x that gives y's places: (n − 1)·s + f − 2p for
    n places, or n·s with SAME padding. InputError for a y of other channels, and for padding that leaves nothing of x.
    """
    dimensions, size = kernel.ndim - 2, kernel.shape[:-2]
    if y.shape[-1] != kernel.shape[-1]:
        raise InputError(
            f"{y.shape[-1]} channels to take back through a kernel {kernel.shape}: expected {kernel.shape[-1]}"
        )
    steps, counts = each(strides, dimensions, "strides"), y.shape[-(dimensions + 1) : -1]
    if padding == "SAME":
        space = tuple(n * s for n, s in zip(counts, steps, strict=True))
    else:
        pads = padded(padding, counts, size, steps, (1,) * dimensions)
        space = tuple((n - 1) * s + f - sum(p) for n, s, f, p in zip(counts, steps, size, pads, strict=True))
    if min(space) < 1:
        left = "×".join(map(str, space))
        raise InputError(f"padding {padding} leaves {left} places of a transpose of {counts}: expected less of it")
    sliding = window(space, size, steps, padding)
    x = jax.ShapeDtypeStruct((*y.shape[: -(dimensions + 1)], *space, kernel.shape[-2]), y.dtype)
    (transposed,) = jax.linear_transpose(lambda x: by_library(x, kernel, sliding), x)(y)
    return transposed


class Conv(nn.Module):
    """`convolve` with a kernel and, by choice, a bias.

    size is of every dimension; a single number is that of a square image kernel. groups 0 is depthwise: one for each
    channel of the input.
    """

    features: int
    size: Whole | Sequence[Whole]
    strides: Whole | Sequence[Whole] = 1
    padding: Padding = "VALID"
    dilation: Whole | Sequence[Whole] = 1
    groups: int = 1
    use_bias: bool = True
    kernel_init: Callable = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: Float[Array, "*batch_space_c"]) -> Float[Array, "*batch_places_features"]:
        groups = self.groups or x.shape[-1]
        size = tuple(map(operator.index, (self.size,) * 2 if isinstance(self.size, Whole) else self.size))
        kernel = self.param("kernel", self.kernel_init, (*size, x.shape[-1] // groups, self.features))
        y = convolve(x, kernel.astype(x.dtype), self.strides, self.padding, self.dilation, groups)
        if not self.use_bias:
            return y
        return y + self.param("bias", nn.initializers.zeros, (self.features,)).astype(x.dtype)
