import numpy as np
import pytest

from experiments.training.input_normalization import Config, cost, findings, measure
from jaxdl.errors import InputError

SMALL = Config(target=0.25, most_steps=30_000, seeds=2)


@pytest.fixture(scope="module")
def found():
    return measure(SMALL)


def test_normalised_features_take_a_hundredth_of_the_steps(found):
    assert (found["normalised"]["steps"] < 20).all()
    assert (found["raw"]["steps"] > 100 * found["normalised"]["steps"]).all()
    assert (found["raw"]["condition"] > 1e4 * found["normalised"]["condition"]).all()


def test_the_cost_falls_at_every_step_at_the_rate_one_over_the_curvature(found):
    for of in found.values():
        np.testing.assert_allclose(of["curve"][:, 0], np.log(2), rtol=1e-5)
        assert (np.diff(of["curve"]) <= 1e-5).all()
        assert (of["curve"][:, -1] < SMALL.target).all()


def test_test_rows_are_centred_by_the_training_rows(found):
    assert (found["normalised"]["off-centre"] > 0.03).all()  # its own mean would give 0
    assert (found["normalised"]["off-centre"] < 1).all()


def test_the_cost_is_the_mean_cross_entropy_of_the_sigmoid():
    x, y = np.array([[1.0, 2.0], [1.0, -1.0]], np.float32), np.array([True, False])
    weights = np.array([0.5, 1.0], np.float32)
    probability = 1 / (1 + np.exp(-(x @ weights)))
    expected = -(np.log(probability[0]) + np.log(1 - probability[1])) / 2
    np.testing.assert_allclose(cost(weights, x, y), expected, rtol=1e-6)


def test_a_division_that_does_not_get_there_is_told(found):
    short = measure(Config(target=0.25, most_steps=50, seeds=2))
    assert "in 0 of 2 divisions within 50 steps" in findings(Config(target=0.25, most_steps=50, seeds=2), short)[0]
    assert "divisions within" not in findings(SMALL, found)[0]


def test_a_table_without_classes_is_refused():
    with pytest.raises(InputError, match="needs a table with classes"):
        measure(Config(dataset="diabetes"))
