"""Skip connections on a shrunken run: depth harms the plain network in training, and not the residual one."""

import numpy as np
import pytest

from experiments.vision import skip_connections
from experiments.vision.skip_connections import Config
from jaxdl.train.settings import Run
from jaxdl.train.trials import scores


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("skip"), mesh="data=1")
    return skip_connections.measure(Config(depths=(8, 20), epochs=6, seeds=1), run)


def test_depth_raises_the_training_loss_of_the_plain_network_only(measured):
    losses = {name: values.mean() for name, values in scores(measured, "train/loss").items()}
    assert losses["plain, 20 layers"] > 1.3 * losses["plain, 8 layers"]
    assert losses["residual, 20 layers"] < 1.0 * losses["residual, 8 layers"]


def test_its_curve_is_the_mean_over_an_epoch(measured):
    curve = skip_connections.training_loss(measured["residual, 8 layers"][0], 17)
    assert len(curve) == 6 * 17 - 16
    assert np.isfinite(curve).all()
    assert curve[-1] < curve[0]
