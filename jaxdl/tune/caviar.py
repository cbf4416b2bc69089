"""Caviar: many models trained as one program, side by side on a leading axis of every array.

For what is small the time of a step is mostly the host's and the caches', and that is paid once for all. For what is
large there is nothing to gain on a CPU (docs/performance.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import PartitionSpec as P

from jaxdl.errors import InputError
from jaxdl.task import CARRY, Task
from jaxdl.typing import Array, Example, Key, Mean, ModelState, Params, path_name

Values = Mapping[str, Any]
"""{name: number} of one trial; traced where the task is built for many."""


# A cost beyond it counts as diverged. Far below the largest float, as the costs of trials and examples are added.
LARGEST = 1e30


class Stacked(NamedTuple):
    """The optimiser state of all trials, and which of them have not diverged."""

    inner: optax.OptState
    alive: Array


def caviar(build: Callable[[Values], Task], trials: Mapping[str, Sequence[float] | np.ndarray]) -> Task:
    """The task of training all trials at once, each with the numbers that it would get alone.

    build   values -> Task. It is called with traced numbers, so they may stand wherever arrays may: in the optimiser
            (`optim.chain.Varied`), in the loss, in the initial weights; not in shapes. Steps, batches and evaluations
            are those of the first trial and must not depend on the values
    trials  {name: a value for each trial}

    The loss of an example is the sum of the trials' own. A trial whose loss or gradient is not finite keeps its last
    weights from then on, is no longer `alive`, and disturbs no other. The score has each metric once a trial:
    `accuracy/17`. All begin from the same key, as each would alone; a value that seeds them is folded in by `build`.
    `--mesh data=1,tensor=-1` spreads the trials over the devices, if their number divides that of the trials.
    InputError for no trials, and for columns of different lengths.
    """
    lengths = {name: len(values) for name, values in trials.items()}
    if not lengths or len(set(lengths.values())) > 1 or min(lengths.values()) == 0:
        raise InputError(
            f"trials with {lengths or 'no'} values: expected as many of each hyperparameter, and one or more"
        )
    for name, values in trials.items():
        if np.asarray(values).dtype.kind not in "biuf":
            raise InputError(f"{name} = {values[0]}: expected numbers; what is none is of another program")
    columns = {name: np.asarray(values, np.float32) for name, values in trials.items()}
    count = next(iter(lengths.values()))
    first = build({name: values[0] for name, values in columns.items()})

    def each(function: Callable[..., Any], *stacked: Any) -> Any:
        """function(task, *arrays) of every trial."""
        return jax.vmap(lambda values, *rest: function(build(values), *rest))(columns, *stacked)

    def init(key: Key) -> tuple[Params, ModelState]:
        params, model_state = each(lambda task: task.init(key))
        if CARRY in model_state:
            raise InputError("trials of a task whose rows carry a state to the next batch: train them one by one")
        return params, model_state

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, Any]:
        costs, (states, metrics) = each(
            lambda task, params, model_state: task.loss(params, model_state, example, key), params, model_state
        )
        sound = jnp.abs(costs.total) < LARGEST
        total = _sound_or_lost(costs.total).sum()
        means = {name: _mean_of(found, sound) for name, found in metrics.items()}
        return Mean(total, costs.weight[0]), (states, means)

    def score(params: Params, model_state: ModelState, example: Example) -> dict[str, Mean]:
        assert first.score is not None
        found = each(lambda task, params, model_state: task.score(params, model_state, example), params, model_state)
        return {
            f"{name}/{trial}": Mean(mean.total[trial], mean.weight[trial])
            for name, mean in found.items()
            for trial in range(count)
        }

    return replace(
        first, init=init, loss=loss, optimizer=_side_by_side(each, count),
        score=score if first.score else None, stopping=None, figures=None, sharding=_by_trial(init),
    )  # fmt: skip


def _by_trial(init: Callable[[Key], tuple[Params, ModelState]]) -> dict[str, P]:
    """The table that spreads the trials, first axis of every array, over `tensor`, whose devices see the same rows."""
    leaves = jax.tree_util.tree_leaves_with_path(jax.eval_shape(init, jax.random.key(0)))
    ranks = {path_name(path[1:]): leaf.ndim for path, leaf in leaves}  # without the place in the pair
    longest_first = sorted(ranks, key=len, reverse=True)  # as `a/kernel` also ends like a `kernel`
    return {f"*/{path}": P("tensor", *[None] * (ranks[path] - 1)) for path in longest_first}


def _side_by_side(each: Callable[..., Any], count: int) -> optax.GradientTransformation:
    """Every trial's own optimiser, for each as long as its gradients are finite."""

    def init(params: Params) -> Stacked:
        return Stacked(each(lambda task, params: task.optimizer.init(params), params), jnp.ones(count, bool))

    def update(gradients: Params, state: optax.OptState, params: Params | None = None) -> tuple[Params, Stacked]:
        alive = state.alive & _finite(gradients)
        safe = _where(alive, gradients, jax.tree.map(jnp.zeros_like, gradients))
        updates, inner = each(lambda task, *rest: task.optimizer.update(*rest), safe, state.inner, params)
        alive = alive & _finite(optax.apply_updates(params, updates))
        still = jax.tree.map(jnp.zeros_like, updates)
        return _where(alive, updates, still), Stacked(_where(alive, inner, state.inner), alive)

    return optax.GradientTransformation(init, update)


@jax.custom_vjp
def _sound_or_lost(costs: Array) -> Array:
    """The costs, 0 where they have diverged; the gradient is NaN there, so that the optimiser learns of it."""
    return jnp.where(jnp.abs(costs) < LARGEST, costs, 0.0)


def _forward(costs: Array) -> tuple[Array, Array]:
    return _sound_or_lost(costs), jnp.abs(costs) < LARGEST


def _backward(sound: Array, cotangents: Array) -> tuple[Array]:
    return (jnp.where(sound, cotangents, jnp.nan),)


_sound_or_lost.defvjp(_forward, _backward)


def _finite(tree: Any) -> Array:
    """Which of the trials has only finite numbers."""
    found = [jnp.isfinite(leaf).all(tuple(range(1, leaf.ndim))) for leaf in jax.tree.leaves(tree)]
    return jnp.stack(found).all(0)


def _where(alive: Array, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(alive.reshape(-1, *[1] * (a.ndim - 1)), a, b), new, old)


def _mean_of(means: Mean, sound: Array) -> Mean:
    """The mean over the trials that have one."""
    total, weight = jnp.where(sound, means.total, 0.0).sum(), jnp.where(sound, means.weight, 0.0).sum()
    return Mean(total / len(sound), weight / len(sound))


def per_trial(metrics: Mapping[str, float], metric: str, alive: np.ndarray) -> np.ndarray:
    """`dev/accuracy` of each trial, from the metrics of a result; NaN for one that diverged."""
    found = np.array([metrics[f"{metric}/{trial}"] for trial in range(len(alive))])
    return np.where(alive, found, np.nan)
