"""MobileNet v1 (Howard et al., 2017) and v2 (Sandler et al., 2018): convolutions apart in space and in channels."""

from collections.abc import Sequence
from typing import NamedTuple

import flax.linen as nn
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.layers.activations import Activation, identity, relu, relu6
from jaxdl.layers.convolution import Conv
from jaxdl.layers.dropout import Dropout
from jaxdl.layers.initializers import he
from jaxdl.layers.normalization import BatchNorm
from jaxdl.layers.pooling import global_average_pool

SEPARABLE = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
"""Channels and stride of each separable convolution of v1 (table 1, whose last stride is a misprint for 1)."""

SMALL_SEPARABLE = ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1))


class Bottlenecks(NamedTuple):
    """Inverted residual blocks of v2: so many times wider inside, with the stride in the first."""

    expansion: int
    features: int
    blocks: int
    strides: int


INVERTED = (
    Bottlenecks(1, 16, 1, 1),
    Bottlenecks(6, 24, 2, 2),
    Bottlenecks(6, 32, 3, 2),
    Bottlenecks(6, 64, 4, 2),
    Bottlenecks(6, 96, 3, 1),
    Bottlenecks(6, 160, 3, 2),
    Bottlenecks(6, 320, 1, 1),
)
"""Table 2 of v2."""

SMALL_INVERTED = (Bottlenecks(1, 16, 1, 1), Bottlenecks(4, 24, 2, 2), Bottlenecks(4, 32, 2, 2))


def mobilenet_v1(classes: int = 1000, width: float = 1.0) -> "MobileNetV1":
    """MobileNet v1 for 224 × 224 images, its channels times `width` (published: 1, 0.75, 0.5, 0.25)."""
    return MobileNetV1(classes, SEPARABLE, check_width(width))


def mobilenet_v2(classes: int = 1000, width: float = 1.0) -> "MobileNetV2":
    """MobileNet v2 for 224 × 224 images, its channels times `width`, in multiples of 8."""
    return MobileNetV2(classes, INVERTED, check_width(width))


def small_mobilenet_v1(classes: int = 10, width: float = 1.0, stem_strides: int = 1) -> "MobileNetV1":
    """Five separable convolutions, for small images; with stem_strides 2 a 32 × 32 image costs a quarter."""
    return MobileNetV1(classes, SMALL_SEPARABLE, check_width(width), stem=16, stem_strides=stem_strides)


def small_mobilenet_v2(classes: int = 10, width: float = 1.0, stem_strides: int = 1) -> "MobileNetV2":
    """Five inverted residual blocks, for small images; stem_strides as in v1."""
    return MobileNetV2(classes, SMALL_INVERTED, check_width(width), stem=16, head=128, stem_strides=stem_strides)


class MobileNetV1(nn.Module):
    """A 3×3 convolution, separable ones, the mean over space and a dense layer.

    stages  (channels, stride) of each separable convolution
    width   what all channels are multiplied by, the paper's α, rounded down
    """

    classes: int
    stages: Sequence[tuple[int, int]]
    width: float = 1.0
    stem: int = 32
    stem_strides: int = 2

    @nn.compact
    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch classes"]:
        x = ConvNorm(int(self.stem * self.width), 3, self.stem_strides, name="stem")(image, mask, train)
        for number, (features, strides) in enumerate(self.stages, 1):
            x = ConvNorm(x.shape[-1], 3, strides, groups=0, name=f"depthwise{number}")(x, mask, train)
            x = ConvNorm(int(features * self.width), 1, name=f"pointwise{number}")(x, mask, train)
        return nn.Dense(self.classes, name="output")(global_average_pool(x))


class MobileNetV2(nn.Module):
    """A 3×3 convolution, inverted residual blocks, a 1×1 convolution, the mean over space, dropout and a dense layer.

    stages  rows of blocks
    width   what all channels are multiplied by, in multiples of 8; the last 1×1 is never narrower than `head`
    """

    classes: int
    stages: Sequence[Bottlenecks]
    width: float = 1.0
    stem: int = 32
    head: int = 1280
    stem_strides: int = 2
    keep: float = 0.8

    @nn.compact
    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch classes"]:
        stem, head = rounded(self.stem * self.width), rounded(self.head * max(1.0, self.width))
        x = ConvNorm(stem, 3, self.stem_strides, activation=relu6, name="stem")(image, mask, train)
        for stage, row in enumerate(self.stages, 1):
            for block in range(row.blocks):
                x = InvertedResidual(
                    rounded(row.features * self.width),
                    row.expansion,
                    row.strides if block == 0 else 1,
                    name=f"stage{stage}_{block}",
                )(x, mask, train)
        x = ConvNorm(head, 1, activation=relu6, name="head")(x, mask, train)
        return nn.Dense(self.classes, name="output")(Dropout(self.keep)(global_average_pool(x), train))


class InvertedResidual(nn.Module):
    """1×1 to `expansion` times the channels, depthwise 3×3, 1×1 to few without activation; plus x where shapes agree.

    With zero weights in the last 1×1 it is the identity where shapes agree (v2, figure 3b and table 1).
    """

    features: int
    expansion: int
    strides: int = 1

    @nn.compact
    def __call__(
        self, x: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float, train: bool
    ) -> Float[Array, "*batch high wide o"]:
        y, wide = x, x.shape[-1] * self.expansion
        if self.expansion > 1:
            y = ConvNorm(wide, 1, activation=relu6, name="expand")(y, mask, train)
        y = ConvNorm(wide, 3, self.strides, groups=0, activation=relu6, name="depthwise")(y, mask, train)
        y = ConvNorm(self.features, 1, activation=identity, name="project")(y, mask, train)
        return x + y if self.strides == 1 and x.shape == y.shape else y


class ConvNorm(nn.Module):
    """Convolution without bias, padded so that stride 1 keeps the side; batch normalisation; activation.

    groups 0 is depthwise.
    """

    features: int
    size: int
    strides: int = 1
    groups: int = 1
    activation: Activation = relu
    epsilon: float = 1e-5

    @nn.compact
    def __call__(
        self, x: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float, train: bool
    ) -> Float[Array, "*batch high wide o"]:
        x = Conv(
            self.features, self.size, self.strides, self.size // 2,
            groups=self.groups, use_bias=False, kernel_init=he, name="conv",
        )(x)  # fmt: skip
        return self.activation(BatchNorm(epsilon=self.epsilon, name="bn")(x, mask, train))


def rounded(channels: float, multiple: int = 8) -> int:
    """The nearest multiple of 8, halves up, at least 8 and never less than nine tenths of the channels."""
    near = max(multiple, int(channels + multiple / 2) // multiple * multiple)
    return near if near >= 0.9 * channels else near + multiple


def check_width(width: float) -> float:
    """The width multiplier. InputError for one that leaves no channels."""
    if width < 1 / 16:
        raise InputError(f"width = {width}: expected at least 1/16, such as 0.25, 0.5 or 1")
    return width
