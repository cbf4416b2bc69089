"""Segment tagging on a shrunken run: the GRU comes near what is possible, in each direction, and not above it."""

import numpy as np
import pytest

from experiments.sequences import segment_tagging
from experiments.sequences.segment_tagging import Config, right
from jaxdl.train.settings import Run


def test_only_real_bases_are_counted():
    test = {"tags": np.array([[0, 1, 2, 0], [1, 0, 0, 0]]), "length": np.array([3, 1])}
    assert right(np.array([[0, 1, 1, 0], [1, 0, 0, 0]]), test) == 3 / 4


def test_the_gru_gets_near_what_its_direction_allows_and_not_beyond(tmp_path):
    accuracy, _ = segment_tagging.measure(Config(sequences=1200, epochs=8, seeds=1), Run(tmp_path, mesh="data=1"))
    accuracy = {name: of[0] for name, of in accuracy.items()}
    assert accuracy["Bayes, one way"] > accuracy["always background"] + 0.15
    for way in ("one way", "both ways"):
        assert accuracy[f"network, {way}"] == pytest.approx(accuracy[f"Bayes, {way}"] - 0.01, abs=0.02)
    assert accuracy["network, both ways"] > accuracy["Bayes, one way"] + 0.03
