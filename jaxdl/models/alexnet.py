"""AlexNet (Krizhevsky, Sutskever and Hinton, 2012): five convolutions and three dense layers."""

from collections.abc import Sequence
from typing import NamedTuple

import flax.linen as nn
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.layers.activations import relu
from jaxdl.layers.convolution import Conv
from jaxdl.layers.dropout import Dropout
from jaxdl.layers.initializers import he
from jaxdl.layers.normalization import local_response_normalization
from jaxdl.layers.pooling import adaptive_average_pool, max_pool


class Stage(NamedTuple):
    """A convolution and ReLU; after it, by choice, local response normalisation and a 3×3 max pool with stride 2."""

    features: int
    size: int = 3
    strides: int = 1
    padding: int = 1
    groups: int = 1
    normalize: bool = False
    pool: bool = False


TWO_GROUPS = (
    Stage(96, 11, 4, 2, normalize=True, pool=True),
    Stage(256, 5, padding=2, groups=2, normalize=True, pool=True),
    Stage(384),
    Stage(384, groups=2),
    Stage(256, groups=2, pool=True),
)
"""As published, for two GPUs that see each other's channels in the third convolution only."""

ONE_TOWER = (
    Stage(64, 11, 4, 2, pool=True),
    Stage(192, 5, padding=2, pool=True),
    Stage(384),
    Stage(256),
    Stage(256, pool=True),
)
"""For one GPU, without the normalisation (Krizhevsky, 2014, section 5)."""

SMALL = (Stage(16, pool=True), Stage(32), Stage(32), Stage(32), Stage(32, pool=True))


def alexnet(classes: int = 1000) -> "AlexNet":
    """AlexNet in one tower, for 224 × 224 images: the form that is used today."""
    return AlexNet(classes, ONE_TOWER)


def alexnet_2012(classes: int = 1000) -> "AlexNet":
    """AlexNet in two groups, as published, for 224 × 224 images."""
    return AlexNet(classes, TWO_GROUPS)


def small_alexnet(classes: int = 10) -> "AlexNet":
    """Narrow, for images of 7 × 7 and more."""
    return AlexNet(classes, SMALL, grid=2, dense=(128, 128))


class AlexNet(nn.Module):
    """Convolutions, the means over a grid of places, and dense layers with dropout.

    stages  the convolutions
    grid    places on each side that the dense layers see, whatever the size of the image
    dense   widths of the hidden dense layers

    InputError for an image that the poolings leave nothing of.
    """

    classes: int
    stages: Sequence[Stage]
    grid: int = 6
    dense: Sequence[int] = (4096, 4096)
    keep: float = 0.5

    @nn.compact
    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch classes"]:
        height, width, least = *image.shape[-3:-1], smallest_side(self.stages)
        if min(height, width) < least:
            raise InputError(f"an image of {height}×{width}: this AlexNet takes {least}×{least} and more; enlarge it")
        x = image
        for number, stage in enumerate(self.stages, 1):
            conv = Conv(
                stage.features,
                stage.size,
                stage.strides,
                stage.padding,
                groups=stage.groups,
                kernel_init=he,
                name=f"conv{number}",
            )
            x = relu(conv(x))
            x = local_response_normalization(x) if stage.normalize else x
            x = max_pool(x, 3, 2) if stage.pool else x
        x = adaptive_average_pool(x, self.grid)
        x = x.reshape(*x.shape[:-3], -1)
        for number, units in enumerate(self.dense, 1):
            x = Dropout(self.keep)(relu(nn.Dense(units, kernel_init=he, name=f"dense{number}")(x)), train)
        return nn.Dense(self.classes, name="output")(x)


def smallest_side(stages: Sequence[Stage]) -> int:
    """The side of the smallest image that one place is left of, read from the end: n = (places − 1)·s + f − 2p."""
    side = 1
    for stage in reversed(stages):
        side = (side - 1) * 2 + 3 if stage.pool else side
        side = max(1, (side - 1) * stage.strides + stage.size - 2 * stage.padding)
    return side
