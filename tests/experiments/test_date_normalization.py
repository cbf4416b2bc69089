"""What a decoder looks at is drawn character by character, and a network without attention has nothing to draw."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.sequences import date_normalization
from jaxdl.train.settings import Run

CONFIG = date_normalization.Config(dates=400, embedding=8, hidden=12, epochs=1, seeds=1)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return date_normalization.measure(CONFIG, Run(tmp_path_factory.mktemp("run"), mesh="data=1"))


def test_every_form_of_attention_is_trained_and_scored(results):
    assert set(results) == {"additive", "multiplicative", "none"}
    for found in results.values():
        assert 0 < found[0].metrics["test/accuracy"] < 1


@pytest.mark.parametrize(("attention", "total"), [("additive", 1), ("multiplicative", 1), ("none", 0)])
def test_each_character_said_looks_at_the_input_as_a_whole(results, attention, total):
    said, weights = date_normalization.read(CONFIG, results[attention][0].state.params, attention)
    assert weights.shape == (len(said), len(CONFIG.input))
    np.testing.assert_allclose(weights.sum(-1), total, rtol=1e-5)


def test_a_date_with_a_sign_that_no_date_has_is_refused_before_training(tmp_path):
    from jaxdl.errors import InputError

    with pytest.raises(InputError, match="'§' at index 0"):
        date_normalization.measure(replace(CONFIG, input="§ 5"), Run(tmp_path, mesh="data=1"))
