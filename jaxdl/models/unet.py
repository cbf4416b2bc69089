"""U-Net (Ronneberger, Fischer and Brox, 2015): a class for each pixel, by what is around it and where exactly it is."""

from collections.abc import Sequence
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.layers.activations import relu
from jaxdl.layers.convolution import Conv
from jaxdl.layers.initializers import he, normal
from jaxdl.layers.normalization import BatchNorm
from jaxdl.layers.pooling import max_pool


class UNet(nn.Module):
    """Logits of each pixel. Down by pooling, up by transpose convolution; what was there before each pooling is laid
    beside what comes up to its size.

    widths      channels before the first pooling, …, at the bottom: one pooling less than there are widths. With these,
                two classes and one input channel there are 31,030,658 parameters
    padding     "VALID", as published: an image of 572 × 572 gives the logits of the 388 × 388 pixels in its middle.
                "SAME" gives those of all
    batch_norm  after each 3×3 convolution, in place of its bias; not in the paper
    patch       so many pixels by as many are one place to the network, and get their logits at once: for 2 a quarter of
                the work. Not in the paper; Shi et al. (2016)

    InputError for a side that cannot be halved so often without a rest, and one of which nothing would be left.
    """

    classes: int = 2
    widths: Sequence[int] = (64, 128, 256, 512, 1024)
    padding: Literal["VALID", "SAME"] = "VALID"
    batch_norm: bool = False
    patch: int = 1

    @nn.compact
    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch high wide classes"]:
        *shallow, bottom = self.widths
        for side in image.shape[-3:-1]:
            check_side(side, len(shallow), 4 if self.padding == "VALID" else 0, self.patch)
        x, before = to_channels(image, self.patch), []
        for level, width in enumerate(shallow, 1):
            before.append(self._twice(x, width, f"down{level}", mask, train))
            x = max_pool(before[-1])
        x = self._twice(x, bottom, "bottom", mask, train)
        for level, width in reversed(list(enumerate(shallow, 1))):
            x = UpConv(width, name=f"up{level}")(x)
            x = jnp.concatenate([middle(before.pop(), *x.shape[-3:-1]), x], -1)
            x = self._twice(x, width, f"merge{level}", mask, train)
        return to_pixels(Conv(self.classes * self.patch**2, 1, name="output")(x), self.patch)

    def _twice(self, x: Array, width: int, name: str, mask: Array | float, train: bool) -> Array:
        """3×3 convolution and ReLU, and again."""
        for number in (1, 2):
            layer = Conv(
                width,
                3,
                padding=self.padding,
                use_bias=not self.batch_norm,
                kernel_init=he,
                name=f"{name}_conv{number}",
            )
            x = layer(x)
            if self.batch_norm:
                x = BatchNorm(corrected=True, name=f"{name}_bn{number}")(x, mask, train)
            x = relu(x)
        return x


def check_side(side: int, poolings: int, lost: int, patch: int = 1) -> None:
    """InputError for a side that is odd before a pooling, each after `lost` places of it, or is used up by all of them.

    Down, s becomes (s − lost)/2, and up, 2s − lost: lost · (3·2^poolings − 2) are lost in all, of patches.
    """
    parts, lost = patch * 2**poolings, patch * lost
    border = lost * (3 * 2**poolings - 2)
    if (side + lost) % parts or side <= border:
        fitting = -(-(max(side, border + 1) + lost) // parts) * parts - lost
        raise InputError(
            f"an image with a side of {side}: expected one that {poolings} poolings leave without a rest, "
            f"such as {fitting}"
        )


def to_channels(x: Float[Array, "*batch h w c"], patch: int) -> Float[Array, "*batch high wide channels"]:
    """Each patch × patch pixels as the channels of one place."""
    *batch, height, width, channels = x.shape
    tiles = x.reshape(*batch, height // patch, patch, width // patch, patch, channels).swapaxes(-4, -3)
    return tiles.reshape(*batch, height // patch, width // patch, -1)


def to_pixels(x: Float[Array, "*batch h w c"], patch: int) -> Float[Array, "*batch high wide channels"]:
    """What `to_channels` is undone by."""
    *batch, height, width, channels = x.shape
    tiles = x.reshape(*batch, height, width, patch, patch, channels // patch**2).swapaxes(-4, -3)
    return tiles.reshape(*batch, height * patch, width * patch, -1)


def middle(x: Float[Array, "*batch h w c"], height: int, width: int) -> Float[Array, "*batch {height} {width} c"]:
    """The window of that size in the middle of an image."""
    top, left = (x.shape[-3] - height) // 2, (x.shape[-2] - width) // 2
    return x[..., top : top + height, left : left + width, :]


class UpConv(nn.Module):
    """`transpose_convolve` with a 2×2 kernel and strides of 2, and a bias: each pixel becomes four.

    The windows do not overlap, so that it is one matrix product, on a CPU ten times as fast as a convolution.
    """

    features: int

    @nn.compact
    def __call__(self, x: Float[Array, "*batch h w c"]) -> Float[Array, "*batch high wide features"]:
        *batch, height, width, channels = x.shape
        init = normal((1 / channels) ** 0.5)
        kernel = self.param("kernel", init, (2, 2, self.features, channels)).astype(x.dtype)
        y = jnp.einsum("...hwc,klfc->...hkwlf", x, kernel).reshape(*batch, 2 * height, 2 * width, self.features)
        return y + self.param("bias", jax.nn.initializers.zeros, (self.features,)).astype(x.dtype)
