"""Projected gradient descent: parameters that stay in a box."""

import jax
import jax.numpy as jnp
import optax

from jaxdl.errors import InputError


def within(low: float, high: float) -> optax.GradientTransformation:
    """The last link of a chain: W ← clip(W + u, low, high), u being the step that the chain before it would take.

    Where W + u′ rounds to beyond a bound, u′ being that step, u′ is an ulp shorter, so that no W leaves the box.
    InputError unless low < high. Source: Levitin and Polyak (1966), section 5.
    """
    if not low < high:
        raise InputError(f"a box from {low} to {high}: expected the lower bound first, such as 0 to 1")

    def inward(w, u):
        step = jnp.clip(w + u, low, high) - w
        after = (w + step).astype(w.dtype)
        return jnp.where(
            after < low, jnp.nextafter(step, jnp.inf), jnp.where(after > high, jnp.nextafter(step, -jnp.inf), step)
        )

    def update(updates, state, params):
        return jax.tree.map(inward, params, updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)
