"""What the first weights do, on a smaller run."""

import numpy as np
import pytest

from experiments.training.initialization import (
    Config,
    accuracies,
    dead_share,
    deviations,
    figures,
    first_activations,
    symmetry,
    with_diverged,
)
from jaxdl.train.settings import Run


@pytest.fixture(scope="module")
def first():
    return first_activations(Config(seeds=2, inputs=200, activations=("tanh", "relu")))


def test_from_zeros_the_units_of_a_layer_stay_alike_and_the_loss_stays_at_ln_2(tmp_path):
    found = symmetry(Config(activations=("sigmoid", "relu"), balanced_epochs=5), Run(tmp_path, mesh="data=1"))
    for difference, loss in found.values():
        assert difference == 0
        assert loss == pytest.approx(np.log(2), abs=1e-6)


def test_relu_keeps_its_scale_over_five_layers_from_he_alone(first):
    last = {init: deviations(a).mean(0)[-1] for init, a in first["relu"].items()}
    assert 0.5 < last["he"] < 1.5
    assert last["xavier"] == pytest.approx(last["he"] * 2**-2.5, rel=1e-4)
    assert last["small"] < 1e-5
    assert last["large"] > 1e3


def test_tanh_fades_from_small_weights_and_saturates_from_large_ones(first):
    assert deviations(first["tanh"]["small"]).mean(0)[-1] < 1e-4
    assert 0.2 < deviations(first["tanh"]["xavier"]).mean(0)[-1] < 0.5
    assert (np.abs(first["tanh"]["large"][:, -1]) > 0.9).mean() > 0.7


def test_before_training_the_dead_share_does_not_depend_on_the_scale_of_the_weights(first):
    shares = {init: dead_share(a)[:, -1] for init, a in first["relu"].items()}
    for init in ("large", "small", "xavier"):
        np.testing.assert_array_equal(shares[init], shares["he"])
    assert (shares["he"] < 0.1).all()
    assert (shares["zeros"] == 1).all()


def test_on_the_digits_he_trains_zeros_do_not_and_large_weights_diverge(tmp_path):
    config = Config(seeds=1, initializers=("zeros", "large", "he"), activations=("relu",), epochs=6)
    found = accuracies(config, Run(tmp_path, mesh="data=1"))["relu"]
    assert found["he"] > 0.8
    assert found["zeros"] < 0.15
    assert np.isnan(found["large"])


def test_what_diverged_is_counted_and_not_averaged():
    assert with_diverged(np.array([0.5, np.nan, 0.7])) == "0.600 ± 0.141, 1 of 3 diverged"
    assert with_diverged(np.array([np.nan, np.nan])) == "diverged (2 of 2)"


def test_the_titles_hold_what_was_measured_with_or_without_xavier():
    small = first_activations(Config(seeds=1, inputs=2, units=2, activations=("tanh",), initializers=("xavier", "he")))
    without = {"tanh": {"he": small["tanh"]["he"]}}
    accuracy = {"tanh": {"he": np.array([0.5])}}
    start = "Standard deviation of the activations before training"
    assert list(figures(accuracy, small))[1].startswith(f"{start}; what Xavier's weights bring to layer 5: tanh 0.")
    assert list(figures(accuracy, without))[1] == start
