"""Projected gradient descent: parameters that stay in a box."""

import jax
import jax.numpy as jnp
import optax

from jaxdl.errors import InputError


def within(low: float, high: float) -> optax.GradientTransformation:
    """The last link of a chain: W ← clip(W + u, low, high), u being the step that the chain before it would take.

    InputError unless low < high. Source: Levitin and Polyak (1966), section 5.
    """
    if not low < high:
        raise InputError(f"a box from {low} to {high}: expected the lower bound first, such as 0 to 1")

    def update(updates, state, params):
        return jax.tree.map(lambda w, u: jnp.clip(w + u, low, high) - w, params, updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)
