"""How many parameters a model has, and which."""

import math

import jax

from jaxdl.check.columns import align
from jaxdl.typing import Params, path_name


def count(params: Params) -> int:
    """The number of scalars in all leaves; arrays or the shapes of `jax.eval_shape`."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))


def table(params: Params) -> str:
    """One line per leaf: path, shape, dtype, count, bytes; then the total. Arrays or the shapes of `jax.eval_shape`."""
    rows = [["leaf", "shape", "dtype", "count", "bytes"]]
    total = 0
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        number = math.prod(leaf.shape)
        size = number * leaf.dtype.itemsize
        total += size
        shape = "×".join(map(str, leaf.shape)) or "scalar"
        rows.append([path_name(path), shape, str(leaf.dtype), f"{number:,}", f"{size:,}"])
    rows.append(["total", "", "", f"{count(params):,}", f"{total:,}"])
    return align(rows)
