"""Losses of neural style transfer, of the activations [h, w, c] of an image in some layer (Gatys et al., 2016)."""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.typing import wide


def content(a_C: Float[Array, "h w c"], a_G: Float[Array, "h w c"]) -> Float[Array, ""]:
    """How far the generated image's activations are from the content image's.

    L = Σ (a_G − a_C)² / (4 · n_H · n_W · n_C)
    """
    return ((wide(a_G) - wide(a_C)) ** 2).sum() / (4 * a_C.size)


def gram(a: Float[Array, "h w c"]) -> Float[Array, "c c"]:
    """G[k, l] = Σᵢⱼ a[i, j, k] · a[i, j, l]: which channels are active together, wherever it is.

    Symmetric and positive semi-definite. Source: Gatys, Ecker and Bethge (2016), equation 3.
    """
    a = wide(a)
    return jnp.einsum("ijk,ijl->kl", a, a)


def style(gram_S: Float[Array, "c c"], a_G: Float[Array, "h w c"]) -> Float[Array, ""]:
    """How far one layer's Gram matrix is from the style image's, which has as many places.

    L = ‖gram(a_G) − gram_S‖²_F / (2 · n_H · n_W · n_C)²

    The Gram matrix of a style image of n' places takes part as gram_S · n_H · n_W / n'.
    Source: Gatys, Ecker and Bethge (2016), equation 4.
    """
    return ((gram(a_G) - gram_S) ** 2).sum() / (2.0 * a_G.size) ** 2


def layered_style(
    grams_S: Mapping[str, Float[Array, "..."]],
    activations: Mapping[str, Float[Array, "..."]],
    weights: Mapping[str, float],
) -> Float[Array, ""]:
    """L = Σ over layers of λ · style, with a weight λ for each layer (Gatys et al., 2016, equation 5)."""
    layers = [weight * style(grams_S[layer], activations[layer]) for layer, weight in weights.items()]
    return jnp.stack(layers).sum()


def total_variation(image: Float[Array, "h w c"]) -> Float[Array, ""]:
    """How rough an image is: squared differences of neighbouring pixels.

    L = Σ ((x[i+1, j] − x[i, j])² + (x[i, j+1] − x[i, j])²) / (n_H · n_W · n_C)

    Squared, so that it has a gradient everywhere: Mahendran and Vedaldi (2015), section 2, with β = 2.
    """
    image = wide(image)
    down, right = jnp.diff(image, axis=0), jnp.diff(image, axis=1)
    return ((down**2).sum() + (right**2).sum()) / image.size
