"""Residual networks (He, Zhang, Ren and Sun, 2016): each block learns what to add to its input."""

from collections.abc import Sequence
from typing import Literal

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.layers.activations import relu
from jaxdl.layers.convolution import Conv
from jaxdl.layers.initializers import he
from jaxdl.layers.normalization import BatchNorm
from jaxdl.layers.pooling import global_average_pool, max_pool

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
"""Residual blocks in each stage of the ImageNet networks (table 1)."""


def resnet(depth: int, classes: int = 1000) -> "ResNet":
    """ResNet-18, 34 or 50 for ImageNet; from 50 on the blocks are bottlenecks."""
    if depth not in BLOCKS:
        raise InputError(f"ResNet-{depth}: expected one of {', '.join(map(str, BLOCKS))}, or cifar_resnet")
    return ResNet(classes, BLOCKS[depth], width=64, bottleneck=depth >= 50, stem="imagenet")


def cifar_resnet(depth: int, classes: int = 10, width: int = 16, residual: bool = True) -> "ResNet":
    """ResNet-20, 32, 44, 56, … for small images (section 4.2): 3 stages of (depth − 2)/6 blocks, shortcuts padded."""
    if depth < 8 or (depth - 2) % 6:
        raise InputError(f"ResNet-{depth} for small images: expected 8, 14, 20, 32, 44, 56, 110, …: 6n + 2")
    blocks = ((depth - 2) // 6,) * 3
    return ResNet(classes, blocks, width=width, shortcut="padding" if residual else "none")


class ResNet(nn.Module):
    """A stem, stages of residual blocks, the mean over space and a dense layer.

    blocks      in each stage; each stage after the first has half the side and twice the channels
    width       channels of the first stage, before a bottleneck widens its output fourfold
    stem        "imagenet": 7×7 with stride 2 and a 3×3 max pool with stride 2; "small": 3×3
    shortcut    where a block changes size: "projection" 1×1 (option B), or "padding" with zero channels (option A);
                "none" leaves all shortcuts out: the plain network of the paper
    """

    classes: int
    blocks: Sequence[int]
    width: int = 64
    bottleneck: bool = False
    stem: Literal["imagenet", "small"] = "small"
    shortcut: Literal["projection", "padding", "none"] = "projection"

    @nn.compact
    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch classes"]:
        size, strides = (7, 2) if self.stem == "imagenet" else (3, 1)
        x = Conv(self.width, size, strides, size // 2, use_bias=False, kernel_init=he, name="conv1")(image)
        x = relu(BatchNorm(name="bn1")(x, mask, train))
        if self.stem == "imagenet":
            x = max_pool(x, 3, 2, padding=1)
        for stage, count in enumerate(self.blocks):
            for block in range(count):
                x = Block(
                    self.width * 2**stage,
                    strides=2 if stage > 0 and block == 0 else 1,
                    bottleneck=self.bottleneck,
                    shortcut=self.shortcut,
                    name=f"layer{stage + 1}_{block}",
                )(x, mask, train)
        return nn.Dense(self.classes, name="fc")(global_average_pool(x))


class Block(nn.Module):
    """a = g(F(x) + shortcut(x)), F being conv, norm, ReLU, conv, norm; a bottleneck has a 1×1 before and after.

    With zero weights in F it is the identity for x ≥ 0. In a bottleneck the 3×3 has the stride, as it is done today.
    """

    width: int
    strides: int = 1
    bottleneck: bool = False
    shortcut: Literal["projection", "padding", "none"] = "projection"

    @nn.compact
    def __call__(
        self, x: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float, train: bool
    ) -> Float[Array, "*batch high wide o"]:
        wide, s = 4 * self.width, self.strides
        layers = [(self.width, 3, s), (self.width, 3, 1)]
        if self.bottleneck:
            layers = [(self.width, 1, 1), (self.width, 3, s), (wide, 1, 1)]
        y = x
        for number, (features, size, strides) in enumerate(layers, 1):
            conv = Conv(features, size, strides, size // 2, use_bias=False, kernel_init=he, name=f"conv{number}")
            y = BatchNorm(name=f"bn{number}")(conv(y), mask, train)
            if number < len(layers):
                y = relu(y)
        return relu(y if self.shortcut == "none" else y + self._shortcut(x, y.shape[-1], mask, train))

    def _shortcut(
        self, x: Float[Array, "*batch h w c"], features: int, mask: Float[Array, ""] | float, train: bool
    ) -> Float[Array, "*batch high wide o"]:
        if x.shape[-1] == features and self.strides == 1:
            return x
        if self.shortcut == "padding":
            x = x[..., :: self.strides, :: self.strides, :]
            missing = features - x.shape[-1]
            return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(missing // 2, missing - missing // 2)])
        conv = Conv(features, 1, self.strides, use_bias=False, kernel_init=he, name="downsample_conv")
        return BatchNorm(name="downsample_bn")(conv(x), mask, train)
