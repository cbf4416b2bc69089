"""Augmentations of one image, pure functions of a key: the loss applies them, so each example draws its own."""

import jax
import jax.numpy as jnp
from jaxtyping import Float

from jaxdl.typing import Array, Key


def random_shift(key: Key, image: Float[Array, "H W C"], max_shift: int) -> Float[Array, "H W C"]:
    """The image moved by whole pixels (dy, dx), each uniform in −max_shift … max_shift; the border's pixels fill in.

    shifted[i, j] = image[clip(i − dy, 0, H − 1), clip(j − dx, 0, W − 1)]

    Repeating the border, and not zero, keeps the background of a standardised image what it was.
    """
    height, width, _ = image.shape
    dy, dx = jax.random.randint(key, (2,), -max_shift, max_shift + 1)
    rows = jnp.clip(jnp.arange(height) - dy, 0, height - 1)
    columns = jnp.clip(jnp.arange(width) - dx, 0, width - 1)
    return image[rows][:, columns]  # whole rows first: under vmap on a CPU faster than slices, rolls or matmuls
