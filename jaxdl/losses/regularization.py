"""Penalties on the size of the weights: kernels and matrices, never biases or the scales of normalisation."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.typing import ArrayLike, Mean, Params, is_weight, wide


def l2(params: Params) -> Float[Array, ""]:
    """s = ½ Σ ‖W‖², so that ∂s/∂W = W."""
    return sum(((weight**2).sum() / 2 for weight in _weights(params)), jnp.zeros(()))


def l1(params: Params) -> Float[Array, ""]:
    """s = Σ |W|, with ∂s/∂W = sign W, 0 at 0."""
    # Not jnp.abs, whose derivative at 0 is 1: it would move a weight that is already 0.
    return sum(((weight * jnp.sign(weight)).sum() for weight in _weights(params)), jnp.zeros(()))


def penalized(cost: Mean, penalty: Float[Array, ""], strength: ArrayLike) -> Mean:
    """The cost of an example with the penalty in it, so that the mean over any batch is J + strength·penalty.

    The notes' λ/m, m the size of the training set, is `strength` here. InputError where it is negative.
    """
    if isinstance(strength, float | int) and not strength >= 0:
        raise InputError(f"penalty strength {strength}: expected 0 or more")
    return Mean(cost.total + cost.weight * strength * penalty, cost.weight)


def _weights(params: Params) -> list[jax.Array]:
    """The weights, in at least float32."""
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return [wide(leaf) for path, leaf in leaves if is_weight(path, leaf)]
