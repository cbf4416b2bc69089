"""What every architecture's tests ask: its count, the shapes of its layers, and its gradient in training."""

import jax
import jax.numpy as jnp
import pytest

from jaxdl.check.gradients import check_gradients
from jaxdl.check.parameters import count
from jaxdl.typing import path_name


@pytest.fixture
def parameters():
    """(model, shape of an image) -> the number of trainable parameters; nothing is allocated."""

    def parameters(model, shape):
        return count(jax.eval_shape(model.init, jax.random.key(0), jnp.zeros(shape))["params"])

    return parameters


@pytest.fixture
def layers():
    """(model, shape of an image) -> {name of a layer: shape of its output}; nothing is computed."""

    def layers(model, shape):
        def run():
            image = jnp.zeros(shape)
            variables = model.init(jax.random.key(0), image)
            _, state = model.apply(variables, image, capture_intermediates=True, mutable=["intermediates"])
            return state["intermediates"]

        leaves = jax.tree_util.tree_leaves_with_path(jax.eval_shape(run))
        return {path_name(path).replace("/__call__/0", ""): leaf.shape for path, leaf in leaves}

    return layers


@pytest.fixture
def logits():
    """(model, [shape of an image, …]) -> [(logits of a batch of one, logits of its example alone), …], as evaluated.

    All from the same variables, made for the first shape.
    """

    def logits(model, shapes):
        variables = jax.jit(model.init)(jax.random.key(0), jnp.zeros(shapes[0]))
        variables["params"] = jax.tree.map(lambda leaf: leaf + 0.05, variables["params"])
        apply = jax.jit(model.apply)
        images = [jax.random.normal(jax.random.key(1), shape) for shape in shapes]
        return [(apply(variables, image[None]), apply(variables, image)) for image in images]

    return logits


@pytest.fixture
def gradient_check():
    """(model, shape of an image) -> the report on the gradient of a sum of its outputs in training, over 3 images.

    Batch norm takes the moments of the three, dropout draws a mask for each; one coordinate of each leaf is checked.
    """

    def gradient_check(model, shape, method=None):
        images, keys = jax.random.normal(jax.random.key(1), (3, *shape)), jax.random.split(jax.random.key(2), 3)
        variables = dict(jax.jit(model.init)(jax.random.key(0), images[0]))
        params = jax.tree.map(lambda leaf: leaf + 0.05, variables.pop("params"))  # no bias at a kink

        def cost(params):
            def one(image, key):
                rngs, image = {"dropout": key}, image.astype(jnp.float64)
                y, _ = model.apply(
                    {"params": params, **variables}, image, 1.0, True, rngs=rngs, mutable=list(variables), method=method
                )
                return sum((leaf * jnp.cos(jnp.arange(leaf.size))).sum() for leaf in jax.tree.leaves(y))

            over_batch = jax.vmap(one, axis_name="batch")
            return jax.vmap(over_batch, axis_name="data")(images[None], keys[None]).sum()

        return check_gradients(cost, params, sample=1)

    return gradient_check
