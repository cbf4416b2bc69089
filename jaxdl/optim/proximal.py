"""The proximal step of an L1 penalty: weights that don't earn their size become exactly zero."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.typing import is_weight


def soft_threshold(x: Float[Array, "*shape"], threshold: Float[Array, ""] | float) -> Float[Array, "*shape"]:
    """S(x) = sign(x)·max(|x| − threshold, 0), the minimiser u of ½(u − x)² + threshold·|u|  (Donoho, 1995, eq. 1.2)."""
    return jnp.sign(x) * jnp.maximum(jnp.abs(x) - threshold, 0.0)


def proximal_l1(learning_rate: optax.ScalarOrSchedule, weight: float) -> optax.GradientTransformation:
    """The last link of a chain: W ← S(W + u, αλ) for weights, W ← W + u for biases and the scales of norms.

    u is the step that the chain before it would take for the loss without the penalty λ·‖W‖₁, λ = weight; α is that
    chain's learning rate. With plain gradient descent this is ISTA (Beck & Teboulle, 2009, eq. 1.4), which reaches the
    minimum of the penalised loss; behind a rule that scales each weight by itself it is only a shrinking of that kind.
    Raises InputError for a negative weight.
    """
    if not weight >= 0:
        raise InputError(f"L1 weight {weight}: expected a number ≥ 0, such as 1e-3")
    schedule = learning_rate if callable(learning_rate) else optax.constant_schedule(learning_rate)

    def update(updates, state, params):
        threshold = weight * schedule(state.count)
        shrunk = jax.tree_util.tree_map_with_path(
            lambda path, w, u: soft_threshold(w + u, threshold) - w if is_weight(path, w) else u, params, updates
        )
        return shrunk, optax.ScaleByScheduleState(state.count + 1)

    return optax.GradientTransformation(lambda params: optax.ScaleByScheduleState(jnp.zeros((), jnp.int32)), update)
