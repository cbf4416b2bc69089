"""Sentiment on a shrunken run: the mean of embeddings tells no twin from the other, the GRU tells them all."""

import pytest

from experiments.sequences import sentiment
from experiments.sequences.sentiment import Config
from jaxdl.train.settings import Run


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("sentiment"), mesh="data=1")
    return {
        name: {model: of[0] for model, of in found.items()}
        for name, found in sentiment.measure(Config(seeds=1), run).items()
    }


def test_of_two_reviews_with_the_same_words_the_mean_of_embeddings_is_right_on_one(measured):
    assert measured["twins"]["mean of embeddings"] == 0.5
    assert 0.6 <= measured["accuracy"]["mean of embeddings"] <= 0.8


@pytest.mark.parametrize("model", ["RNN", "GRU"])
def test_what_reads_in_order_is_right_on_all_reviews_and_on_the_twins(measured, model):
    assert measured["accuracy"][model] >= 0.95
    assert measured["twins"][model] >= 0.95


def test_lacking_in_good_taste_and_good_service_is_praise_to_the_mean_and_none_to_the_gru(measured):
    assert measured["sentence"]["mean of embeddings"].shape == (8,)
    assert measured["sentence"]["mean of embeddings"][-1] > 0.5
    assert measured["sentence"]["GRU"][-1] < 0.5
