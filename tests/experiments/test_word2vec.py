"""Skip-gram on a shrunken run: each of its three losses finds the planted relations, and asks so many outputs."""

import re

import pytest

from experiments.sequences import word2vec
from experiments.sequences.word2vec import METHODS, Config
from jaxdl.optim.chain import Chain
from jaxdl.train.settings import Run

CONFIG = Config(
    seeds=1, sentences=(6000,), steps=250, dimension=24, optimizer=Chain("adam", learning_rate=2e-2, decay="cosine")
)


def test_each_loss_finds_most_planted_analogies(tmp_path):
    found = word2vec.measure(CONFIG, Run(tmp_path, mesh="data=1"))
    assert {method for method, _ in found} == {*METHODS}
    assert min(of[0] for of in found.values()) >= 0.9


def test_the_tree_and_negative_sampling_ask_few_outputs_and_the_softmax_all():
    asked = word2vec.rows_asked(CONFIG)
    assert asked["softmax"] == 192
    assert 6 <= asked["hierarchical softmax"] <= 9  # the entropy of the words' counts is about 7 bits
    assert asked["negative sampling"] == 6


def test_neighbours_on_prose_are_told_with_their_similarity(tmp_path):
    config = Config(seeds=1, prose_steps=20, minimum=30, dimension=8, shown=("class",))
    told = list(word2vec.described(*word2vec.prose_vectors(config, Run(tmp_path, mesh="data=1")), config.shown))
    assert "sha256" in told[0]
    assert told[1].startswith("prose: class lies near ")
    assert len(re.findall(r" -?\d\.\d\d", told[1])) == 5


@pytest.mark.parametrize("method", METHODS)
def test_its_sentences_come_from_the_seed(method):
    tasks = [word2vec.build(CONFIG, method, 1000, seed) for seed in (0, 1)]
    first, second = (task.train.source.fields["word"][:100].tolist() for task in tasks)
    assert first != second
