"""VGG (Simonyan and Zisserman, 2015): stages of 3×3 convolutions, each ended by a pooling that halves the side."""

from collections.abc import Sequence

import flax.linen as nn
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.layers.activations import relu
from jaxdl.layers.convolution import Conv
from jaxdl.layers.dropout import Dropout
from jaxdl.layers.initializers import he
from jaxdl.layers.pooling import adaptive_average_pool, max_pool

CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""In each stage (table 1, configurations A, D and E)."""


def vgg(depth: int, classes: int = 1000) -> "VGG":
    """VGG-11, 16 or 19 for 224 × 224 images."""
    if depth not in CONVOLUTIONS:
        raise InputError(f"VGG-{depth}: expected one of {', '.join(map(str, CONVOLUTIONS))}")
    return VGG(classes, CONVOLUTIONS[depth])


class VGG(nn.Module):
    """Stages of convolutions and a max pool, the means over a grid of places, and dense layers with dropout.

    convolutions  in each stage
    channels      of each stage
    grid          places on each side that the dense layers see, whatever the size of the image
    dense         widths of the hidden dense layers
    """

    classes: int
    convolutions: Sequence[int]
    channels: Sequence[int] = (64, 128, 256, 512, 512)
    grid: int = 7
    dense: Sequence[int] = (4096, 4096)
    keep: float = 0.5

    @nn.compact
    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch classes"]:
        x = image
        for stage, (count, features) in enumerate(zip(self.convolutions, self.channels, strict=True), 1):
            for number in range(1, count + 1):
                x = relu(Conv(features, 3, padding=1, kernel_init=he, name=f"conv{stage}_{number}")(x))
            x = max_pool(x)
        x = adaptive_average_pool(x, self.grid)
        x = x.reshape(*x.shape[:-3], -1)
        for number, width in enumerate(self.dense, 1):
            x = relu(nn.Dense(width, kernel_init=he, name=f"dense{number}")(x))
            x = Dropout(self.keep)(x, train)
        return nn.Dense(self.classes, name="output")(x)
