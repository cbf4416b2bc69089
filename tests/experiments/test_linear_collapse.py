"""Linear layers collapse to one map, and so are no better than logistic regression; tanh layers are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.foundations import linear_collapse
from experiments.foundations.linear_collapse import Config, difference_from_one_map, measure, models


@pytest.fixture(scope="module")
def measured():
    return measure(Config(hidden=(8, 8), examples=200, steps=300, learning_rate=2e-2, seeds=3))


def test_the_trained_stack_is_the_product_of_its_matrices(measured):
    assert measured.difference < 1e-12


def test_a_tanh_stack_is_no_such_product():
    config = Config(hidden=(8,))
    x = jnp.asarray(linear_collapse.xor(np.random.default_rng(0), 50, 0.2)[0])
    model = models(config)["tanh layers"]
    params = jax.tree.map(lambda leaf: leaf[None], model.init(jax.random.key(0), x)["params"])
    assert difference_from_one_map(model, params, x[None]) > 0.01


@pytest.mark.parametrize(("name", "ceiling"), [("moons", 0.93), ("XOR", 0.8)])
def test_no_stack_of_linear_layers_beats_logistic_regression_by_much_and_tanh_does(measured, name, ceiling):
    """The best straight line through four clouds cuts off one: 3/4."""
    accuracy = {kind: values.mean() for kind, values in measured.accuracy[name].items()}
    assert abs(accuracy["linear layers"] - accuracy["logistic regression"]) < 0.04
    assert measured.accuracy[name]["linear layers"].max() < ceiling
    assert accuracy["tanh layers"] > accuracy["linear layers"] + 0.05
