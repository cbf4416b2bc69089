"""LeNet-5 (LeCun, Bottou, Bengio and Haffner, 1998): modern (ReLU, max pooling, softmax), and as published."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.layers.activations import tanh
from jaxdl.layers.convolution import Conv, convolve
from jaxdl.layers.initializers import xavier
from jaxdl.layers.pooling import average_pool, global_average_pool, max_pool


class LeNet5(nn.Module):
    """conv 5×5×6, pool, conv 5×5×16, pool, dense 120, dense 84, dense `classes`.

    A 32×32×1 image gives 28×28×6, 14×14×6, 10×10×16, 5×5×16 = 400, 120, 84, 10 values: 61,706 parameters.
    """

    classes: int = 10

    @nn.compact
    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch classes"]:
        x = image
        he = nn.initializers.he_normal()
        for name, filters in (("conv1", 6), ("conv2", 16)):
            x = max_pool(nn.relu(Conv(filters, 5, kernel_init=he, name=name)(x)))
        x = x.reshape(*x.shape[:-3], -1)
        for name, width in (("dense1", 120), ("dense2", 84)):
            x = nn.relu(nn.Dense(width, kernel_init=he, name=name)(x))
        return nn.Dense(self.classes, name="output")(x)


CONNECTIONS = (
    *((i, (i + 1) % 6, (i + 2) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 2) % 6, (i + 3) % 6) for i in range(6)),
    *((i, i + 1, (i + 3) % 6, (i + 4) % 6) for i in range(3)),
    tuple(range(6)),
)
"""The maps of S2 that each of the 16 maps of C3 sees (table I): 60 of 96 pairs."""

BITMAPS = """
 .###...  ...#...  .####..  .####..  ....##.  ######.  ..###..  #######  .#####.  .####..
 ##.##..  ..##...  ##..##.  ##..##.  ...###.  ##.....  .##....  .....##  ##...##  ##..##.
 ##..##.  .###...  .....##  .....##  ..##.#.  ##.....  ##.....  .....##  ##...##  ##...##
 ##..##.  ...#...  .....##  .....##  .##..#.  ##.....  ##.....  ....##.  ##...##  ##...##
 ##..##.  ...#...  ....##.  ....##.  ##...#.  #####..  #####..  ....##.  .##.##.  ##...##
 ##..##.  ...#...  ...##..  ..###..  ##...#.  ....##.  ##..##.  ...##..  ..###..  .######
 ##..##.  ...#...  ..##...  ....##.  #######  .....##  ##...##  ...##..  .##.##.  .....##
 ##..##.  ...#...  .##....  .....##  .....#.  .....##  ##...##  ..##...  ##...##  .....##
 ##..##.  ...#...  ##.....  .....##  .....#.  .....##  ##...##  ..##...  ##...##  ....##.
 ##.##..  ...#...  ##.....  ##..##.  .....#.  ##..##.  ##..##.  .##....  ##...##  ...##..
 .###...  .#####.  #######  .####..  .....#.  .####..  .####..  .##....  .#####.  ###....
 .......  .......  .......  .......  .......  .......  .......  .......  .......  .......
"""
"""The digits 0 … 9 as pictures of 12 × 7: what the 84 units of F6 should show."""


def codes() -> np.ndarray:
    """(10, 84): each bitmap row by row, 1 for ink and −1 for paper."""
    rows = np.array([[list(part) for part in line.split()] for line in BITMAPS.split("\n")[1:-1]])
    return np.where(rows == "#", 1.0, -1.0).transpose(1, 0, 2).reshape(10, 84)


class OriginalLeNet5(nn.Module):
    """C1 conv 5×5×6, S2 average, C3 sparse conv 5×5×16, S4 average, C5 conv 5×5×120, F6 dense 84, distances to codes.

    Each is followed by 1.7159·tanh(2x/3). An image of 32×32×1 needs 60,000 parameters:
    156 + 12 + 1,516 + 32 + 48,120 + 10,164. A larger one gives C5 more than one place: their mean goes on.
    The output −Σ (F6 − code)², larger for a closer code, works as logits: their softmax is the paper's
    discriminative criterion (eq. 9) without the class for rubbish. Section II B and appendix A.

    InputError for an image below 32 × 32, and for more than the ten classes that have codes.
    """

    classes: int = 10

    @nn.compact
    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch classes"]:
        height, width = image.shape[-3:-1]
        if min(height, width) < 32:
            raise InputError(f"an image of {height}×{width}: LeNet-5 takes 32×32 and more; load it with size=32")
        if not 1 <= self.classes <= 10:
            raise InputError(f"{self.classes} classes: there are codes for the ten digits; take LeNet5 for others")
        x = squash(Conv(6, 5, kernel_init=xavier, name="C1")(image))
        x = squash(Subsampling(name="S2")(x))
        x = squash(SparseConv(CONNECTIONS, 5, name="C3")(x))
        x = squash(Subsampling(name="S4")(x))
        x = global_average_pool(squash(Conv(120, 5, kernel_init=xavier, name="C5")(x)))
        x = squash(nn.Dense(84, kernel_init=xavier, name="F6")(x))
        return -((x[..., None, :] - jnp.asarray(codes()[: self.classes], x.dtype)) ** 2).sum(-1)


class Subsampling(nn.Module):
    """y = coefficient · (sum of a 2×2 window) + bias, one of each for a map."""

    @nn.compact
    def __call__(self, x: Float[Array, "*batch h w c"]) -> Float[Array, "*batch high wide c"]:
        channels = x.shape[-1]
        coefficient = self.param("coefficient", nn.initializers.constant(0.25), (channels,))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        return coefficient.astype(x.dtype) * 4 * average_pool(x) + bias.astype(x.dtype)


class SparseConv(nn.Module):
    """A convolution whose output o sees only the channels connections[o]; it has weights for these alone.

    kernel (size, size, connections) holds them in the order of the outputs.
    """

    connections: tuple[tuple[int, ...], ...]
    size: int

    @nn.compact
    def __call__(self, x: Float[Array, "*batch h w c"]) -> Float[Array, "*batch high wide o"]:
        pairs = [(c, o) for o, channels in enumerate(self.connections) for c in channels]
        inputs, outputs = np.array(pairs).T
        n_in = self.size**2 * len(pairs) / len(self.connections)
        kernel = self.param("kernel", nn.initializers.normal(n_in**-0.5), (self.size, self.size, len(pairs)))
        bias = self.param("bias", nn.initializers.zeros, (len(self.connections),))
        dense = jnp.zeros((self.size, self.size, x.shape[-1], len(self.connections)), x.dtype)
        return convolve(x, dense.at[:, :, inputs, outputs].set(kernel.astype(x.dtype))) + bias.astype(x.dtype)


def squash(a: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """1.7159·tanh(2a/3): it keeps ±1, and bends most there (eq. 6)."""
    return 1.7159 * tanh(2 * a / 3)
