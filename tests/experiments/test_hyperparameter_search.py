"""Hyperparameter search on a shrunken run."""

import numpy as np
import pytest

from experiments.strategy import hyperparameter_search
from experiments.strategy.hyperparameter_search import Config
from jaxdl.errors import InputError
from jaxdl.train.settings import Run


def test_a_logarithmic_scale_finds_what_a_linear_one_does_not(tmp_path):
    best, good, study = hyperparameter_search.measure(Config(trials=8, epochs=2, seeds=2), Run(tmp_path, mesh="data=1"))
    assert best["random"][:, -1].mean() > best["random, linear scale"][:, -1].mean() + 0.1
    assert (np.diff(best["random"]) >= 0).all()
    assert best["grid"].shape == best["random"].shape == best["coarse to fine"].shape == (2, 8)
    assert len(study.trials) == 8
    assert good["random, linear scale"].mean() <= good["random"].mean()


@pytest.mark.parametrize("trials", [1, 4, 20, 26])
def test_as_many_trials_as_no_grid_of_three_has_are_refused(trials, tmp_path):
    with pytest.raises(InputError, match=f"--trials {trials}: expected a cube of 2 or more"):
        hyperparameter_search.measure(Config(trials=trials), Run(tmp_path))
    assert hyperparameter_search.per_dimension(Config(trials=27)) == 3
