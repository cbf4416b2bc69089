"""Batch normalisation over named axes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.layers.normalization import BatchNorm, batch_moments, normalize


def over(function, *args, devices=1):
    """The function of one example, mapped over "batch", and the batch over "data"."""
    split = [x.reshape(devices, -1, *x.shape[1:]) for x in args]
    mapped = jax.vmap(jax.vmap(function, axis_name="batch"), axis_name="data")(*split)
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), mapped)


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_moments_are_numpy_s_over_the_real_examples_however_they_are_spread(devices):
    random = np.random.default_rng(0)
    x, mask = random.normal(2, 3, size=(8, 5, 5, 3)), np.array([1, 1, 0, 1, 0, 0, 0, 1.0])
    with jax.enable_x64():
        mean, variance = over(batch_moments, jnp.asarray(x), jnp.asarray(mask), devices=devices)
    real = x[mask == 1]
    np.testing.assert_allclose(mean, np.tile(real.mean((0, 1, 2)), (8, 1)), rtol=1e-12)
    np.testing.assert_allclose(variance, np.tile(real.var((0, 1, 2)), (8, 1)), rtol=1e-12)


def test_gamma_sqrt_variance_and_beta_mean_is_the_identity():
    x = jax.random.normal(jax.random.key(0), (4, 4, 3))
    mean, variance = jnp.array([1.0, -2.0, 0.5]), jnp.array([4.0, 0.1, 9.0])
    np.testing.assert_allclose(normalize(x, mean, variance, jnp.sqrt(variance + 1e-5), mean), x, atol=1e-5)


def apply(x, mask, train, variables=None):
    layer = BatchNorm()
    variables = variables or layer.init(jax.random.key(0), x[0], mask[0], False)
    return over(lambda x, mask: layer.apply(variables, x, mask, train, mutable=["batch_stats"]), x, mask)


def test_in_training_the_output_is_standardised_and_the_running_moments_move_by_a_tenth():
    x = jax.random.normal(jax.random.key(0), (16, 4, 4, 2)) * 3 + 5
    y, new = apply(x, jnp.ones(16), True)
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std((0, 1, 2)), 1, atol=1e-4)
    np.testing.assert_allclose(new["batch_stats"]["mean"][0], 0.1 * x.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(new["batch_stats"]["variance"][0], 0.9 + 0.1 * x.var((0, 1, 2)), rtol=1e-5)


def test_in_evaluation_an_example_is_judged_alone_by_the_running_moments():
    x = jax.random.normal(jax.random.key(0), (4, 3))
    variables = {
        "params": {"scale": jnp.array([1.0, 2.0, 3.0]), "bias": jnp.array([0.0, 1.0, 0.0])},
        "batch_stats": {"mean": jnp.array([1.0, 0.0, -1.0]), "variance": jnp.array([4.0, 1.0, 0.25])},
    }
    y, _ = apply(x, jnp.ones(4), False, variables)
    expected = np.array([1, 2, 3]) * (x - np.array([1, 0, -1])) / np.sqrt(np.array([4, 1, 0.25]) + 1e-5) + np.array(
        [0, 1, 0]
    )
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    np.testing.assert_array_equal(BatchNorm().apply(variables, x[0], jnp.float32(1), False), y[0])


def test_its_gradient_runs_through_the_moments():
    with jax.enable_x64():
        x = jax.random.normal(jax.random.key(0), (4, 3))

        def output(x):
            def one(x, mask):
                return normalize(x, *batch_moments(x, mask), jnp.ones(3), jnp.zeros(3))

            return over(one, jnp.asarray(x), jnp.array([1.0, 1.0, 0.0, 1.0]))

        check_grads(output, (x,), order=2)


def test_bfloat16_is_normalised_in_float32_and_given_back_in_bfloat16():
    x = (jnp.arange(512, dtype=jnp.float32).reshape(512, 1) / 512 + 100).astype(jnp.bfloat16)
    y, new = apply(x, jnp.ones(512), True)
    assert y.dtype == jnp.bfloat16
    assert new["batch_stats"]["mean"].dtype == jnp.float32
