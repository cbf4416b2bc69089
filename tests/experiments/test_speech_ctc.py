"""A short training hears most digits of speakers it never heard; what it says of a recording is what it scores."""

import numpy as np
import pytest

from experiments.sequences import speech_ctc
from experiments.sequences.speech_ctc import Config
from jaxdl.errors import InputError
from jaxdl.models.speech import heard
from jaxdl.train.settings import Run

CONFIG = Config(utterances=200, most=1, snr=(20.0, 40.0), every=5, hidden=32, epochs=30, seeds=1)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return speech_ctc.measure(CONFIG, Run(tmp_path_factory.mktemp("run"), mesh="data=1"))


@pytest.mark.parametrize("name", speech_ctc.decoders(CONFIG))
def test_it_hears_most_digits_of_speakers_it_never_heard(measured, name):
    rate, whole, _ = measured
    assert rate[name][0] < 0.3
    assert whole[name][0] > 0.7


def test_a_recording_is_transcribed_as_the_test_set_is_scored(measured):
    """The set is padded to its longest utterance, a recording is as long as it is."""
    state, task, data = measured[2][0], speech_ctc.build(CONFIG, 0), speech_ctc.data_of(CONFIG, 0)
    decode = list(speech_ctc.decoders(CONFIG).values())[1]
    some = data.test.select(np.arange(5))
    scored = [decode(logits) for logits in speech_ctc.said(CONFIG, task, state, heard(some).fields)]
    sounds = zip(some.fields["audio"], some.fields["audio_length"], strict=True)
    recorded = {str(place): audio[:samples] for place, (audio, samples) in enumerate(sounds)}
    told = speech_ctc.transcribed(CONFIG, recorded, CONFIG, data.vocabulary, state.params)
    expected = [f"{place}: {' '.join(data.vocabulary.decode(labels))}" for place, labels in enumerate(scored)]
    assert told == expected
    assert any(scored)


def test_a_beam_of_width_0_is_refused_before_training():
    with pytest.raises(InputError, match="--width 0: expected 1 or more"):
        Config(width=0)
