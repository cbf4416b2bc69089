"""The words that every room shares: arrays, keys, parameters, batches, the weighted mean and the loss."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Key as _Key
from jaxtyping import PyTree

Array = jax.Array
ArrayLike = jax.Array | np.ndarray | np.generic | float | int
Key = _Key[jax.Array, ""]

if TYPE_CHECKING:
    Params = Any
    ModelState = Any
else:
    Params = PyTree
    ModelState = PyTree

Example = dict[str, Any]
"""One example: named arrays without a batch axis. Always holds `mask` (1 real, 0 padding) and `row`."""

Batch = dict[str, Any]
"""Many examples: the same names, batch axis first. `row` is the example's place in the *global* batch."""


def wide(x: Array) -> Array:
    """In float32, or in what it is where that is wider: for what is summed, and for logarithms."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Mean:
    """A weighted mean that is not divided yet: value = total / weight.

    Sums of `Mean`s over examples, micro-batches, devices and hosts are exact in the sense that matters: every layout
    divides once, by the same weight.
    """

    total: Any
    weight: Any

    @classmethod
    def of(cls, values: ArrayLike, weights: ArrayLike = 1.0) -> "Mean":
        """total = Σ wᵢ vᵢ, weight = Σ wᵢ, with weights broadcast to the shape of values."""
        values = wide(jnp.asarray(values))
        weights = jnp.broadcast_to(jnp.asarray(weights, values.dtype), values.shape)
        return cls((values * weights).sum(), weights.sum())

    def __add__(self, other: "Mean") -> "Mean":
        return Mean(self.total + other.total, self.weight + other.weight)

    @property
    def value(self) -> Any:
        """total / weight, and 0 where nothing was weighed."""
        empty = self.weight == 0
        return jnp.where(empty, 0.0, self.total / jnp.where(empty, 1.0, self.weight))


Loss = Callable[[Params, ModelState, Example, Key], tuple[Mean, tuple[ModelState, dict[str, Mean]]]]
"""loss(params, model_state, example, key) -> (cost, (new model_state, metrics)), of ONE example.

What couples examples (batch norm, in-batch mining) sums or gathers over the named axes "batch" and "data". All
examples of a batch see one model state and make one, but for its collection `carry`, of which each row has its own.
"""

Score = Callable[[Params, ModelState, Example], dict[str, Mean]]
"""score(params, model_state, example) -> metrics of one example, as evaluated: no dropout, no augmentation."""

Predict = Callable[[Params, ModelState, Example], Any]
"""predict(params, model_state, example) -> what the model says of one example, such as a classifier's logits."""


def path_name(path: tuple) -> str:
    """`params/Dense_0/kernel` for the key path of a leaf."""
    return jax.tree_util.keystr(path, simple=True, separator="/")


def is_weight(path: tuple, leaf: Any) -> bool:
    """Whether a leaf is a weight matrix or kernel: what penalties and weight decay act on.

    Biases, the scales of normalisation layers and every other vector are left alone.
    """
    name = path_name(path).rsplit("/", 1)[-1]
    return np.ndim(leaf) > 1 and name not in ("bias", "scale")
