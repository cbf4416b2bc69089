"""A Transformer that reads characters learns more than how often each of them comes."""

import pytest

from experiments.sequences import transformer_lm
from experiments.sequences.char_language_model import load, ngram_bits
from experiments.sequences.transformer_lm import Config
from jaxdl.errors import InputError
from jaxdl.train.settings import Run

CONFIG = Config(
    layers=1, width=32, heads=2, hidden=64, epochs=4, length=32, batch_size=16, seeds=1, order=1, characters=40
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    whole, vocabulary, _ = load("prose")
    texts = {"train": whole["train"][:60_000], "dev": whole["dev"][:2_000], "test": whole["test"][:2_000]}
    results = transformer_lm.measure(CONFIG, Run(tmp_path_factory.mktemp("run"), mesh="data=1"), texts, vocabulary)
    return results, texts, vocabulary


def test_it_needs_fewer_bits_than_counting_characters(measured):
    results, texts, vocabulary = measured
    for name in ("dev", "test"):
        counted = ngram_bits(CONFIG, texts, len(vocabulary), name)
        bits = transformer_lm.compared(CONFIG, results, name, counted)
        assert bits["transformer"][0] < bits["1-gram"][0] - 1


def test_what_it_draws_goes_on_from_the_prompt_beyond_what_it_sees(measured):
    results, _, vocabulary = measured
    params = results["transformer"][0].state.params
    [told] = transformer_lm.drawn(CONFIG, ["The value"], 0, CONFIG, vocabulary, params)
    assert told.startswith("A sample at temperature 0.7: The value")
    assert len(told) > len("A sample at temperature 0.7: ") + CONFIG.length


def test_a_length_that_leaves_nothing_to_look_back_on_is_refused():
    with pytest.raises(InputError, match="length 3: expected 4 or more"):
        Config(length=3)
