"""Hyperparameter search on a shrunken run."""

import numpy as np

from experiments.strategy import hyperparameter_search
from experiments.strategy.hyperparameter_search import Config
from jaxdl.train.settings import Run


def test_a_logarithmic_scale_finds_what_a_linear_one_does_not(tmp_path):
    best, good, study = hyperparameter_search.measure(Config(trials=8, epochs=2, seeds=2), Run(tmp_path, mesh="data=1"))
    assert best["random"][:, -1].mean() > best["random, linear scale"][:, -1].mean() + 0.1
    assert (np.diff(best["random"]) >= 0).all()
    assert best["grid"].shape == best["random"].shape == best["coarse to fine"].shape == (2, 8)
    assert len(study.trials) == 8
    assert good["random, linear scale"].mean() <= good["random"].mean()
