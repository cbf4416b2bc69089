"""Activations and, beside each, its derivative written by hand; both take z, of any shape.

At a kink a derivative is that of one side, and autodiff gives the same: relu′(0) = 0, relu6′(6) = 0,
leaky relu′(0) = elu′(0) = 1.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.errors import chosen

Z = Float[Array, "*shape"]
Activation = Callable[[jax.Array], jax.Array]


def identity(z: Z) -> Z:
    """g(z) = z."""
    return z


def identity_derivative(z: Z) -> Z:
    """g′(z) = 1."""
    return jnp.ones_like(z)


def sigmoid(z: Z) -> Z:
    """σ(z) = 1 / (1 + e⁻ᶻ)."""
    return jax.nn.sigmoid(z)


def sigmoid_derivative(z: Z) -> Z:
    """σ′(z) = σ(z)(1 − σ(z)), and 1 − σ(z) = σ(−z), which keeps its digits where σ(z) rounds to 1."""
    return sigmoid(z) * sigmoid(-z)


def tanh(z: Z) -> Z:
    """tanh(z) = (eᶻ − e⁻ᶻ) / (eᶻ + e⁻ᶻ)."""
    return jnp.tanh(z)


def tanh_derivative(z: Z) -> Z:
    """tanh′(z) = 1 − tanh²(z)."""
    return 1 - jnp.tanh(z) ** 2


def relu(z: Z) -> Z:
    """g(z) = max(0, z)."""
    return jnp.where(z <= 0, 0.0, z)  # a NaN is let through, and a maximum would have the derivative ½ at 0


def relu_derivative(z: Z) -> Z:
    """g′(z) = 1 where z > 0, else 0."""
    return (z > 0).astype(z.dtype)


def relu6(z: Z) -> Z:
    """g(z) = min(max(0, z), 6): it keeps its digits in few bits (Krizhevsky, 2010)."""
    return jnp.where(z >= 6, 6.0, relu(z))


def relu6_derivative(z: Z) -> Z:
    """g′(z) = 1 where 0 < z < 6, else 0."""
    return ((z > 0) & (z < 6)).astype(z.dtype)


def leaky_relu(z: Z, slope: float = 0.1) -> Z:
    """g(z) = z where z ≥ 0, else slope·z (Maas et al., 2013)."""
    return jnp.where(z < 0, slope * z, z)


def leaky_relu_derivative(z: Z, slope: float = 0.1) -> Z:
    """g′(z) = 1 where z ≥ 0, else slope."""
    return jnp.where(z < 0, slope, jnp.ones_like(z))


def elu(z: Z, alpha: float = 1.0) -> Z:
    """g(z) = z where z ≥ 0, else α(eᶻ − 1) (Clevert et al., 2016, eq. 15)."""
    return jnp.where(z < 0, alpha * jnp.expm1(_negative_part(z)), z)


def elu_derivative(z: Z, alpha: float = 1.0) -> Z:
    """g′(z) = 1 where z ≥ 0, else αeᶻ."""
    return jnp.where(z < 0, alpha * jnp.exp(_negative_part(z)), 1.0)


def _negative_part(z: Z) -> Z:
    return jnp.where(z < 0, z, 0.0)  # eᶻ would overflow on the side that is not used, and spoil the gradient


def softplus(z: Z) -> Z:
    """g(z) = log(1 + eᶻ)."""
    return jnp.logaddexp(z, 0.0)


def softplus_derivative(z: Z) -> Z:
    """g′(z) = σ(z)."""
    return sigmoid(z)


def swish(z: Z) -> Z:
    """g(z) = z·σ(z), also called SiLU (Ramachandran, Zoph and Le, 2017, with β = 1)."""
    return z * sigmoid(z)


def swish_derivative(z: Z) -> Z:
    """g′(z) = σ(z) + z·σ′(z)."""
    return sigmoid(z) + z * sigmoid_derivative(z)


def gelu(z: Z) -> Z:
    """g(z) = z·Φ(z), Φ the normal distribution function (Hendrycks and Gimpel, 2016)."""
    return z * _normal_below(z)


def gelu_derivative(z: Z) -> Z:
    """g′(z) = Φ(z) + z·φ(z), φ the normal density."""
    return _normal_below(z) + z * jnp.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def _normal_below(z: Z) -> Z:
    return jax.scipy.special.erfc(-z / math.sqrt(2)) / 2  # 1 + erf would lose the digits of the left tail


def gelu_tanh(z: Z) -> Z:
    """g(z) = z/2·(1 + tanh(√(2/π)(z + 0.044715z³))), close to `gelu` (Hendrycks and Gimpel, 2016, section 2)."""
    return z * (1 + jnp.tanh(_cubic(z))) / 2


def gelu_tanh_derivative(z: Z) -> Z:
    """g′(z) = ½(1 + tanh u) + z/2·(1 − tanh²u)·u′, u = √(2/π)(z + 0.044715z³)."""
    t = jnp.tanh(_cubic(z))
    return (1 + t) / 2 + z / 2 * (1 - t**2) * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z**2)


def _cubic(z: Z) -> Z:
    return math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)


def maxout(pieces: Float[Array, "*shape k"]) -> Float[Array, "*shape"]:
    """g(z₁, …, z_k) = maxᵢ zᵢ, over the last axis (Goodfellow et al., 2013, eq. 2)."""
    return pieces.max(-1)


def maxout_derivative(pieces: Float[Array, "*shape k"]) -> Float[Array, "*shape k"]:
    """∂g/∂zᵢ = 1 for the largest piece and 0 for the others; n pieces that tie have 1/n each."""
    largest = (pieces == pieces.max(-1, keepdims=True)).astype(pieces.dtype)
    return largest / largest.sum(-1, keepdims=True)


# Not maxout: it takes k numbers where these take one.
_PAIRS: dict[str, tuple[Activation, Activation]] = {
    "identity": (identity, identity_derivative),
    "sigmoid": (sigmoid, sigmoid_derivative),
    "tanh": (tanh, tanh_derivative),
    "relu": (relu, relu_derivative),
    "relu6": (relu6, relu6_derivative),
    "leaky_relu": (leaky_relu, leaky_relu_derivative),
    "elu": (elu, elu_derivative),
    "softplus": (softplus, softplus_derivative),
    "swish": (swish, swish_derivative),
    "gelu": (gelu, gelu_derivative),
    "gelu_tanh": (gelu_tanh, gelu_tanh_derivative),
}


def named(name: str) -> Activation:
    """The element-wise activation of that name. InputError, with the closest name, for another."""
    return chosen("activation", name, _PAIRS)[0]


def derivative(name: str) -> Activation:
    """The derivative of the element-wise activation of that name, from z. InputError as `named`."""
    return chosen("activation", name, _PAIRS)[1]
