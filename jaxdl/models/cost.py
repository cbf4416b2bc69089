"""What one example costs a model: the multiplications of its convolutions, matrix products and attention."""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxdl.layers.attention import MultiHeadAttention
from jaxdl.layers.convolution import Conv
from jaxdl.models.lenet import SparseConv
from jaxdl.models.unet import UpConv


def multiplications(model: nn.Module, shape: tuple[int, ...]) -> int:
    """Σ over the layers with a kernel of (values out) × (products in each), for one example of this shape.

    A value of a convolution is the sum of f·f·(c_in / groups) products, one of a dense layer of n_in, and so are the
    queries, keys and values of attention; a score is one of (width / heads) products, a mixed value one of as many as
    there are keys. Counted from the definition, however the layer is computed: Conv, Dense, SparseConv, UpConv and
    MultiHeadAttention. Recurrent cells are not; biases, norms and activations are left out, as in the literature.
    """
    total = 0

    def counted(layer, args, kwargs, context):
        nonlocal total
        y = layer(*args, **kwargs)
        total += _own(context.module, context.method_name, y)
        return y

    with nn.intercept_methods(counted):
        jax.eval_shape(lambda key: model.init(key, jnp.zeros(shape)), jax.random.key(0))
    return total


def _own(layer: nn.Module, method: str, y: Any) -> int:
    """The multiplications of one call that gave y, without those of the layers inside it."""
    if isinstance(layer, MultiHeadAttention):
        if method == "keys_and_values":
            return 2 * y[0].size * layer.width
        if method in ("__call__", "cross"):
            out, weights = y
            projected = 3 if method == "__call__" else 1
            return projected * out.size * layer.width + 2 * weights.size * (layer.width // layer.heads)
    if method != "__call__" or not isinstance(layer, Conv | nn.Dense | SparseConv | UpConv):
        return 0
    kernel = layer.variables["params"]["kernel"].shape
    if isinstance(layer, UpConv):
        return y.size * kernel[-1]
    if isinstance(layer, SparseConv):  # of all outputs together
        return y.size // y.shape[-1] * math.prod(kernel)
    return y.size * math.prod(kernel[:-1])
