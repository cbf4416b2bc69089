"""What batch normalisation tolerates, and its noise, on a smaller run."""

import numpy as np
import pytest

from experiments.training import batch_norm
from experiments.training.batch_norm import Config, figures, learning_rates, main, noises, shifts, slope, trains
from jaxdl.data import images
from jaxdl.errors import Diverged, InputError
from jaxdl.train.settings import Run


@pytest.fixture(scope="module")
def data():
    return images.load()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The directory of all these trainings, so that the same one is done once."""
    return Run(tmp_path_factory.mktemp("batch_norm"), mesh="data=1")


SMALL = Config(seeds=1, epochs=3, width=30, shifts=(0.0, 1.0, 4.0), scales=(0.25, 1.0), batch_sizes=(16, 256), draws=40)


def test_the_statistics_of_the_shifted_images_undo_the_shift_and_the_running_ones_do_not(data, place):
    found = shifts(SMALL, place, data)
    [recomputed] = found["shift"]["statistics of the test images"]
    [running] = found["shift"]["running statistics"]
    np.testing.assert_allclose(recomputed, recomputed[0], atol=0.003)
    assert recomputed[0] > 0.8
    assert running[-1] < 0.5 < 0.8 < running[0]
    [scaled] = found["scale"]["statistics of the test images"]
    assert scaled[0] == pytest.approx(scaled[1], abs=0.006)


def test_the_noise_of_a_batch_falls_about_as_one_over_its_size(data, place):
    found = noises(SMALL, place, data)
    assert -1.4 < slope(found) < -0.8


def test_at_a_rate_of_3_only_the_networks_with_batch_norm_train(data, place):
    found = learning_rates(Config(seeds=1, epochs=3, rates=(3.0,), width=30), place, data)
    assert not found["none"] > 0.5  # NaN where it diverged
    assert found["on z"] > 0.7
    assert found["on a"] > 0.7


def test_a_rate_trains_if_every_seed_does():
    accuracy = np.array([[0.95, 0.95, np.nan], [0.92, 0.5, 0.95]])
    assert trains((0.1, 1.0, 10.0), accuracy) == [0.1]


def test_a_variance_of_one_over_the_batch_size_has_the_slope_minus_one():
    assert slope({8: np.array([4.0, 6.0]), 64: np.array([0.625])}) == pytest.approx(-1)


@pytest.mark.parametrize("sizes", [(8, 2048), (8,)])
def test_batches_larger_than_the_set_and_one_size_alone_are_refused_before_any_training(sizes, place):
    with pytest.raises(InputError, match="expected two or more, each of 1025 images at most"):
        main(Config(batch_sizes=sizes), place)


def test_a_rate_at_which_the_shifted_networks_diverge_ends_the_run_as_diverged(data, place, monkeypatch):
    def diverged(task, run):
        raise Diverged("the loss is nan at step 3")

    monkeypatch.setattr(batch_norm, "fit", diverged)
    with pytest.raises(Diverged):
        shifts(SMALL, place, data)
    assert np.isnan(learning_rates(Config(seeds=1, rates=(3.0,)), place, data)["none"]).all()


def test_the_title_lists_the_rates_that_train_and_says_where_none_does():
    config = Config(rates=(0.1, 0.3, 1.0), shifts=(0.0,), scales=(1.0,))
    rates = {"none": np.array([[0.95, 0.5, 0.95]]), "on z": np.array([[0.1, 0.1, np.nan]])}
    shifted = {change: {"running statistics": np.ones((1, 1))} for change in ("shift", "scale")}
    [first, *_] = figures(config, rates, shifted, {8: np.array([2.0]), 16: np.array([1.0])})
    assert first.endswith("reaches 0.9: none 0.1, 1; on z at none")
