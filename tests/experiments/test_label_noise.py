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


def test_the_title_compares_the_fewest_with_the_most_wrong_labels_in_whatever_order_they_come(monkeypatch, tmp_path):
    of_share = {0.4: 0.5, 0.1: 0.9, 0.2: 0.8}
    accuracy = np.array(list(of_share.values()))[:, None]
    found = {"random": accuracy, "systematic": accuracy - np.array([[0.2], [0.0], [0.0]])}
    monkeypatch.setattr(label_noise, "measure", lambda config, run: found)
    _, drawn = label_noise.main(Config(shares=tuple(of_share)), Run(tmp_path))
    assert list(drawn) == ["From 10 to 40 % wrong labels random ones cost 40 points, systematic ones 60"]
