"""Depth at an equal number of parameters: the counts, the question, and the finding on a shrunken run."""

import json
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.foundations.deep_network import (
    Config,
    learning_curve,
    measure,
    networks,
    parameters_of,
    shapes,
    wanted_or_not,
    widths,
)
from jaxdl.check.parameters import count
from jaxdl.data import images
from jaxdl.errors import InputError
from jaxdl.models.mlp import MLP
from jaxdl.train.settings import Run
from jaxdl.train.trials import scores


def test_the_notes_widths_have_66_parameters_as_the_printed_table_says():
    assert parameters_of((2, 3, 5, 4, 2, 1)) == 66
    assert shapes(Config()).startswith("2-3-5-4-2-1: 66 parameters\n")


@pytest.mark.parametrize("layers", [2, 3, 4, 6])
def test_the_hidden_layers_are_as_wide_as_the_parameters_allow(layers):
    sizes = widths(64, layers, 1500)
    assert len(sizes) == layers + 1
    params = jax.eval_shape(MLP(sizes).init, jax.random.key(0), jnp.zeros(64))["params"]
    wider = (64, *(n + 1 for n in sizes[1:-1]), 1)
    assert count(params) <= 1500 < parameters_of(wider)


def test_a_budget_too_small_for_the_depth_is_refused():
    with pytest.raises(InputError, match=r"parameters 60: too few for 2 layers on 64 inputs"):
        widths(64, 2, 60)


def test_class_1_is_the_wanted_digits_and_nothing_else():
    digits = images.load("digits")
    eights = wanted_or_not(digits, (8,))
    np.testing.assert_array_equal(eights.test.fields["label"], digits.test.fields["label"] == 8)
    np.testing.assert_array_equal(eights.test.fields["image"], digits.test.fields["image"])
    for wanted in ((), (10,), (8, 12), tuple(range(10))):
        with pytest.raises(InputError, match=r"wanted .*: expected some of 0 … 9, not all"):
            wanted_or_not(digits, wanted)


def test_a_hidden_layer_helps_and_more_of_them_do_not(tmp_path):
    config = Config(layers=(1, 2, 4), epochs=15, seeds=2)
    one, two, four = scores(measure(config, Run(tmp_path, mesh="data=1")), "test/accuracy").values()
    assert list(networks(config)) == ["1-layer, 64-1", "2-layer, 64-22-1", "4-layer, 64-15-15-15-1"]
    assert (two > one + 0.03).all()
    assert (four > one + 0.03).all()
    assert abs(four.mean() - two.mean()) < 0.02


def test_the_dev_cost_is_drawn_where_it_was_evaluated_however_often_that_was(tmp_path):
    for seed in range(2):
        (tmp_path / str(seed)).mkdir()
        lines = [{"step": step, "set": "dev", "loss": 1.0 / step} for step in (50, 100, 136)]
        (tmp_path / str(seed) / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    results = [types.SimpleNamespace(directory=tmp_path / str(seed)) for seed in range(2)]
    epochs, costs = learning_curve(Config(epochs=8), results)
    np.testing.assert_allclose(epochs, [50 / 17, 100 / 17, 8])
    np.testing.assert_allclose(costs, [[1 / 50, 1 / 100, 1 / 136]] * 2)
