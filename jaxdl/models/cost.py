"""What one example costs a model: the multiplications of its convolutions and matrix products."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxdl.layers.convolution import Conv


def multiplications(model: nn.Module, shape: tuple[int, ...]) -> int:
    """Σ over the layers with a kernel of (values out) × (products in each), for one example of this shape.

    A value of a convolution is the sum of f·f·(c_in / groups) products, one of a dense layer of n_in. Counted from the
    definition, however the layer is computed; biases, norms and activations are left out, as in the literature.
    """
    total = 0

    def counted(layer, args, kwargs, context):
        nonlocal total
        y = layer(*args, **kwargs)
        if isinstance(context.module, Conv | nn.Dense) and context.method_name == "__call__":
            total += y.size * math.prod(context.module.variables["params"]["kernel"].shape[:-1])
        return y

    with nn.intercept_methods(counted):
        jax.eval_shape(lambda key: model.init(key, jnp.zeros(shape)), jax.random.key(0))
    return total
