"""Recorded speech out of TFDS sets with the features of the real ones, prepared here without a network."""

import json

import numpy as np
import pytest
import tensorflow_datasets as tfds

from jaxdl.data import recordings
from jaxdl.data.recordings import resampled
from jaxdl.errors import InputError

RATE = 16000
AUDIO = "tensorflow_datasets.core.features.audio_feature.Audio"
SAMPLES = "tensorflow_datasets.core.features.tensor_feature.Tensor"


def tone(hertz, seconds, rate=RATE):
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def stored(hertz, seconds):
    return np.round(tone(hertz, seconds) * 2**14).astype(np.int16)


class _Recorded(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(self.features()), disable_shuffling=True
        )

    def _split_generators(self, dl_manager):
        return {part: self._generate_examples(part) for part in self.examples()}

    def _generate_examples(self, part):
        yield from enumerate(self.examples()[part])


class Read(_Recorded):
    """Texts read aloud, with the splits of librispeech."""

    def features(self):
        sound = tfds.features.Tensor(shape=(None,), dtype=np.int16)
        return {"speech": sound, "text": tfds.features.Text(), "speaker_id": np.int64}

    def examples(self):
        def read(*texts):
            return [{"speech": stored(440, 0.1 * len(text)), "text": text, "speaker_id": 7} for text in texts]

        return {
            "train_clean100": read("AB A", "A" * 30, "B"),
            "train_other500": read("C"),
            "dev_clean": read("B" * 3),
            "test_clean": read("A C"),
        }


class Commands(_Recorded):
    """Words with the features and the splits of speech_commands."""

    def features(self):
        sound = tfds.features.Tensor(shape=(None,), dtype=np.int16)
        return {"audio": sound, "label": tfds.features.ClassLabel(names=["down", "go", "_unknown_"])}

    def examples(self):
        def said(*labels):
            return [{"audio": stored(300, 1.0), "label": label} for label in labels]

        return {"train": said(0, 1, 2, 1), "validation": said(1), "test": said(2)}


class NoDev(Commands):
    def examples(self):
        return {"train": super().examples()["train"], "test": super().examples()["test"]}


class Compressed(Commands):
    pass


class Silent(_Recorded):
    def features(self):
        return {"text": tfds.features.Text()}

    def examples(self):
        return {"train": [{"text": "a"}]}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    place = tmp_path_factory.mktemp("recorded")
    for kind in (Read, Commands, NoDev, Compressed, Silent):
        builder = kind(data_dir=place, file_format="array_record")
        builder.download_and_prepare()
        path = builder.data_path / "features.json"
        path.write_text(json.dumps(as_prepared_by_tensorflow(json.loads(path.read_text()), kind is Compressed)))
    return place


def as_prepared_by_tensorflow(described, lazy):
    """TFDS's own class for sounds needs TensorFlow to be made at all; this is what it leaves in `features.json`."""
    for feature in described["featuresDict"]["features"].values():
        if feature["pythonClassName"] == SAMPLES:
            feature["pythonClassName"] = AUDIO
            feature["audio"] = {
                **feature.pop("tensor"), "fileFormat": "wav", "sampleRate": str(RATE), "lazyDecode": lazy
            }  # fmt: skip
    return described


@pytest.fixture(autouse=True)
def data_directory(prepared, monkeypatch):
    monkeypatch.setenv("JAXDL_DATA_DIR", str(prepared))


def said(data, part):
    return [
        "".join(data.vocabulary.decode(labels[:size]))
        for labels, size in zip(part.fields["labels"], part.fields["label_length"], strict=True)
    ]


def test_texts_are_spelled_from_the_first_split_of_each_kind_and_what_is_long_is_left_out():
    data = recordings.load("read", size=30, seconds=2.0)
    assert said(data, data.train) == ["AB A", "B"]
    assert said(data, data.dev) == ["BBB"]
    assert said(data, data.test) == ["A <UNK>"]
    np.testing.assert_array_equal(data.train.fields["audio_length"], [3200, 800])


def test_no_more_utterances_are_read_than_asked_for():
    data = recordings.load("commands", size=3)
    assert len(data.train) == 3


def test_sounds_are_those_of_the_set_at_half_the_rate():
    data = recordings.load("commands", size=10)
    assert said(data, data.train) == ["down", "go", "_unknown_", "go"]
    np.testing.assert_allclose(data.train.fields["audio"], [0.5 * tone(300, 1.0, 8000)] * 4, atol=1e-3)


def test_what_8000_samples_a_second_cannot_hold_is_gone():
    np.testing.assert_allclose(resampled(tone(440, 0.5), RATE), tone(440, 0.5, 8000), atol=1e-5)
    np.testing.assert_allclose(resampled(tone(5000, 0.5), RATE), 0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("librispeech", "not prepared in .* prepare librispeech"),
        ("speech_commands", "not prepared in .* prepare speech_commands"),
        ("librispech", "did you mean librispeech"),
        ("no_dev", "no split for dev: it has train, test"),
        ("compressed", "stored as files"),
        ("silent", "has text: expected speech and text"),
    ],
)
def test_what_is_no_recorded_speech_is_refused(name, message):
    with pytest.raises(InputError, match=message):
        recordings.load(name)


def test_a_set_of_which_all_is_too_long_is_refused():
    with pytest.raises(InputError, match=r"none of 3 utterances is 0.05 s long at most"):
        recordings.load("read", seconds=0.05)


def test_a_rate_that_8000_does_not_divide_is_refused():
    with pytest.raises(InputError, match="44100 samples a second: expected a multiple of 8000"):
        resampled(tone(440, 0.1), 44100)
