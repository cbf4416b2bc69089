"""Dense layers as convolutions: a classifier of windows slides over a whole image at a fraction of the cost.

Sermanet et al. (2014), "OverFeat", section 3.5.
"""

from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.errors import InputError, chosen
from jaxdl.layers.activations import relu
from jaxdl.layers.convolution import Conv
from jaxdl.layers.pooling import max_pool
from jaxdl.typing import Params

STRIDE = 4
"""Of the windows of `SlidingLeNet5`, in pixels: two poolings halve the image twice."""


def dense_to_convolution(params: Params, dense: Sequence[str], shape: tuple[int, int, int]) -> Params:
    """The parameters with the kernels of the layers named in `dense`, in their order, as kernels of convolutions.

    shape  (h, w, c) of the map that the first of them sees, flattened

    The first kernel [h·w·c, n] becomes [h, w, c, n], each after it [m, n] becomes [1, 1, m, n]: the same numbers, the
    same products. InputError for a layer that is not there or does not fit.
    """
    converted = dict(params)
    for number, name in enumerate(dense):
        layer = chosen("layer", name, params)
        inputs, outputs = layer["kernel"].shape
        height, width, channels = shape if number == 0 else (1, 1, inputs)
        if height * width * channels != inputs:
            raise InputError(
                f"{name} has {inputs} inputs: expected {height}·{width}·{channels} = {height * width * channels} of a "
                f"map {shape}; give the shape of the map before it is flattened"
            )
        converted[name] = {**layer, "kernel": layer["kernel"].reshape(height, width, channels, outputs)}
    return converted


class SlidingLeNet5(nn.Module):
    """LeNet5 whose dense layers are convolutions, for images of its window's size and larger.

    window  side of the images that LeNet5 takes, in pixels

    The scores at place (i, j) are those of LeNet5 for the window whose upper left corner is pixel (4i, 4j). Its
    parameters are LeNet5's by `dense_to_convolution(params, DENSE, map_shape(window))`.
    InputError for an image smaller than the window.
    """

    classes: int = 10
    window: int = 32

    @nn.compact
    def __call__(self, image: Float[Array, "*batch h w c"]) -> Float[Array, "*batch down across classes"]:
        height, width = image.shape[-3:-1]
        if min(height, width) < self.window:
            raise InputError(f"an image of {height}×{width}: expected {self.window}×{self.window}")
        # What no window reaches is cut off: the poolings, which round down, could make one more place of it.
        x = image[..., : height - (height - self.window) % STRIDE, : width - (width - self.window) % STRIDE, :]
        for name, filters in (("conv1", 6), ("conv2", 16)):
            x = max_pool(relu(Conv(filters, 5, name=name)(x)))
        side, _, _ = map_shape(self.window)
        for name, units, size in zip(DENSE, (120, 84, self.classes), (side, 1, 1), strict=True):
            x = Conv(units, size, name=name)(x)
            x = x if name == "output" else relu(x)
        return x


DENSE = ("dense1", "dense2", "output")


def map_shape(window: int) -> tuple[int, int, int]:
    """(h, w, c) of what LeNet5's first dense layer sees of an image of window × window pixels."""
    side = ((window - 4) // 2 - 4) // 2
    return side, side, 16


def windows(image: Float[Array, "*batch h w c"], size: int) -> Float[Array, "*batch down across size size c"]:
    """All windows of size × size pixels whose corners are STRIDE pixels apart, from the upper left one on."""
    height, width = image.shape[-3:-1]
    down, across = (STRIDE * jnp.arange((side - size) // STRIDE + 1)[:, None] for side in (height, width))
    rows, columns = down + jnp.arange(size), across + jnp.arange(size)
    return image[..., rows[:, None, :, None], columns[None, :, None, :], :]
