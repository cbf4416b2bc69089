"""What a trained model says of many examples."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jaxdl.task import Task
from jaxdl.train.state import State
from jaxdl.typing import ArrayLike


def predictions(task: Task, state: State, examples: Mapping[str, ArrayLike], at_once: int = 256) -> Any:
    """`task.predict` of each of the examples, fields [N, ...]: NumPy arrays [N, ...], such as logits.

    at_once  how many are computed side by side, which bounds the memory
    """

    def says(example: dict[str, Any]) -> Any:
        return task.predict(state.params, state.model_state, example)

    of_all = jax.jit(lambda rows: jax.lax.map(says, rows, batch_size=at_once))
    return jax.tree.map(np.asarray, of_all(dict(examples)))
