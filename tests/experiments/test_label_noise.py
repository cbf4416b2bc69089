"""Wrong labels on a shrunken run."""

import numpy as np

from experiments.strategy import label_noise
from experiments.strategy.label_noise import Config, mislabelled
from jaxdl.train.settings import Run


def test_systematic_mistakes_cost_more_than_as_many_random_ones(tmp_path):
    found = label_noise.measure(Config(shares=(0.0, 0.3), epochs=6, seeds=1), Run(tmp_path, mesh="data=1"))
    clean, random, systematic = found["random"][0, 0], found["random"][1, 0], found["systematic"][1, 0]
    assert clean - 0.1 < random
    assert systematic < random - 0.1


def test_so_many_labels_are_wrong_and_systematic_ones_in_whole_classes():
    labels = np.repeat(np.arange(10), 30)
    for kind in label_noise.KINDS:
        assert (mislabelled(labels, 0.2, kind, 1) != labels).sum() == 60
    wrong = mislabelled(labels, 0.2, "systematic", 1)
    assert len(np.unique(labels[wrong != labels])) == 2
    assert (wrong[wrong != labels] == (labels[wrong != labels] + 1) % 10).all()
