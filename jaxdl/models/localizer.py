"""A small ConvNet that keeps places apart: its dense layers see every place of the last map, not the mean over them."""

from collections.abc import Sequence

import flax.linen as nn
from jaxtyping import Array, Float

from jaxdl.layers.activations import relu
from jaxdl.layers.convolution import Conv
from jaxdl.layers.initializers import he
from jaxdl.layers.pooling import max_pool


class Localizer(nn.Module):
    """For each of `channels` a 3×3 convolution and a max pool; then a hidden dense layer and the outputs.

    The outputs begin as zeros: at random they would be far larger than coordinates are, and squared errors of them
    would spoil the layers below before anything is learned.
    """

    outputs: int
    channels: Sequence[int] = (16, 32, 64)
    dense: int = 128

    @nn.compact
    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch outputs"]:
        x = image
        for number, features in enumerate(self.channels, 1):
            x = max_pool(relu(Conv(features, 3, padding=1, kernel_init=he, name=f"conv{number}")(x)))
        x = x.reshape(*x.shape[:-3], -1)
        x = relu(nn.Dense(self.dense, kernel_init=he, name="dense")(x))
        return nn.Dense(self.outputs, kernel_init=nn.initializers.zeros, name="output")(x)
