"""RoI align: the features under a box, of any size, as a square of one size, without rounding the box to cells."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.typing import wide


def roi_align(
    features: Float[Array, "h w c"], boxes: Float[Array, "n 4"], size: int, stride: int, samples: int = 2
) -> Float[Array, "n {size} {size} c"]:
    """Each box cut into size × size bins; a bin is the mean of samples² values between the features' places.

    out[i, j] = Σ_y Σ_x Y[i, y] X[j, x] features[y, x],  Y[i, y] = mean of max(0, 1 − |s − y|) over samples s of bin i

    which is bilinear interpolation; outside the map the nearest place counts. It is a product of matrices: no gather,
    and gradients reach features and boxes alike.

    boxes   in pixels of the image; places are counted in at least float32, whatever the features are in
    stride  pixels to a place of the features, whose first has its middle at stride / 2

    InputError for a size or samples below 1. Source: He et al. (2017), section 3, "RoIAlign".
    """
    if size < 1 or samples < 1:
        raise InputError(f"{size} bins and {samples} samples a side: expected 1 or more")
    height, width, _ = features.shape
    x1, y1, x2, y2 = wide(boxes).T / stride
    rows = _weights(y1, y2, height, size, samples)
    columns = _weights(x1, x2, width, size, samples)
    return jnp.einsum("niy,njx,yxc->nijc", rows, columns, features).astype(features.dtype)


def _weights(
    low: Float[Array, " n"], high: Float[Array, " n"], places: int, size: int, samples: int
) -> Float[Array, "n {size} {places}"]:
    """How much each place counts in each bin between low and high, in places, of each box."""
    part = (jnp.arange(size * samples) + 0.5) / (size * samples)
    at = jnp.clip(low[:, None] + part * (high - low)[:, None] - 0.5, 0, places - 1)
    tents = jnp.maximum(0, 1 - jnp.abs(at[..., None] - jnp.arange(places)))
    return tents.reshape(len(low), size, samples, places).mean(2)
