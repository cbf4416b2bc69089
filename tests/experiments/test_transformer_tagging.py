"""A Transformer looks both ways, so it knows the name that the words after it tell."""

import pytest

from experiments.sequences import named_entities, transformer_tagging
from experiments.sequences.transformer_tagging import Config
from jaxdl.train.settings import Run


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    config = Config(sentences=1500, layers=2, width=32, heads=2, hidden=64, epochs=14, seeds=1)
    run = Run(tmp_path_factory.mktemp("entities"), mesh="data=1")
    builds = {"transformer": lambda seed: transformer_tagging.build(config, seed)}
    return named_entities.judged(config, builds, run)


def test_it_is_right_where_only_what_follows_tells(measured):
    assert measured["ambiguous"]["transformer"][0] > 0.75  # who reads one way is right on half of them


def test_it_finds_most_names_whole(measured):
    assert measured["f1"]["transformer"][0] > 0.6
