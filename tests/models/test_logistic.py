"""Softmax regression."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxdl.models.logistic import SoftmaxRegression


def test_it_starts_at_knowing_nothing_and_is_affine_in_its_input():
    model = SoftmaxRegression(3, event_axes=2)
    x = jax.random.normal(jax.random.key(0), (5, 4, 2))
    variables = model.init(jax.random.key(0), x)
    np.testing.assert_array_equal(model.apply(variables, x), np.zeros((5, 3)))
    variables = jax.tree.map(lambda leaf: jnp.arange(leaf.size, dtype=jnp.float32).reshape(leaf.shape), variables)

    def f(x):
        return model.apply(variables, x)

    np.testing.assert_allclose(f(x[0] + x[1]) - f(x[1]), f(x[0]) - f(jnp.zeros((4, 2))), atol=1e-3)
    np.testing.assert_allclose(f(x)[2], f(x[2]), atol=1e-4)
