"""The softmax experiment: what it prints is what the notes work out, and where the naive form fails."""

import numpy as np

from experiments.foundations.softmax import Config, main, measure, right


def test_the_worked_numbers_are_told():
    told, figures = main(Config(), None)
    assert "[0, 0.6, 0.8] and [0.1374, 0.8242, 0.5494]" in told[0]
    assert told[1] == "softmax [5, 2, -1, 3] = [0.842, 0.042, 0.002, 0.114], hardmax [1, 0, 0, 0]"
    assert told[2] == "softmax [7, 5, 0, 0, 0] = [0.87868, 0.118916, 0.000801, 0.000801, 0.000801]"
    assert len(figures) == 2


def test_only_the_stable_form_survives_numbers_added_to_every_logit():
    """In float32 exp overflows at 88.7, here for the logit 5; below −87.3 its results lose digits or are 0."""
    measured = measure(Config())
    low, high = right(measured)
    assert -100 <= low <= -80
    assert 82 <= high <= 83
    assert np.isnan(measured.naive[[0, -1]]).any(-1).all()
    truth = np.exp([0.0, -3, -6, -2]) / np.exp([0.0, -3, -6, -2]).sum()
    np.testing.assert_allclose(measured.stable, np.tile(truth, (241, 1)), rtol=1e-5)
    np.testing.assert_allclose(measured.far, np.tile(truth, (2, 1)), rtol=1e-5)


def test_temperature_only_ever_takes_from_the_largest():
    measured = measure(Config())
    assert (np.diff(measured.tempered[:, 0]) <= 1e-6).all()
    assert measured.tempered[0, 0] > 0.999
    np.testing.assert_allclose(measured.tempered[-1], 0.25, atol=0.01)
