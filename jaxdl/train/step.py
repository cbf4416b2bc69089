"""One training step as a pure function of (state, batch). It names its axes; a runner binds them (`parallel.py`)."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from jaxdl.task import map_loss
from jaxdl.train.state import State
from jaxdl.typing import Batch, Key, Loss, Mean, ModelState, Params, Score, path_name

Sums = tuple[Params, Mean, dict[str, Mean]]
"""Sums over examples, not divided yet: gradients of the total cost, cost, metrics."""
Step = Callable[[State, Batch], tuple[State, dict[str, Mean], Array]]


def make_step(loss: Loss, optimizer: optax.GradientTransformation, accumulate: int = 1) -> Step:
    """step(state, batch) -> (state, metrics, bad leaf) applies the gradient of Σ total / Σ weight of the global batch.

    accumulate   the local batch is cut into this many micro-batches whose sums are added before dividing once, which
                 gives the plain step's numbers in less memory. Wrong for coupled examples: the caller refuses those.
    bad leaf     when the loss is not finite: which parameter was not finite already when the step began (place in the
                 flattened parameters), or −1 when all were. Behind a `cond`: it costs nothing while all is well.
    """

    def differentiate(params: Params, model_state: ModelState, batch: Batch, key: Key) -> tuple[ModelState, Sums]:
        def total(params: Params) -> tuple[Array, Any]:
            costs, (new_model_state, metrics) = map_loss(loss, params, model_state, batch, key)
            cost, metrics = jax.tree.map(lambda rows: rows.sum(0), (costs, metrics))
            return cost.total, (new_model_state, cost, metrics)

        gradients, (new_model_state, cost, metrics) = jax.grad(total, has_aux=True)(params)
        return new_model_state, (gradients, cost, metrics)

    def step(state: State, batch: Batch) -> tuple[State, dict[str, Mean], Array]:
        key = jax.random.fold_in(state.key, state.step)
        model_state, sums = accumulated(differentiate, accumulate)(state.params, state.model_state, batch, key)
        gradients, cost, metrics = jax.lax.psum(sums, "data")
        gradients = jax.tree.map(lambda g: g / cost.weight.astype(g.dtype), gradients)
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        bad = jax.lax.cond(jnp.isfinite(cost.total), lambda: jnp.int32(-1), lambda: _first_not_finite(state.params))
        return State(state.step + 1, params, model_state, opt_state, state.key), {"loss": cost, **metrics}, bad

    return step


def accumulated(differentiate: Callable, parts: int) -> Callable:
    """Adds the sums of `differentiate` over `parts` micro-batches. Each takes every parts-th row."""
    if parts == 1:
        return differentiate

    def over_parts(params: Params, model_state: ModelState, batch: Batch, key: Key) -> tuple[ModelState, Sums]:
        micro = jax.tree.map(lambda x: x.reshape(x.shape[0] // parts, parts, *x.shape[1:]).swapaxes(0, 1), batch)

        def add(carry: tuple[ModelState, Sums], part: Batch) -> tuple[tuple[ModelState, Sums], None]:
            model_state, sums = differentiate(params, carry[0], part, key)
            return (model_state, jax.tree.map(jnp.add, carry[1], sums)), None

        first = differentiate(params, model_state, jax.tree.map(lambda x: x[0], micro), key)
        return jax.lax.scan(add, first, jax.tree.map(lambda x: x[1:], micro), unroll=_unroll())[0]

    return over_parts


def _unroll() -> bool:
    """Whether a loop over steps is written out: on a CPU, XLA runs a convolution inside a loop on a single thread."""
    return jax.default_backend() == "cpu"


def _first_not_finite(params: Params) -> Array:
    bad = jnp.stack([~jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(params)])
    return jnp.where(bad.any(), jnp.argmax(bad), -1).astype(jnp.int32)


def packed(step: Step) -> Callable[[State, Batch], tuple[State, Array]]:
    """The step with its metrics in one vector, [totals…, weights…, bad leaf], in sorted order of their names.

    Fetching one vector costs the host less than a microsecond; fetching scalars one by one costs 10 each.
    """

    def body(state: State, batch: Batch) -> tuple[State, Array]:
        state, metrics, bad = step(state, batch)
        return state, _pack(metrics, bad)

    return body


def _pack(metrics: dict[str, Mean], *more: Array) -> Array:
    means = [metrics[name] for name in sorted(metrics)]
    return jnp.stack([jnp.asarray(x) for x in (*(m.total for m in means), *(m.weight for m in means), *more)])


def unpack(names: Sequence[str], vector: np.ndarray) -> dict[str, float]:
    """{name: Σ total / Σ weight} from a packed vector; 0 where nothing was weighed."""
    totals, weights = vector[: len(names)], vector[len(names) : 2 * len(names)]
    return {
        name: float(total / weight) if weight else 0.0
        for name, total, weight in zip(sorted(names), totals, weights, strict=True)
    }


def repeated(
    body: Callable[[State, Batch], tuple[State, Array]], times: int
) -> Callable[[State, Batch], tuple[State, Array]]:
    """Several steps in one call: batches stacked on a leading axis in, packed metrics stacked out."""

    def many(state: State, batches: Batch) -> tuple[State, Array]:
        return jax.lax.scan(body, state, batches, length=times, unroll=_unroll())

    return many


def make_evaluation(score: Score) -> Callable[[State, Batch], Array]:
    """evaluate(state, batch) -> packed [totals…, weights…] of the metrics over the global batch."""

    def evaluate(state: State, batch: Batch) -> Array:
        metrics = jax.vmap(score, (None, None, 0))(state.params, state.model_state, batch)
        return _pack(jax.lax.psum(jax.tree.map(lambda rows: rows.sum(0), metrics), "data"))

    return evaluate


def in_precision(loss: Loss, dtype: str) -> Loss:
    """Mixed precision: parameters stay float32, what the loss computes with them is in `dtype` (bfloat16).

    Gradients come back in float32 through the cast. `mask` and the model state (running moments) are left as they are.
    """
    if dtype == "float32":
        return loss

    def cast(leaf: Array) -> Array:
        return leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    def lower(params: Params, model_state: ModelState, example: dict[str, Any], key: Key) -> Any:
        example = {name: value if name == "mask" else cast(value) for name, value in example.items()}
        return loss(jax.tree.map(cast, params), model_state, example, key)

    return lower


def leaf_name(params: Params, place: int) -> str:
    """The path of the place-th leaf of the flattened parameters."""
    return "params/" + path_name(jax.tree_util.tree_flatten_with_path(params)[0][place][0])


def metric_names(step: Step, state: State, batch: Batch) -> tuple[str, ...]:
    """The names of the metrics that a step returns, without running it."""
    bound = jax.vmap(step, in_axes=None, out_axes=None, axis_name="data", axis_size=1)
    return tuple(sorted(jax.eval_shape(bound, state, batch)[1]))
