"""How gradients change with depth, and what clipping does, on a smaller run."""

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.training.vanishing_gradients import Config, clipping, ends, gradient_norms, largest_norm, power
from jaxdl.train.settings import Run


@pytest.mark.parametrize("gain", [1.5, 0.5])
def test_a_linear_stack_of_gain_times_identity_is_an_exact_power(gain):
    assert power(gain, 15) == (gain**15, gain**15)


@pytest.fixture(scope="module")
def norms():
    return gradient_norms(Config(seeds=2, layers=8, initializers=("large", "small", "xavier", "he")))


def test_through_tanh_large_weights_explode_small_ones_vanish_and_xavier_s_arrive(norms):
    last, first = ends(norms["tanh"]["large"])
    assert first > 10 * last
    assert max(ends(norms["tanh"]["small"])) < 1e-7
    last, first = ends(norms["tanh"]["xavier"])
    assert 0.3 < first / last < 3


def test_through_relu_all_layers_share_the_scale_and_only_he_s_is_near_one(norms):
    """With W ← c·W forward values grow by cˡ and backward ones by cᴸ⁻ˡ: their product is the same in all layers."""
    for found in norms["relu"].values():
        last, first = ends(found)
        assert 0.1 < first / last < 10
    assert 0.05 < ends(norms["relu"]["he"])[1] < 5
    assert ends(norms["relu"]["large"])[1] > 1e3
    assert ends(norms["relu"]["small"])[1] < 1e-6


def test_through_sigmoid_the_gradient_vanishes_towards_the_input(norms):
    assert norms["sigmoid"]["he"].shape == (2, 9)
    for init in ("small", "xavier", "he"):
        last, first = ends(norms["sigmoid"][init])
        assert first < 1e-3 * last


def test_both_ways_of_clipping_cure_a_training_that_diverges(tmp_path):
    found = clipping(Config(seeds=1, epochs=4), Run(tmp_path, mesh="data=1"))
    assert np.isnan(found["none"]["accuracy"]).all()
    assert len(found["none"]["loss"][0]) < 30
    for name in ("by value", "by norm"):
        assert found[name]["accuracy"] > 0.5
        assert found[name]["gradient"] > 0.1  # there was something to clip
        assert found[name]["loss"][0][-1] < 1.5


def test_the_largest_norm_is_kept_and_the_gradient_let_through():
    keep = largest_norm()
    largest = keep.init(None)
    for scale in (1.0, 3.0, 2.0):
        gradient, largest = keep.update({"w": scale * jnp.array([3.0, 4.0])}, largest)
        np.testing.assert_array_equal(gradient["w"], scale * np.array([3.0, 4.0]))
    assert float(largest) == 15
