"""Batch normalisation over named axes (Ioffe and Szegedy, 2015, algorithm 1), and local response normalisation."""

import functools
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxdl.errors import InputError
from jaxdl.typing import wide

AXES = ("batch", "data")


def batch_moments(
    x: Float[Array, "*space c"], mask: Float[Array, ""] | float, axes: tuple[str, ...] = AXES
) -> tuple[Float[Array, " c"], Float[Array, " c"]]:
    """Mean and (biased) variance of each channel over space and over every example with mask 1, on all devices.

    μ = Σ mask·x / n,  σ² = Σ mask·(x−μ)² / n,  n = Σ mask · (places in space)

    x is one example; the sums run over the named axes, so that padding and unequal shards do not count. Averaging the
    devices' own means, as is often done, is wrong as soon as their masks differ. Where nothing weighs both are 0.
    """
    space = tuple(range(x.ndim - 1))
    places = x.size // x.shape[-1]
    count = _or_one(jax.lax.psum(mask * places, axes))
    mean = jax.lax.psum(mask * x.sum(space), axes) / count
    variance = jax.lax.psum(mask * ((x - mean) ** 2).sum(space), axes) / count
    return mean, variance


def _or_one(count: Float[Array, ""]) -> Float[Array, ""]:
    """A count to divide by: of nothing, 1."""
    return jnp.where(count > 0, count, 1)


def normalize(
    x: Float[Array, "*space c"],
    mean: Float[Array, " c"],
    variance: Float[Array, " c"],
    scale: Float[Array, " c"],
    bias: Float[Array, " c"],
    epsilon: float = 1e-5,
) -> Float[Array, "*space c"]:
    """z̃ = γ (z − μ) / √(σ² + ε) + β."""
    return scale * (x - mean) * jax.lax.rsqrt(variance + epsilon) + bias


@functools.partial(jax.custom_vjp, nondiff_argnums=(4, 5))
def batch_normalize(
    x: Float[Array, "*space c"],
    mask: Float[Array, ""],
    scale: Float[Array, " c"],
    bias: Float[Array, " c"],
    epsilon: float = 1e-5,
    axes: tuple[str, ...] = AXES,
) -> tuple[Float[Array, "*space c"], Float[Array, " c"], Float[Array, " c"]]:
    """(z̃, μ, σ²): one example normalised by the moments of its batch, and these.

    Its backward pass is written out, because it is a pass over memory shorter than what autodiff makes of the formulas:

    dx = γ/√(σ² + ε) · (g − mask/n · (Σ g + x̂ Σ g x̂)),  dγ = Σ g x̂,  dβ = Σ g     x̂ = (x − μ)/√(σ² + ε)

    Sums in dx run over the batch, in dγ and dβ over the example. The mask and the moments given back are constants: no
    gradient goes through them. Source: Ioffe and Szegedy (2015), section 3, with weights.
    """
    return _normalized(x, mask, scale, bias, epsilon, axes)[0]


def _normalized(x, mask, scale, bias, epsilon, axes):
    mean, variance = batch_moments(x, mask, axes)
    return (normalize(x, mean, variance, scale, bias, epsilon), mean, variance), (x, mask, mean, variance, scale)


def _normalized_backward(epsilon, axes, kept, gradients):
    x, mask, mean, variance, scale = kept
    g, *_ = gradients
    space, inverse = tuple(range(x.ndim - 1)), jax.lax.rsqrt(variance + epsilon)
    d_bias, d_scale = g.sum(space), inverse * (g * (x - mean)).sum(space)
    sums = jax.lax.psum((d_bias, d_scale), axes)
    share = mask / _or_one(jax.lax.psum(mask * (x.size // x.shape[-1]), axes))
    dx = scale * inverse * (g - share * sums[0] - (x - mean) * (share * inverse * sums[1]))
    return dx, jnp.zeros_like(mask), d_scale, d_bias


batch_normalize.defvjp(_normalized, _normalized_backward)


def corrected_rate(momentum: float, step: Int[Array, ""]) -> Float[Array, ""]:
    """The weight of the batch of step t = 1, 2, … in a bias-corrected average; 0 < momentum < 1.

    r̂ = r / (1 − momentumᵗ), r from 0, is the same as r̂ ← (1−rate)·r̂ + rate·batch with
    rate = (1 − momentum) / (1 − momentumᵗ): 1 at first, so that where r̂ started is forgotten at once.
    """
    return (1 - momentum) / -jnp.expm1(step * math.log(momentum))


def local_response_normalization(
    x: Float[Array, "*space c"], size: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75
) -> Float[Array, "*space c"]:
    """b_i = a_i / (k + α Σ_j a_j²)^β, j over the `size` channels around i, those that exist.

    Krizhevsky, Sutskever and Hinton, 2012, section 3.3; some libraries divide α by `size`. InputError for an even size.
    """
    if size < 1 or size % 2 == 0:
        raise InputError(f"size = {size}: expected an odd number of channels, such as 5")
    half, channels = size // 2, x.shape[-1]
    squares = jnp.pad(x**2, [(0, 0)] * (x.ndim - 1) + [(half, half)])
    energy = sum((squares[..., j : j + channels] for j in range(size)), start=jnp.zeros((), x.dtype))
    return x / (k + alpha * energy) ** beta


class BatchNorm(nn.Module):
    """Batch normalisation of one example among the others of its batch.

    In training it uses the moments of the batch and moves the running ones, r ← momentum·r + (1−momentum)·batch;
    in evaluation it uses the running ones. They live in the collection "batch_stats". Where they started weighs
    momentumᵗ after t steps, and nothing if `corrected`, which keeps t as `steps` beside them. A batch that weighs
    nothing moves none of them.
    """

    momentum: float = 0.9
    epsilon: float = 1e-5
    corrected: bool = False

    @nn.compact
    def __call__(
        self, x: Float[Array, "*space c"], mask: Float[Array, ""] | float, train: bool
    ) -> Float[Array, "*space c"]:
        channels = x.shape[-1]
        scale = self.param("scale", nn.initializers.ones, (channels,))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, (channels,))
        running_variance = self.variable("batch_stats", "variance", jnp.ones, (channels,))
        steps = self.variable("batch_stats", "steps", jnp.zeros, (), jnp.int32) if self.corrected else None
        in_full = wide(x)
        if not train:
            y = normalize(in_full, running_mean.value, running_variance.value, scale, bias, self.epsilon)
            return y.astype(x.dtype)
        y, mean, variance = batch_normalize(in_full, jnp.asarray(mask, in_full.dtype), scale, bias, self.epsilon, AXES)
        if not self.is_initializing():
            seen = jax.lax.psum(jnp.asarray(mask, in_full.dtype), AXES) > 0
            rate: float | jax.Array = 1 - self.momentum
            if steps is not None:
                steps.value += seen
                rate = corrected_rate(self.momentum, steps.value)
            for running, batch in ((running_mean, mean), (running_variance, variance)):
                running.value = jnp.where(seen, (1 - rate) * running.value + rate * batch, running.value)
        return y.astype(x.dtype)
