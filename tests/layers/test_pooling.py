"""Max pooling as a reshape and a maximum."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.layers.pooling import max_pool


@pytest.mark.parametrize(("shape", "size"), [((6, 6, 2), 2), ((3, 9, 9, 1), 3), ((7, 5, 1), 2), ((2, 2, 4, 4, 3), 2)])
def test_it_is_the_library_s_pooling_in_value_and_gradient(shape, size):
    """Rows and columns that do not fill a window are dropped, as with VALID padding."""
    x = jax.random.normal(jax.random.key(0), shape)

    def library(x):
        flat = x.reshape(-1, *x.shape[-3:])
        return nn.max_pool(flat, (size, size), (size, size), "VALID").reshape(max_pool(x, size).shape)

    np.testing.assert_array_equal(max_pool(x, size), library(x))
    weights = jax.random.normal(jax.random.key(1), max_pool(x, size).shape)
    ours, theirs = (jax.grad(lambda x, f=f: (f(x) * weights).sum())(x) for f in (lambda x: max_pool(x, size), library))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_tie_shares_the_gradient():
    gradient = jax.grad(lambda x: max_pool(x).sum())(jnp.zeros((2, 2, 1)))
    np.testing.assert_array_equal(gradient, np.full((2, 2, 1), 0.25))


def test_its_gradient_is_the_numerical_one():
    with jax.enable_x64():
        check_grads(lambda x: max_pool(jnp.asarray(x)), (jax.random.normal(jax.random.key(2), (4, 4, 2)),), order=2)
