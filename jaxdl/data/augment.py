"""Augmentations of one image, pure functions of a key: the loss applies them, so each example draws its own.

What moves pixels repeats the border and not zero, which keeps the background of a standardised image what it was.
"""

import re
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxdl.errors import InputError
from jaxdl.typing import Array, ArrayLike, Key

Image = Float[Array, "H W C"]
Augmentation = Callable[[Key, Image], Image]

DIGITS = ("digits", "mnist", "mnist_corrupted", "emnist", "svhn_cropped")
LARGEST_TURN = 45.0  # degrees; a 6 that is turned further begins to read as a 9


def chain(*steps: Augmentation) -> Augmentation:
    """One augmentation that applies these in order, each with its own part of the key."""

    def augment(key: Key, image: Image) -> Image:
        for step, part in zip(steps, jax.random.split(key, len(steps)), strict=True):
            image = step(part, image)
        return image

    return augment


def check_allowed(names: Sequence[str], dataset: str, max_degrees: float = 0.0, force: bool = False) -> None:
    """Raise InputError where an augmentation turns a digit into another or into none, unless forced.

    names are those of the techniques, such as "horizontal_flip" and "random_shift"; a flip changes what a digit is,
    and so does a rotation by max_degrees beyond `LARGEST_TURN`.
    """
    if force or re.split("[/:]", dataset)[0] not in DIGITS:
        return
    refused = [name for name in names if "flip" in name]
    if max_degrees > LARGEST_TURN:
        refused.append(f"rotation by up to {max_degrees:g} degrees")
    if refused:
        raise InputError(
            f"{' and '.join(refused)} would change what the digits of {dataset!r} say; "
            "leave it out, or give --force to see it hurt"
        )


def random_horizontal_flip(key: Key, image: Image, probability: float = 0.5) -> Image:
    """The image mirrored left to right, with this probability."""
    return jnp.where(jax.random.bernoulli(key, probability), image[:, ::-1], image)


def random_vertical_flip(key: Key, image: Image, probability: float = 0.5) -> Image:
    """The image mirrored top to bottom, with this probability."""
    return jnp.where(jax.random.bernoulli(key, probability), image[::-1], image)


def random_shift(key: Key, image: Image, max_shift: int) -> Image:
    """The image moved by whole pixels (dy, dx), each uniform in −max_shift … max_shift; the border's pixels fill in.

    The same as padding by max_shift and cropping at random. InputError unless 0 ≤ max_shift < both sides.
    """
    if not 0 <= max_shift < min(image.shape[:2]):
        height, width, _ = image.shape
        raise InputError(f"max_shift {max_shift} of {height}×{width} pixels: expected 0 to {min(height, width) - 1}")
    dy, dx = jax.random.randint(key, (2,), -max_shift, max_shift + 1)
    return shift(image, dy, dx)


def random_rotation(key: Key, image: Image, max_degrees: float) -> Image:
    """The image turned about its centre by an angle uniform in −max_degrees … max_degrees."""
    return rotate(image, jax.random.uniform(key, (), minval=-max_degrees, maxval=max_degrees))


def random_zoom(key: Key, image: Image, max_factor: float) -> Image:
    """The image enlarged about its centre by a factor in 1 / max_factor … max_factor, uniform in its logarithm.

    Raises InputError for max_factor < 1.
    """
    if max_factor < 1:
        raise InputError(f"max_factor {max_factor} would be the least: give 1 or more, such as 1.2")
    bound = jnp.log(max_factor)
    return zoom(image, jnp.exp(jax.random.uniform(key, (), minval=-bound, maxval=bound)))


def random_crop(key: Key, image: Image, share: float) -> Image:
    """A window of `share` of each side, anywhere inside the image, resized to the image's own size.

    Raises InputError for a share outside (0, 1].
    """
    height, width, _ = image.shape
    top, left = (1 - share) * jax.random.uniform(key, (2,))
    return crop(image, share, top * (height - 1), left * (width - 1))


def gaussian_noise(key: Key, image: Image, std: float) -> Image:
    """image + N(0, std²), its own draw for every pixel and channel."""
    return image + std * jax.random.normal(key, image.shape, image.dtype)


def color_shift(key: Key, image: Image, std: float) -> Image:
    """image + N(0, std²), one draw for each channel: the light changes, the picture stays."""
    return image + std * jax.random.normal(key, image.shape[-1:], image.dtype)


def pca_color(
    key: Key,
    image: Image,
    eigenvalues: Float[ArrayLike, " C"],
    eigenvectors: Float[ArrayLike, "C C"],
    std: float = 0.1,
) -> Image:
    """image + Σ_k α_k λ_k p_k with α_k ~ N(0, std²), λ_k and p_k = eigenvectors[:, k] from `color_components`.

    The light changes most along the direction in which the colours of the training images vary most.
    Krizhevsky et al., 2012, section 4.1, where std is 0.1.
    """
    alpha = std * jax.random.normal(key, image.shape[-1:], image.dtype)
    return image + jnp.asarray(eigenvectors) @ (alpha * jnp.asarray(eigenvalues))


def color_components(images: Float[np.ndarray, "N H W C"]) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues [C], largest first, and eigenvectors [C, C], in columns, of the covariance of the pixels' colours."""
    pixels = images.reshape(-1, images.shape[-1]).astype(np.float64)
    eigenvalues, eigenvectors = np.linalg.eigh(np.atleast_2d(np.cov(pixels.T)))
    return eigenvalues[::-1].astype(np.float32), eigenvectors[:, ::-1].astype(np.float32)


def shift(image: Image, dy: Array | int, dx: Array | int) -> Image:
    """shifted[i, j] = image[clip(i − dy, 0, H − 1), clip(j − dx, 0, W − 1)], by whole pixels."""
    height, width, _ = image.shape
    rows = jnp.clip(jnp.arange(height) - dy, 0, height - 1)
    columns = jnp.clip(jnp.arange(width) - dx, 0, width - 1)
    return image[rows][:, columns]  # whole rows first: under vmap on a CPU faster than slices, rolls or matmuls


def crop(image: Image, share: float, top: Array | float, left: Array | float) -> Image:
    """cropped[i, j] = image[top + share·i, left + share·j], bilinear: a part of the image, enlarged to its size."""
    if not 0 < share <= 1:
        raise InputError(f"a crop keeps a share in (0, 1] of each side, such as 0.8, not {share}")
    height, width, _ = image.shape
    return _interpolated(image, top + share * jnp.arange(height), left + share * jnp.arange(width))


def five_crops(image: Image, share: float) -> Float[Array, "5 H W C"]:
    """The four corners and the centre, each `share` of the sides, as `random_crop` enlarges them.

    Raises InputError for a share outside (0, 1].
    """
    height, width, _ = image.shape
    bottom, right = (1 - share) * (height - 1), (1 - share) * (width - 1)
    corners = [(0.0, 0.0), (0.0, right), (bottom, 0.0), (bottom, right), (bottom / 2, right / 2)]
    return jnp.stack([crop(image, share, top, left) for top, left in corners])


def ten_crops(image: Image, share: float) -> Float[Array, "10 H W C"]:
    """`five_crops` and the same mirrored left to right: not for digits (see `check_allowed`).

    Krizhevsky, Sutskever and Hinton (2012), section 4.1.
    """
    crops = five_crops(image, share)
    return jnp.concatenate([crops, crops[:, :, ::-1]])


def zoom(image: Image, factor: Array | float) -> Image:
    """zoomed[i, j] = image[c + (i − c) / factor, …] with c the centre, bilinear: above 1 it enlarges."""
    rows, columns = (jnp.arange(size) - (size - 1) / 2 for size in image.shape[:2])
    return _interpolated(image, *((at / factor + (len(at) - 1) / 2) for at in (rows, columns)))


def rotate(image: Image, degrees: Array | float) -> Image:
    """The image turned counterclockwise about its centre, bilinear; 90 is `jnp.rot90` of a square one."""
    height, width, channels = image.shape
    angle = jnp.deg2rad(degrees)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    up, across = (height - 1) / 2, (width - 1) / 2
    i, j = jnp.arange(height)[:, None] - up, jnp.arange(width) - across
    top, dy = _cell(cos * i + sin * j + up, height)
    left, dx = _cell(cos * j - sin * i + across, width)
    pixels = image.reshape(-1, channels)
    corners = [pixels[(top + a) * width + left + b] for a in (0, 1) for b in (0, 1)]
    dy, dx = dy[..., None], dx[..., None]
    above, below = (left_one * (1 - dx) + right * dx for left_one, right in (corners[:2], corners[2:]))
    return above * (1 - dy) + below * dy


def _interpolated(image: Image, rows: Float[Array, " H"], columns: Float[Array, " W"]) -> Image:
    """image[rows[i], columns[j]] at fractional places, bilinear: whole rows first, then columns."""
    top, dy = _cell(rows, image.shape[0])
    left, dx = _cell(columns, image.shape[1])
    image = image[top] * (1 - dy)[:, None, None] + image[top + 1] * dy[:, None, None]
    return image[:, left] * (1 - dx)[:, None] + image[:, left + 1] * dx[:, None]


def _cell(at: Float[Array, "..."], size: int) -> tuple[Array, Array]:
    """The pixel before a fractional place and the share of the next one; a place outside is taken to the border."""
    at = jnp.clip(at, 0, size - 1)
    before = jnp.clip(jnp.floor(at).astype(int), 0, max(size - 2, 0))
    return before, at - before
