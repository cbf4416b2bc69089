"""Batch normalisation over named axes (Ioffe and Szegedy, 2015, algorithm 1)."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

AXES = ("batch", "data")


def batch_moments(
    x: Float[Array, "*space c"], mask: Float[Array, ""], axes: tuple[str, ...] = AXES
) -> tuple[Float[Array, " c"], Float[Array, " c"]]:
    """Mean and (biased) variance of each channel over space and over every example with mask 1, on all devices.

    μ = Σ mask·x / n,  σ² = Σ mask·(x−μ)² / n,  n = Σ mask · (places in space)

    x is one example; the sums run over the named axes, so that padding and unequal shards do not count. Averaging the
    devices' own means, as is often done, is wrong as soon as their masks differ.
    """
    space = tuple(range(x.ndim - 1))
    places = x.size // x.shape[-1]
    count = jax.lax.psum(mask * places, axes)
    mean = jax.lax.psum(mask * x.sum(space), axes) / count
    variance = jax.lax.psum(mask * ((x - mean) ** 2).sum(space), axes) / count
    return mean, variance


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


class BatchNorm(nn.Module):
    """Batch normalisation of one example among the others of its batch.

    In training it uses the moments of the batch and moves the running ones, r ← momentum·r + (1−momentum)·batch;
    in evaluation it uses the running ones. They live in the collection "batch_stats".
    """

    momentum: float = 0.9
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: Float[Array, "*space c"], mask: Float[Array, ""], train: bool) -> Float[Array, "*space c"]:
        channels = x.shape[-1]
        scale = self.param("scale", nn.initializers.ones, (channels,))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, (channels,))
        running_variance = self.variable("batch_stats", "variance", jnp.ones, (channels,))
        if not train:
            return normalize(x, running_mean.value, running_variance.value, scale, bias, self.epsilon)
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        mean, variance = batch_moments(wide, mask)
        if not self.is_initializing():
            for running, batch in ((running_mean, mean), (running_variance, variance)):
                running.value = self.momentum * running.value + (1 - self.momentum) * batch
        return normalize(wide, mean, variance, scale, bias, self.epsilon).astype(x.dtype)
