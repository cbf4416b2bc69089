"""EfficientNet B0 … B7 (Tan and Le, 2019): depth, width and resolution of one network scaled together."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.layers.activations import identity, sigmoid, swish
from jaxdl.layers.convolution import Conv
from jaxdl.layers.dropout import Dropout
from jaxdl.layers.initializers import he, xavier
from jaxdl.layers.pooling import global_average_pool
from jaxdl.models.mobilenet import ConvNorm, rounded


class Stage(NamedTuple):
    """Blocks of so many times the channels inside, a depthwise convolution of this size, and a stride in the first."""

    expansion: int
    size: int
    strides: int
    features: int
    blocks: int


STAGES = (
    Stage(1, 3, 1, 16, 1),
    Stage(6, 3, 2, 24, 2),
    Stage(6, 5, 2, 40, 2),
    Stage(6, 3, 2, 80, 3),
    Stage(6, 5, 1, 112, 3),
    Stage(6, 5, 2, 192, 4),
    Stage(6, 3, 1, 320, 1),
)
"""B0 (table 1)."""

SMALL = (Stage(1, 3, 1, 16, 1), Stage(4, 3, 2, 24, 2), Stage(4, 5, 2, 32, 2))


class Scale(NamedTuple):
    """What B0's channels and blocks are multiplied by, the side of the image, and the keep probability at the end."""

    width: float
    depth: float
    resolution: int
    keep: float


SCALES = (
    Scale(1.0, 1.0, 224, 0.8),
    Scale(1.0, 1.1, 240, 0.8),
    Scale(1.1, 1.2, 260, 0.7),
    Scale(1.2, 1.4, 300, 0.7),
    Scale(1.4, 1.8, 380, 0.6),
    Scale(1.6, 2.2, 456, 0.6),
    Scale(1.8, 2.6, 528, 0.5),
    Scale(2.0, 3.1, 600, 0.5),
)
"""B0 … B7 as published: rounded from depth 1.2^φ, width 1.1^φ, resolution 224·1.15^φ (eq. 3)."""


def efficientnet(number: int, classes: int = 1000) -> "EfficientNet":
    """EfficientNet-B`number`, 0 … 7, for images of SCALES[number].resolution."""
    if number not in range(len(SCALES)):
        raise InputError(f"EfficientNet-B{number}: expected 0, 1, … 7, or small_efficientnet")
    scale = SCALES[number]
    epsilon = 1e-3 if number >= 5 else 1e-5  # those of the weights that people exchange
    return EfficientNet(classes, STAGES, scale.width, scale.depth, scale.keep, epsilon=epsilon)


def small_efficientnet(
    classes: int = 10, width: float = 1.0, depth: float = 1.0, stem_strides: int = 1
) -> "EfficientNet":
    """Five blocks at width and depth 1, for small images; with stem_strides 2 a 32 × 32 image costs a quarter."""
    return EfficientNet(classes, SMALL, width, depth, stem=16, head=128, stem_strides=stem_strides)


class EfficientNet(nn.Module):
    """A 3×3 convolution, stages of blocks, a 1×1 convolution, the mean over space, dropout and a dense layer.

    width     what all channels are multiplied by, in multiples of 8
    depth     what the blocks of each stage are multiplied by, rounded up
    keep      of the dropout before the last layer
    survival  of blocks 0 … n − 1, block i is not skipped in training with probability 1 − (1 − survival)·i/n
    """

    classes: int
    stages: Sequence[Stage]
    width: float = 1.0
    depth: float = 1.0
    keep: float = 0.8
    survival: float = 0.8
    stem: int = 32
    head: int = 1280
    stem_strides: int = 2
    epsilon: float = 1e-5

    @nn.compact
    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch classes"]:
        def conv(features: int, size: int, strides: int, name: str) -> ConvNorm:
            channels = rounded(features * self.width)
            return ConvNorm(channels, size, strides, activation=swish, epsilon=self.epsilon, name=name)

        x = conv(self.stem, 3, self.stem_strides, "stem")(image, mask, train)
        depths = [math.ceil(stage.blocks * self.depth) for stage in self.stages]
        for number, (stage, blocks) in enumerate(zip(self.stages, depths, strict=True)):
            for block in range(blocks):
                x = MBConv(
                    rounded(stage.features * self.width),
                    stage.expansion,
                    stage.size,
                    stage.strides if block == 0 else 1,
                    survival=1 - (1 - self.survival) * (sum(depths[:number]) + block) / sum(depths),
                    epsilon=self.epsilon,
                    name=f"stage{number + 1}_{block}",
                )(x, mask, train)
        x = conv(self.head, 1, 1, "head")(x, mask, train)
        return nn.Dense(self.classes, name="output")(Dropout(self.keep)(global_average_pool(x), train))


class MBConv(nn.Module):
    """MobileNet v2's inverted residual with swish, squeeze-and-excitation and stochastic depth.

    The squeeze is a quarter of the channels of the block's input, as the code of the paper has it.
    """

    features: int
    expansion: int
    size: int = 3
    strides: int = 1
    survival: float = 1.0
    epsilon: float = 1e-5

    @nn.compact
    def __call__(
        self, x: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float, train: bool
    ) -> Float[Array, "*batch high wide o"]:
        y, wide, epsilon = x, x.shape[-1] * self.expansion, self.epsilon
        if self.expansion > 1:
            y = ConvNorm(wide, 1, activation=swish, epsilon=epsilon, name="expand")(y, mask, train)
        depthwise = ConvNorm(
            wide, self.size, self.strides, groups=0, activation=swish, epsilon=epsilon, name="depthwise"
        )
        y = SqueezeExcite(max(1, x.shape[-1] // 4), name="squeeze_excite")(depthwise(y, mask, train))
        y = ConvNorm(self.features, 1, activation=identity, epsilon=epsilon, name="project")(y, mask, train)
        if self.strides > 1 or x.shape != y.shape:
            return y
        return x + StochasticDepth(self.survival)(y, train)


class SqueezeExcite(nn.Module):
    """y = x · σ(W₂ swish(W₁ mean(x) + b₁) + b₂): each channel by a gate that sees all of them (Hu et al., 2018).

    With zero weights every gate is ½.
    """

    channels: int

    @nn.compact
    def __call__(self, x: Float[Array, "*batch h w c"]) -> Float[Array, "*batch h w c"]:
        squeezed = x.mean((-3, -2), keepdims=True)
        hidden = swish(Conv(self.channels, 1, kernel_init=he, name="reduce")(squeezed))
        return x * sigmoid(Conv(x.shape[-1], 1, kernel_init=xavier, name="expand")(hidden))


class StochasticDepth(Dropout):
    """Dropout of a whole branch: x / keep with probability keep, else 0, for each example (Huang et al., 2016).

    Divided by keep in training, instead of multiplied in evaluation as in the paper.
    """

    def __call__(self, x: Float[Array, "*batch h w c"], train: bool) -> Float[Array, "*batch h w c"]:
        if not train or self.keep == 1:
            return x
        kept = jax.random.bernoulli(self.make_rng("dropout"), self.keep, (*x.shape[:-3], 1, 1, 1))
        return jnp.where(kept, x / self.keep, 0.0)
