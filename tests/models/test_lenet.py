"""LeNet-5 as published, in its modern form."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxdl.models.lenet import LeNet5

IMAGE = jnp.zeros((32, 32, 1))


def test_a_32_by_32_grey_image_needs_61_706_parameters():
    params = jax.eval_shape(LeNet5().init, jax.random.key(0), IMAGE)["params"]
    counts = {name: sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(layer)) for name, layer in params.items()}
    assert counts == {"conv1": 156, "conv2": 2_416, "dense1": 48_120, "dense2": 10_164, "output": 850}
    assert sum(counts.values()) == 61_706


def test_one_example_and_a_batch_of_any_shape_give_the_same_logits():
    model = LeNet5()
    variables = model.init(jax.random.key(0), IMAGE)
    images = jax.random.normal(jax.random.key(1), (2, 3, 32, 32, 1))
    batch = model.apply(variables, images)
    assert batch.shape == (2, 3, 10)
    np.testing.assert_allclose(model.apply(variables, images[1, 2]), batch[1, 2], atol=1e-5)
