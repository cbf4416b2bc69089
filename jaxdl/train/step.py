"""One training step as a pure function of (state, batch). It names its axes; a runner binds them (`parallel.py`)."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from jaxdl.task import joined, map_loss, parted
from jaxdl.train.state import State
from jaxdl.typing import Batch, Key, Loss, Mean, ModelState, Params, Score

Sums = tuple[Params, Mean, dict[str, Mean]]
"""Sums over examples, not divided yet: gradients of the total cost, cost, metrics."""

Rows = tuple[Batch, Any]
"""A batch, and what its rows carry over from the batch before; None where nothing."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Metrics:
    """Weighted means on their way to the host, in one vector: [totals…, weights…].

    Fetching one vector costs the host less than a microsecond; fetching scalars one by one costs ten each.
    """

    vector: Any
    names: tuple[str, ...] = dataclasses.field(metadata={"static": True})

    @classmethod
    def pack(cls, means: dict[str, Mean]) -> "Metrics":
        """Named means to one vector."""
        names = tuple(sorted(means))
        totals, weights = [means[name].total for name in names], [means[name].weight for name in names]
        return cls(jnp.stack([jnp.asarray(x) for x in (*totals, *weights)]), names)

    def rows(self) -> Iterator[dict[str, float]]:
        """For each step of a call: {name: Σ total / Σ weight}, 0 where nothing was weighed. Waits for the device."""
        count = len(self.names)
        vectors = np.asarray(self.vector)
        for row in vectors.reshape(-1, vectors.shape[-1]).tolist():
            sums = zip(self.names, row, row[count:], strict=False)
            yield {name: total / weight if weight else 0.0 for name, total, weight in sums}

    def weights(self) -> dict[str, float]:
        """{name: Σ weight}: how many examples, or tokens, each metric is the mean of."""
        vector = np.asarray(self.vector)
        return dict(zip(self.names, vector[len(self.names) :].tolist(), strict=True))


STOP = "stop"
"""A field of a batch: 1 in the rows of a process that was asked to stop. Its mean is a metric, so that all the
processes know of it after the same step."""


Step = Callable[[State, Batch], tuple[State, Metrics]]


def make_step(loss: Loss, optimizer: optax.GradientTransformation, accumulate: int = 1) -> Step:
    """step(state, batch) -> (state, metrics) applies the gradient of Σ total / Σ weight over the global batch.

    accumulate   the local batch is cut into this many micro-batches whose sums are added before dividing once, which
                 gives the plain step's numbers in less memory: in a loop, as XLA would hold them all at once if they
                 were written out. Slow for convolutions on a CPU (see `repeated`). Wrong for coupled examples: the
                 caller refuses those.

    The gradient of a loss that is not finite is taken as zero, so that a NaN in a batch can't spread: a parameter
    that is not finite afterwards was so before. So is that of a batch that weighs nothing.
    """

    def differentiate(params: Params, shared: ModelState, rows: Rows, key: Key) -> tuple[ModelState, Sums, Any]:
        batch, carry = rows

        def total(params: Params) -> tuple[Array, Any]:
            costs, (model_state, metrics) = map_loss(loss, params, joined(shared, carry), batch, key)
            cost, metrics = jax.tree.map(lambda rows: rows.sum(0), (costs, metrics))
            return cost.total, (*parted(model_state), cost, metrics)

        gradients, (new_shared, new_carry, cost, metrics) = jax.grad(total, has_aux=True)(params)
        return new_shared, (gradients, cost, metrics), new_carry

    def step(state: State, batch: Batch) -> tuple[State, Metrics]:
        key = jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step)
        batch = dict(batch)
        asked = {STOP: Mean.of(asked.sum(), 1.0)} if (asked := batch.pop(STOP, None)) is not None else {}
        rows = (batch, state.carry)
        model_state, sums, carry = accumulated(differentiate, accumulate)(state.params, state.model_state, rows, key)
        (gradients, cost, metrics), asked = jax.lax.psum((sums, asked), "data")
        scale, sound = 1 / jnp.where(cost.weight > 0, cost.weight, 1), jnp.isfinite(cost.total)
        gradients = jax.tree.map(lambda g: jnp.where(sound, g * scale.astype(g.dtype), 0), gradients)
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        state = State(state.step + 1, params, model_state, opt_state, state.key, carry=carry)
        return state, Metrics.pack({"loss": cost, **metrics, **asked})

    return step


def accumulated(differentiate: Callable, parts: int) -> Callable:
    """Adds the sums of `differentiate` over `parts` micro-batches. Each takes every parts-th row."""
    if parts == 1:
        return differentiate

    def over_parts(params: Params, shared: ModelState, rows: Rows, key: Key) -> tuple[ModelState, Sums, Any]:
        micro = jax.tree.map(lambda x: x.reshape(x.shape[0] // parts, parts, *x.shape[1:]).swapaxes(0, 1), rows)

        def add(before: tuple[ModelState, Sums], part: Rows) -> tuple[tuple[ModelState, Sums], Any]:
            shared, sums, carry = differentiate(params, before[0], part, key)
            return (shared, jax.tree.map(jnp.add, before[1], sums)), carry

        *first, carry = differentiate(params, shared, jax.tree.map(lambda x: x[0], micro), key)
        others = jax.tree.map(lambda x: x[1:], micro)
        (shared, sums), carries = jax.lax.scan(add, tuple(first), others)
        # Back to the places they were taken from: row j of part i is row j·parts + i.
        stacked = jax.tree.map(lambda x, rest: jnp.concatenate([x[None], rest]).swapaxes(0, 1), carry, carries)
        return shared, sums, jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), stacked)

    return over_parts


def repeated(step: Step, times: int) -> Step:
    """Several steps in one call: batches stacked on a leading axis in, metrics with a leading axis out.

    A loop, but for a few steps with convolutions on a CPU, where XLA runs a convolution inside a loop on a single
    thread: those are written out. More of them would take minutes to compile.
    """

    def many(state: State, batches: Batch) -> tuple[State, Metrics]:
        unroll = 1 < times <= 8 and jax.default_backend() == "cpu" and _convolves(step, state, batches)
        return jax.lax.scan(step, state, batches, length=times, unroll=unroll)

    return many


def _convolves(step: Step, state: State, batches: Batch) -> bool:
    """Whether there is a convolution in a step on the first of these batches."""
    return "conv_general_dilated" in str(jax.make_jaxpr(step)(state, {name: x[0] for name, x in batches.items()}))


def make_evaluation(score: Score) -> Callable[[State, Batch], Metrics]:
    """evaluate(state, batch) -> metrics over the global batch."""

    def evaluate(state: State, batch: Batch) -> Metrics:
        means = jax.vmap(score, (None, None, 0))(state.params, state.model_state, batch)
        return Metrics.pack(jax.lax.psum(jax.tree.map(lambda rows: rows.sum(0), means), "data"))

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
