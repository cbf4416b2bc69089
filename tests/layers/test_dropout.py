"""Inverted dropout: its mean, its spread, where it is nothing, and that the gradient checker can turn it off."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import without_dropout
from jaxdl.errors import InputError
from jaxdl.layers.dropout import Dropout, dropout
from jaxdl.typing import Mean

KEY = jax.random.key(0)


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.8])
def test_a_unit_is_zero_or_divided_by_keep_and_its_expectation_is_kept(keep):
    x = jnp.array([1.0, -2.0, 3.0])
    y = jax.vmap(lambda key: dropout(key, x, keep))(jax.random.split(KEY, 4000))
    kept = np.asarray(y != 0)
    np.testing.assert_allclose(y, np.where(kept, x / keep, 0), rtol=1e-6)
    np.testing.assert_allclose(kept.mean(0), keep, atol=4 * np.sqrt(keep * (1 - keep) / 4000))
    np.testing.assert_allclose(y.mean(0), x, atol=4 * 3 * np.sqrt((1 - keep) / keep / 4000))


def test_units_are_dropped_independently():
    kept = np.asarray(jax.vmap(lambda key: dropout(key, jnp.ones(4), 0.5))(jax.random.split(KEY, 4000))) > 0
    np.testing.assert_allclose(np.corrcoef(kept.T), np.eye(4), atol=4 / np.sqrt(4000))


def test_its_gradient_passes_where_the_unit_was_kept():
    x = jnp.arange(1.0, 9.0)
    gradient = jax.grad(lambda x: dropout(KEY, x, 0.5).sum())(x)
    np.testing.assert_array_equal(gradient, np.where(dropout(KEY, x, 0.5) != 0, 2.0, 0.0))


def test_keeping_all_is_the_identity():
    x = jnp.arange(1.0, 1001.0)
    np.testing.assert_array_equal(dropout(KEY, x, 1.0), x)
    np.testing.assert_array_equal(Dropout(1.0).apply({}, x, True), x)


def test_the_layer_is_the_identity_in_evaluation_and_needs_no_key_there():
    x = jnp.arange(8.0)
    np.testing.assert_array_equal(Dropout(0.5).apply({}, x, False), x)


class Twice(nn.Module):
    """Two dropouts of all units, multiplied by one weight so that there is something to train."""

    @nn.compact
    def __call__(self, x, train: bool):
        weight = self.param("weight", nn.initializers.ones, ())
        return Dropout(0.5)(weight * x, train), Dropout(0.5)(weight * x, train=train)


def test_each_layer_draws_from_the_collection_dropout_a_mask_of_its_own():
    x = jnp.ones(64)
    variables = Twice().init(KEY, x, False)

    def drawn(seed):
        return Twice().apply(variables, x, True, rngs={"dropout": jax.random.key(seed)})

    (one, other), (again, _), (elsewhere, _) = drawn(0), drawn(0), drawn(1)
    np.testing.assert_array_equal(one, again)
    assert 16 < np.sum(one != other) < 48
    assert 16 < np.sum(one != elsewhere) < 48


def test_the_gradient_checker_can_turn_it_off():
    x = jnp.arange(1.0, 9.0)
    params = Twice().init(KEY, x, False)["params"]

    def loss(params, model_state, example, key):
        one, other = Twice().apply({"params": params}, x, True, rngs={"dropout": key})
        return Mean((one + other).sum(), 1.0), (model_state, {})

    assert float(loss(params, {}, {}, KEY)[0].total) != 72
    assert float(without_dropout(loss)(params, {}, {}, KEY)[0].total) == 72


@pytest.mark.parametrize("keep", [0.0, -0.1, 1.1, float("nan")])
def test_a_keep_probability_outside_0_to_1_is_refused_at_once(keep):
    with pytest.raises(InputError, match=r"keep = .*: expected a probability"):
        Dropout(keep)
    with pytest.raises(InputError, match=r"keep = .*: expected a probability"):
        dropout(KEY, jnp.ones(2), keep)
