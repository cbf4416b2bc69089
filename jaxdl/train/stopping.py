"""Early stopping: the best weights so far, kept beside the state and saved with it, so that a resumed run stops alike.

The step itself never sees them.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from jaxdl.errors import InputError
from jaxdl.task import EarlyStopping, Task
from jaxdl.train.state import Best, State


def check(task: Task) -> None:
    """InputError where the metric is of a set that is not scored during training."""
    if task.stopping is None:
        return
    name = task.stopping.metric.split("/")[0]
    if name not in task.watch or name not in task.evaluate or task.score is None:
        watched = ", ".join(set(task.watch) & set(task.evaluate)) if task.score else ""
        raise InputError(
            f"early stopping on {task.stopping.metric}: the sets scored during training are {watched or 'none'}"
        )


def nothing_yet(state: State) -> Best:
    """Before the first evaluation."""
    zero = jnp.zeros((), jnp.int32)
    return Best(jnp.full((), jnp.nan, jnp.float32), zero, zero, *_copied(state))


def judged(stopping: EarlyStopping, best: Best, state: State, scores: Mapping[str, Mapping[str, float]]) -> Best:
    """The best so far after an evaluation of this state. A value that is not finite is never the better one."""
    name, metric = stopping.metric.split("/", 1)
    if metric not in scores[name]:
        raise InputError(f"early stopping on {stopping.metric}: the metrics of {name} are {', '.join(scores[name])}")
    # In float32 like what a checkpoint holds: else a resumed run would compare with a rounded value.
    value, before = np.float32(scores[name][metric]), np.float32(best.value)
    gain = before - value if stopping.goal == "min" else value - before
    if np.isfinite(value) and (np.isnan(before) or gain > stopping.margin):
        found = jax.device_put(value, best.value.sharding)
        return Best(found, jnp.copy(state.step), jnp.zeros_like(best.waited), *_copied(state))
    return best._replace(waited=best.waited + 1)


def is_over(stopping: EarlyStopping | None, best: Best | None) -> bool:
    """Whether patience has run out."""
    return stopping is not None and best is not None and int(best.waited) >= stopping.patience


def with_best_weights(state: State) -> State:
    """The state with the weights that were evaluated best, where there are any."""
    if state.best is None or np.isnan(state.best.value):
        return state
    return state._replace(params=state.best.params, model_state=state.best.model_state)


def _copied(state: State) -> tuple:
    """Its weights in memory of their own: the step takes back what it is given."""
    return jax.tree.map(jnp.copy, (state.params, state.model_state))
