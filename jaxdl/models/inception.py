"""GoogLeNet, or Inception-v1 (Szegedy et al., 2015): modules that look at windows of several sizes side by side."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.layers.activations import relu
from jaxdl.layers.convolution import Conv
from jaxdl.layers.dropout import Dropout
from jaxdl.layers.initializers import he
from jaxdl.layers.normalization import local_response_normalization
from jaxdl.layers.pooling import adaptive_average_pool, average_pool, global_average_pool, max_pool


class Widths(NamedTuple):
    """Channels of a module's convolutions: 1×1; before the 3×3, 3×3; before the 5×5, 5×5; after the pool."""

    one: int
    three_reduce: int
    three: int
    five_reduce: int
    five: int
    pool: int


STAGES = (
    {"3a": Widths(64, 96, 128, 16, 32, 32), "3b": Widths(128, 128, 192, 32, 96, 64)},
    {
        "4a": Widths(192, 96, 208, 16, 48, 64),
        "4b": Widths(160, 112, 224, 24, 64, 64),
        "4c": Widths(128, 128, 256, 24, 64, 64),
        "4d": Widths(112, 144, 288, 32, 64, 64),
        "4e": Widths(256, 160, 320, 32, 128, 128),
    },
    {"5a": Widths(256, 160, 320, 32, 128, 128), "5b": Widths(384, 192, 384, 48, 128, 128)},
)
"""Table 1: between the stages a max pool halves the side."""

SMALL = (
    {"3a": Widths(8, 12, 16, 4, 8, 8)},
    {"4a": Widths(16, 16, 32, 4, 8, 8), "4b": Widths(16, 16, 32, 4, 8, 8)},
)


def googlenet(classes: int = 1000, auxiliary: bool = True) -> "GoogLeNet":
    """GoogLeNet for 224 × 224 images, by choice without the two auxiliary heads."""
    return GoogLeNet(classes, STAGES, ("4a", "4d") if auxiliary else ())


def small_googlenet(classes: int = 10, auxiliary: bool = True, stem_strides: int = 1) -> "GoogLeNet":
    """Three narrow modules and, by choice, one auxiliary head, for small images.

    With stem_strides 2 a 32 × 32 image costs a quarter.
    """
    heads = ("4a",) if auxiliary else ()
    return GoogLeNet(classes, SMALL, heads, "small", stem_strides, head=(16, 64), keep=0.8)


class GoogLeNet(nn.Module):
    """A stem, stages of inception modules, the mean over space, dropout and a dense layer.

    stages     {name: widths} of the modules in each
    auxiliary  names of the modules after which a small classifier hangs
    stem       "imagenet": 7×7 with stride 2, pool, 1×1, 3×3, pool, with normalisation;
               "small": one 3×3 with stride `stem_strides`
    head       channels and units of an auxiliary classifier
    keep       with this probability dropout keeps a channel before the last layer

    Calling it gives the logits. `with_auxiliary`, called alike, gives also those of the auxiliary heads, in order:
    in training the paper adds their losses 0.3 times (section 5).
    """

    classes: int
    stages: Sequence[Mapping[str, Widths]]
    auxiliary: Sequence[str] = ()
    stem: Literal["imagenet", "small"] = "imagenet"
    stem_strides: int = 1
    head: tuple[int, int] = (128, 1024)
    keep: float = 0.6

    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch classes"]:
        logits, _ = self.with_auxiliary(image, mask, train)
        return logits

    @nn.compact
    def with_auxiliary(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> tuple[Float[Array, "*batch classes"], list[Float[Array, "*batch classes"]]]:
        x, heads = self._stem(image), []
        for number, modules in enumerate(self.stages):
            x = max_pool(x, 3, 2, "SAME") if number > 0 else x
            for name, widths in modules.items():
                x = Inception(widths, name=f"inception{name}")(x)
                if name in self.auxiliary:
                    heads.append(Auxiliary(self.classes, *self.head, name=f"auxiliary{name}")(x, train))
        x = Dropout(self.keep)(global_average_pool(x), train)
        return nn.Dense(self.classes, name="output")(x), heads

    def _stem(self, image: Float[Array, "*batch h w c"]) -> Float[Array, "*batch high wide o"]:
        if self.stem == "small":
            return relu(Conv(16, 3, self.stem_strides, 1, kernel_init=he, name="conv1")(image))
        x = relu(Conv(64, 7, 2, 3, kernel_init=he, name="conv1")(image))
        x = local_response_normalization(max_pool(x, 3, 2, "SAME"))
        x = relu(Conv(64, 1, kernel_init=he, name="conv2_reduce")(x))
        x = relu(Conv(192, 3, padding=1, kernel_init=he, name="conv2")(x))
        return max_pool(local_response_normalization(x), 3, 2, "SAME")


class Inception(nn.Module):
    """[1×1, 1×1 then 3×3, 1×1 then 5×5, 3×3 max pool then 1×1], end to end in the channels (figure 2b)."""

    widths: Widths

    @nn.compact
    def __call__(self, x: Float[Array, "*batch h w c"]) -> Float[Array, "*batch h w o"]:
        def conv(x: Array, features: int, size: int, name: str) -> Array:
            return relu(Conv(features, size, padding=size // 2, kernel_init=he, name=name)(x))

        w = self.widths
        branches = [
            conv(x, w.one, 1, "one"),
            conv(conv(x, w.three_reduce, 1, "three_reduce"), w.three, 3, "three"),
            conv(conv(x, w.five_reduce, 1, "five_reduce"), w.five, 5, "five"),
            conv(max_pool(x, 3, 1, "SAME"), w.pool, 1, "pool"),
        ]
        return jnp.concatenate(branches, -1)


class Auxiliary(nn.Module):
    """A classifier in the middle of the network, which brings gradients there: pool, 1×1, dense, dropout, dense."""

    classes: int
    channels: int
    units: int
    keep: float = 0.3

    @nn.compact
    def __call__(self, x: Float[Array, "*batch h w c"], train: bool) -> Float[Array, "*batch classes"]:
        x = average_pool(x, 5, 3) if min(x.shape[-3:-1]) >= 5 else x
        x = adaptive_average_pool(x, 4)  # nothing to do for 14 × 14 places, those of a 224 × 224 image
        x = relu(Conv(self.channels, 1, kernel_init=he, name="conv")(x))
        x = relu(nn.Dense(self.units, kernel_init=he, name="dense")(x.reshape(*x.shape[:-3], -1)))
        return nn.Dense(self.classes, name="output")(Dropout(self.keep)(x, train))
