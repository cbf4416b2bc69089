"""Sets that a flag names, and that nobody has prepared, are told with the command that prepares them."""

import pytest

from experiments.sequences import speech_attention, speech_ctc, translation_rnn, translation_transformer
from jaxdl.errors import InputError

WMT = "wmt14_translate/fr-en"


@pytest.mark.parametrize(
    ("load", "name"),
    [
        (lambda name: translation_transformer.load(translation_transformer.Config(dataset=name)), WMT),
        (lambda name: translation_rnn.load(translation_rnn.Config(dataset=name)), WMT),
        (lambda name: speech_ctc.data_of(speech_ctc.Config(dataset=name), 0), "librispeech"),
        (lambda name: speech_attention.data_of(speech_attention.Config(dataset=name), 0), "speech_commands"),
    ],
)
def test_a_set_by_flag_that_is_not_prepared_is_told(load, name, tmp_path, monkeypatch):
    monkeypatch.setenv("JAXDL_DATA_DIR", str(tmp_path))
    with pytest.raises(InputError, match=f"jaxdl.data prepare {name}"):
        load(name)
