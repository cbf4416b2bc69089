"""Caviar on a shrunken run."""

import numpy as np
import pytest

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


@pytest.mark.parametrize(
    ("accuracy", "told"),
    [
        ([[0.1, 0.9, 0.89, np.nan], [0.1, 0.9, 0.89, np.nan]], "0.01, dev accuracy 0.900 ± 0.000; 2 within two"),
        ([[0.1, 0.9, 0.89, 0.2], [0.1, 0.9, np.nan, 0.2]], "0.01, dev accuracy 0.900 ± 0.000; 1 within two"),
        ([[0.1, 0.9, 0.5, 0.2], [0.1, 0.8, 0.5, 0.2]], "0.01, dev accuracy 0.850 ± 0.071; 1 within two"),
    ],
)
def test_a_rate_that_diverges_on_a_split_is_neither_the_best_nor_as_good(accuracy, told, monkeypatch, tmp_path):
    config = Config(trials=4, low=1e-3, high=1.0, seeds=2)
    seconds = dict.fromkeys(("together", "alone"), np.ones(2))
    monkeypatch.setattr(caviar, "measure", lambda config, run: (np.array(accuracy), 0.0, seconds))
    [best, *_], _ = caviar.main(config, Run(tmp_path))
    assert told in best
