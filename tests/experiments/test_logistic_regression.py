"""Logistic regression: what the learning rate decides, on a shrunken run."""

import numpy as np
import pytest

from experiments.foundations.logistic_regression import Config, build, findings, measure, rises
from jaxdl.errors import InputError
from jaxdl.train.settings import Run

CONFIG = Config(learning_rates=(0.001, 0.1, 100.0), epochs=100, seeds=2)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return measure(CONFIG, Run(tmp_path_factory.mktemp("run"), mesh="data=1"))


def test_the_first_cost_is_ln_2_whatever_the_learning_rate(measured):
    costs, _ = measured
    assert {of_rate.shape for of_rate in costs.values()} == {(2, 100)}
    np.testing.assert_allclose([of_rate[:, 0] for of_rate in costs.values()], np.log(2), rtol=1e-6)


def test_a_small_rate_is_slow_a_middling_one_falls_all_the_way_and_a_large_one_goes_up_and_down(measured):
    costs, _ = measured
    slow, steady, wild = costs.values()
    assert not rises(slow).any()
    assert not rises(steady).any()
    assert (slow[:, -1] > 4 * steady[:, -1]).all()
    assert (rises(wild) > 0).all()
    assert (wild.max(-1) > 2).all()


def test_nine_in_ten_unseen_tumours_are_told_apart(measured):
    _, accuracies = measured
    assert accuracies["0.1"].min() > 0.93


def test_every_learning_rate_has_its_sentence(measured):
    told = findings(CONFIG, *measured)
    assert told[0].startswith("Zero weights cost 0.6931")
    assert [sentence.split(":")[0] for sentence in told[1:]] == ["α = 0.001", "α = 0.1", "α = 100"]


def test_a_table_of_three_classes_is_refused_for_it_has_no_binary_cross_entropy():
    with pytest.raises(InputError, match="--dataset wine has 3 classes: expected 2"):
        build(Config(dataset="wine"), 0.1, 0)
