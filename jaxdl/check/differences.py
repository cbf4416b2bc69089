"""Finite differences in float64: what a function's values say about its gradient."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float64, Int

from jaxdl.errors import InputError
from jaxdl.typing import Array, Params, path_name


class Leaf(NamedTuple):
    """Where a parameter lies in the flat vector: coordinates start … start + size − 1."""

    path: str
    shape: tuple[int, ...]
    size: int
    start: int


class Flat(NamedTuple):
    """Parameters as one float64 vector θ; `rebuild` puts θ back, beside the leaves that are no real numbers."""

    theta: jax.Array
    rebuild: Callable[[jax.Array], Any]
    leaves: tuple[Leaf, ...]


def is_real(leaf: Any) -> bool:
    """Whether a leaf has a derivative: integers, booleans and typed keys have none."""
    return jnp.issubdtype(jnp.result_type(leaf), jnp.floating)


def to_float64(tree: Any) -> Any:
    """The tree as JAX arrays, the real ones in float64, others in the type they have. For use in `jax.enable_x64()`."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64 if is_real(leaf) else None), tree)


def flatten(params: Params) -> Flat:
    """All real leaves, raveled and joined, for use in `jax.enable_x64()`. InputError where there are none."""
    paths, structure = jax.tree_util.tree_flatten_with_path(to_float64(params))
    values = [value for _, value in paths]
    real = [place for place, value in enumerate(values) if is_real(value) and np.size(value)]
    if not real:
        raise InputError("nothing to check: the parameters hold no floating-point array")
    sizes = [values[place].size for place in real]
    starts = np.cumsum([0, *sizes])
    leaves = tuple(
        Leaf(path_name(paths[place][0]), values[place].shape, size, int(start))
        for place, size, start in zip(real, sizes, starts, strict=False)
    )

    def rebuild(theta):
        filled = list(values)
        for place, leaf in zip(real, leaves, strict=True):
            filled[place] = theta[leaf.start : leaf.start + leaf.size].reshape(leaf.shape)
        return jax.tree.unflatten(structure, filled)

    return Flat(jnp.concatenate([values[place].ravel() for place in real]), rebuild, leaves)


@dataclass(frozen=True)
class Differences:
    """f(θ − εeᵢ), f(θ) and f(θ + εeᵢ) along n coordinates i, for E values of f at once."""

    epsilon: float
    minus: Float64[np.ndarray, "n E"]
    centre: Float64[np.ndarray, " E"]
    plus: Float64[np.ndarray, "n E"]

    @property
    def forward(self) -> Float64[np.ndarray, "n E"]:
        """(f(θ + εeᵢ) − f(θ)) / ε: off by ε·f″/2."""
        return (self.plus - self.centre) / self.epsilon

    @property
    def backward(self) -> Float64[np.ndarray, "n E"]:
        """(f(θ) − f(θ − εeᵢ)) / ε."""
        return (self.centre - self.minus) / self.epsilon

    @property
    def central(self) -> Float64[np.ndarray, "n E"]:
        """(f(θ + εeᵢ) − f(θ − εeᵢ)) / 2ε: off by ε²·f‴/6."""
        return (self.plus - self.minus) / (2 * self.epsilon)

    @property
    def bend(self) -> Float64[np.ndarray, "n E"]:
        """|f(θ + εeᵢ) − 2f(θ) + f(θ − εeᵢ)| / 2ε: how far either one-sided difference is from the central one.

        ε·|f″|/2 where f is smooth, the jump of the slope where a kink (ReLU, max) lies within ε.
        """
        return np.abs(self.plus - 2 * self.centre + self.minus) / (2 * self.epsilon)

    @property
    def rounding(self) -> Float64[np.ndarray, " E"]:
        """The error of a central difference that float64 alone explains, five ulps of f(θ) over ε.

        What lies beside θ has no say: one value at a pole would excuse any error along all other coordinates.
        """
        return 5 * np.finfo(np.float64).eps * np.abs(self.centre) / self.epsilon


def differences(
    f: Callable[[Float64[Array, " P"]], jax.Array],
    theta: Float64[Array, " P"],
    coordinates: Int[np.ndarray, " n"],
    epsilon: float,
    chunk: int = 4,
) -> Differences:
    """The values of f: θ -> [E] around θ, under `jax.enable_x64()`.

    `chunk` coordinates are mapped at once, the chunks one after the other. More is slower on CPUs, where every copy of
    the parameters must come from memory (0.27 ms a coordinate for LeNet-5 at 4, 0.36 at 1, 0.7 at 64).
    """
    places = np.concatenate([coordinates, coordinates, [0]])
    shifts = np.concatenate([np.repeat([epsilon, -epsilon], len(coordinates)), [0.0]])
    padding = (0, -len(places) % chunk)  # else the last, shorter chunk would be compiled on its own

    @jax.jit
    def run(theta, places, shifts):
        return jax.lax.map(lambda at: f(theta.at[at[0]].add(at[1])), (places, shifts), batch_size=chunk)

    values = np.asarray(run(theta, np.pad(places, padding), np.pad(shifts, padding)), np.float64)
    n = len(coordinates)
    return Differences(epsilon, minus=values[n : 2 * n], centre=values[2 * n], plus=values[:n])


def numerical_gradient(f: Callable[[Params], jax.Array], params: Params, epsilon: float = 1e-5) -> Params:
    """∂f/∂θᵢ ≈ (f(θ + εeᵢ) − f(θ − εeᵢ)) / 2ε for every parameter, in float64, as NumPy arrays shaped like `params`.

    Leaves that are no real numbers come back as they are.
    """
    with jax.enable_x64():
        theta, rebuild, _ = flatten(params)
        slopes = differences(lambda theta: jnp.ravel(f(rebuild(theta))), theta, np.arange(theta.size), epsilon).central
        return jax.tree.map(
            lambda leaf: np.asarray(leaf) if is_real(leaf) else leaf, rebuild(jnp.asarray(slopes[:, 0]))
        )
