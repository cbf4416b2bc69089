"""Which parameters learn, and how fast, by the names of their paths: freezing and layer-wise learning rates."""

import difflib
import fnmatch
import math
from collections.abc import Iterable, Mapping

import jax
import jax.numpy as jnp
import optax

from jaxdl.errors import InputError
from jaxdl.typing import Array, Params, path_name


def scaled_by_path(factors: Mapping[str, float]) -> optax.GradientTransformation:
    """u ← factor · u for the leaves whose path, such as `conv1/kernel`, matches a pattern; factor 0 freezes them.

    factors   {pattern: factor}; `*` is any text, and of several patterns that match a leaf the first one counts

    It comes last in a chain: then the factor is one of the learning rate, and of decoupled weight decay too. Clipping
    by the global norm before it still sees the gradient of what is frozen, and batch norm's running moments, which are
    no parameters, go on moving. InputError for a factor below 0, and by `init` for a pattern that no path matches.
    Source: Howard and Ruder (2018), section 3.2, "discriminative fine-tuning".
    """
    for pattern, factor in factors.items():
        if not 0 <= factor < math.inf:
            raise InputError(f"factor {factor:g} of {pattern!r}: expected a finite number ≥ 0")

    def init(params: Params) -> optax.EmptyState:
        names = [path_name(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
        for pattern in factors:
            matching(pattern, names)
        return optax.EmptyState()

    def scaled(path: tuple, update: Array) -> Array:
        name = path_name(path)
        factor = next((factor for pattern, factor in factors.items() if fnmatch.fnmatchcase(name, pattern)), 1.0)
        return factor * update if factor else jnp.zeros_like(update)  # also of an update that is not finite

    def update(updates: Params, state: optax.EmptyState, params: Params = None) -> tuple[Params, optax.EmptyState]:
        return jax.tree_util.tree_map_with_path(scaled, updates), state

    return optax.GradientTransformation(init, update)


def matching(pattern: str, names: Iterable[str]) -> set[str]:
    """The names that match the pattern. InputError, with the closest ones, where there are none."""
    names = list(names)
    found = {name for name in names if fnmatch.fnmatchcase(name, pattern)}
    if not found:
        modules = dict.fromkeys(f"{name.rpartition('/')[0]}/*" for name in names if "/" in name)
        close = difflib.get_close_matches(pattern, [*modules, *names], n=3) or [*modules, *names][:10]
        raise InputError(f"no parameter matches {pattern!r}: expected something like {', '.join(close)}")
    return found
