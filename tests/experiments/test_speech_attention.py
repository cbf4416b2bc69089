"""Attention hears most digits of speakers it never heard, and finds by itself that words come one after the other."""

import numpy as np
import pytest

from experiments.sequences import speech_attention
from experiments.sequences.speech_attention import Config
from jaxdl.optim.chain import Chain
from jaxdl.train.settings import Run

ADAM = Chain("adam", learning_rate=1e-2, decay="cosine", clip_norm=1.0)
CONFIG = Config(utterances=200, most=2, snr=(20.0, 40.0), every=5, hidden=32, epochs=25, seeds=1, optimizer=ADAM)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return speech_attention.measure(CONFIG, Run(tmp_path_factory.mktemp("run"), mesh="data=1"))


def test_it_hears_most_digits_of_speakers_it_never_heard(measured):
    rate, _, _ = measured
    assert all(of[0] < 0.3 for of in rate.values())


def test_it_looks_ahead_from_word_to_word(measured):
    assert measured[1][0] > 0.9


def test_a_word_looks_at_the_sound_as_a_whole_and_never_at_the_padding(measured):
    data = speech_attention.data_of(CONFIG, 0)
    weights = speech_attention.maps(CONFIG, measured[2][0], data)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-4)
    steps = data.test.fields["source_length"] // CONFIG.every
    beyond = np.arange(weights.shape[-1]) >= steps[:, None]
    assert beyond.any()
    assert not weights.transpose(0, 2, 1)[beyond].any()
