"""Inverted dropout (Srivastava et al., 2014)."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.typing import Key


def dropout(key: Key, x: Float[Array, "*shape"], keep: float) -> Float[Array, "*shape"]:
    """y = d ⊙ x / keep, each d being 1 with probability keep and else 0, so that E[y] = x.

    InputError for keep outside (0, 1].
    """
    check_keep(keep)
    return jnp.where(jax.random.bernoulli(key, keep, x.shape), x / keep, 0.0)


class Dropout(nn.Module):
    """`dropout` in training, with a key of its own from the collection "dropout"; nothing in evaluation.

    InputError for keep outside (0, 1].
    """

    keep: float

    def __post_init__(self) -> None:
        check_keep(self.keep)
        super().__post_init__()

    def __call__(self, x: Float[Array, "*shape"], train: bool) -> Float[Array, "*shape"]:
        if not train or self.keep == 1:
            return x
        return dropout(self.make_rng("dropout"), x, self.keep)


def check_keep(keep: float) -> None:
    """InputError for a keep probability outside (0, 1]."""
    if not 0 < keep <= 1:
        raise InputError(f"keep = {keep}: expected a probability above 0 and at most 1; 1 keeps every unit")
