"""What training knows at the end of a step, as arrays only: exactly what a checkpoint holds."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PyTree, UInt32

from jaxdl.task import parted
from jaxdl.typing import Key, ModelState, Params, path_name


class Best(NamedTuple):
    """The best evaluation so far, where training may stop early: its value and step, and the weights it was of.

    `waited` counts the evaluations since.
    """

    value: Float[Array, ""]
    step: Int[Array, ""]
    waited: Int[Array, ""]
    params: Params
    model_state: ModelState


class State(NamedTuple):
    """`key` never changes: the key of step n is fold_in(key, n).

    It is held as the integers it is made of, because a typed key takes a detour through Python in every call. `best` is
    None, and no leaf, unless the task stops early; `carry` unless each row of the batch hands something to the same row
    of the next (see `task.CARRY`): then its leaves have a leading axis of the global batch's rows.
    """

    step: Int[Array, ""]
    params: Params
    model_state: ModelState
    opt_state: optax.OptState
    key: UInt32[Array, " words"]
    best: Best | None = None
    carry: PyTree | None = None


def create(
    init: Callable[[Key], tuple[Params, ModelState]], optimizer: optax.GradientTransformation, key: Key
) -> State:
    """The state before the first step. Traced by `jit` it is created sharded, by `eval_shape` only its shapes are."""
    k_init, k_train = jax.random.split(key)
    params, model_state = init(k_init)
    shared, carry = parted(model_state)
    key_data = jax.random.key_data(k_train)
    return State(jnp.zeros((), jnp.int32), params, shared, optimizer.init(params), key_data, carry=carry)


def leaves(tree: PyTree) -> dict[str, np.ndarray]:
    """{path: array} on the host, sorted by path. Each process has to call it."""
    flat = jax.tree_util.tree_flatten_with_path(on_host(tree))[0]
    return dict(sorted((path_name(path), np.asarray(leaf)) for path, leaf in flat))


def on_host(tree: PyTree) -> PyTree:
    """The arrays of a tree on the host. Where their parts lie with several processes, each of them has to call this."""
    from jax.experimental import multihost_utils

    def gathered(leaf: Any) -> Any:
        if not isinstance(leaf, jax.Array) or leaf.is_fully_addressable or leaf.is_fully_replicated:
            return leaf
        return multihost_utils.process_allgather(leaf, tiled=True)

    return jax.device_get(jax.tree.map(gathered, tree))


def leaf_digest(leaf: np.ndarray) -> str:
    """Hex SHA-256 of the bytes of one array."""
    return hashlib.sha256(np.ascontiguousarray(leaf).tobytes()).hexdigest()


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """Hex SHA-256 over sorted path, dtype, shape and bytes: equal digests mean bit-equal states."""
    total = hashlib.sha256()
    for path, leaf in sorted(arrays.items()):
        total.update(f"{path} {leaf.dtype} {leaf.shape} {leaf_digest(leaf)}\n".encode())
    return total.hexdigest()
