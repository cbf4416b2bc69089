"""Caviar on a shrunken run."""

import numpy as np

from experiments.strategy import caviar
from experiments.strategy.caviar import Config
from jaxdl.train.settings import Run


def test_the_best_learning_rate_lies_between_too_small_and_too_large(tmp_path):
    config = Config(trials=8, epochs=3, checked=2, seeds=1)
    accuracy, apart, seconds = caviar.measure(config, Run(tmp_path, mesh="data=1"))
    best = int(np.nanargmax(accuracy[0]))
    assert 1 <= best <= 6
    assert accuracy[0, best] > np.nanmax(accuracy[0, [0, -1]]) + 0.2
    assert apart < 1e-3
    assert all(of.shape == (1,) for of in seconds.values())
