"""Hidden units on the flower: the finding, on a shrunken run."""

import numpy as np
import pytest

from experiments.foundations.planar_network import Config, findings, measure, points, probability
from jaxdl.train.settings import Run
from jaxdl.train.trials import scores

CONFIG = Config(hidden=(1, 4), epochs=800, seeds=2)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return measure(CONFIG, Run(tmp_path_factory.mktemp("run"), mesh="data=1"))


def test_a_line_does_no_better_than_chance_one_unit_a_little_and_four_units_well(results):
    line, one, four = scores(results, "test/accuracy").values()
    assert (np.abs(line - 0.5) < 0.1).all()
    assert (one < 0.8).all()
    assert (four >= 0.88).all()
    assert findings(CONFIG, results)[-1] == "At least 0.88 on each of 2 seeds: 4 tanh"


def test_the_boundary_drawn_is_the_trained_network_s(results):
    """Its side of one half is right on as many test points as the score says."""
    test = points(CONFIG, 0).test
    test = test[np.arange(len(test))]
    for name, found in results.items():
        predicted = probability(CONFIG, name, found[0])(test["x"]) > 0.5
        assert (predicted == test["label"]).mean() == pytest.approx(found[0].metrics["test/accuracy"])
