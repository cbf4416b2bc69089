"""A Transformer that reads an image patch by patch."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.models.transformer import SHARDING, Size, Stack


class VisionTransformer(nn.Module):
    """An image cut into patches, read as a sequence; logits from what stands at an extra first place.

    patch   side of a patch in pixels

    InputError for an image that patches don't fill. Source: Dosovitskiy et al. (2021), section 3.1.
    """

    sharding = SHARDING

    classes: int
    patch: int
    size: Size

    @nn.compact
    def __call__(
        self, image: Float[Array, "height width channels"], mask: Any = None, train: bool = False
    ) -> Float[Array, " classes"]:
        height, width, channels = image.shape
        if height % self.patch or width % self.patch:
            raise InputError(f"an image of {height}×{width}: patches of {self.patch} don't fill it")
        rows = image.reshape(height // self.patch, self.patch, width // self.patch, self.patch, channels)
        patches = rows.transpose(0, 2, 1, 3, 4).reshape(-1, self.patch**2 * channels)
        x = nn.Dense(self.size.width, name="patches")(patches)
        first = self.param("first", nn.initializers.zeros, (1, self.size.width))
        places = self.param("positions", nn.initializers.normal(0.02), (len(x) + 1, self.size.width))
        x = nn.Dropout(self.size.dropout)(jnp.concatenate([first, x]) + places, deterministic=not train)
        h, _ = Stack(self.size, name="stack")(x, train=train)
        return nn.Dense(self.classes, name="output")(h[0])
