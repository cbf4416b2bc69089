"""Recorded speech out of prepared TFDS sets: librispeech with its texts, speech_commands with its words."""

from functools import cache
from typing import Any

import numpy as np

from jaxdl.data import sets
from jaxdl.data.source import Arrays
from jaxdl.data.speech import RATE, Speech, padded
from jaxdl.data.text import SPECIAL, Vocabulary
from jaxdl.errors import InputError

SPLITS = {"train": ("train",), "dev": ("dev", "validation"), "test": ("test",)}
"""How the names of the splits of train, dev and test begin. Of several the first by name is read: train_clean100."""


def load(name: str, size: int = 1000, seconds: float = 16.0) -> Speech:
    """The first `size` utterances of train and size / 10 of dev and test each, at 8,000 samples a second.

    `speech` with `text` is labelled by its characters, `audio` with a `label` by that one word.
    seconds  what is longer is left out

    InputError for an unknown or unprepared set, one without such features or without three splits, and for a rate that
    8,000 does not divide.
    """
    _read_audio_without_tensorflow()
    builder = sets.find(name)
    features = builder.info.features
    spoken = {"text": "speech", "label": "audio"}
    said = next((of for of, sound in spoken.items() if {of, sound} <= set(features)), None)
    if said is None:
        raise InputError(
            f"data set {name!r} has {', '.join(features)}: expected speech and text, or audio and label, as "
            "librispeech and speech_commands have"
        )
    rate, counts = features[spoken[said]].sample_rate, {"train": size, "dev": -(-size // 10), "test": -(-size // 10)}
    read = {
        part: _utterances(builder.as_data_source(_split(builder, part)), spoken[said], rate, counts[part], seconds)
        for part in SPLITS
    }
    texts = {part: [_said(record[said], features[said]) for record, _ in rows] for part, rows in read.items()}
    vocabulary = _vocabulary(texts["train"], features[said])
    parts = {
        part: padded([sound for _, sound in rows], [vocabulary.encode(text) for text in texts[part]])
        for part, rows in read.items()
    }
    return Speech(**{part: Arrays(fields) for part, fields in parts.items()}, vocabulary=vocabulary)


def resampled(sound: np.ndarray, rate: int) -> np.ndarray:
    """A sound [samples] of `rate` samples a second at 8,000: float32, less all above 4,000 Hz.

    InputError for a rate that 8,000 does not divide.
    """
    if rate < RATE or rate % RATE:
        raise InputError(f"{rate} samples a second: expected a multiple of {RATE}, such as 16000")
    every = rate // RATE
    samples = len(sound) // every
    spectrum = np.fft.rfft(sound[: samples * every])[: samples // 2 + 1]
    return np.fft.irfft(spectrum / every, samples).astype(np.float32)


def _split(builder: Any, part: str) -> str:
    found = sorted(name for name in builder.info.splits if name.startswith(SPLITS[part]))
    if not found:
        raise InputError(f"data set {builder.name!r} has no split for {part}: it has {', '.join(builder.info.splits)}")
    return found[0]


def _utterances(
    source: Any, feature: str, rate: int, size: int, seconds: float
) -> list[tuple[dict[str, Any], np.ndarray]]:
    """The first `size` records of a split that are no longer than that, each with its sound."""
    found: list[tuple[dict[str, Any], np.ndarray]] = []
    for row in range(len(source)):
        if len(found) == size:
            break
        record = source[row]
        sound = np.asarray(record.pop(feature))
        if len(sound) <= seconds * rate:
            found.append((record, resampled(sound / np.float32(2**15), rate)))
    if not found:
        raise InputError(f"none of {len(source)} utterances is {seconds:g} s long at most: expected more seconds")
    return found


def _said(value: Any, feature: Any) -> str | list[str]:
    """A text, or the one word that a label stands for."""
    if hasattr(feature, "names"):
        return [feature.names[int(value)]]
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _vocabulary(texts: list[str | list[str]], feature: Any) -> Vocabulary:
    return Vocabulary((*SPECIAL, *feature.names)) if hasattr(feature, "names") else Vocabulary.build(texts)


@cache
def _read_audio_without_tensorflow() -> None:
    """TFDS's own class for sounds imports TensorFlow, though a prepared sound is an array like any other.

    A class with its name as an alias reads it in this process.
    """
    import tensorflow_datasets as tfds

    class Samples(tfds.features.Tensor):
        ALIASES = ("tensorflow_datasets.core.features.audio_feature.Audio",)
        sample_rate = 0

        @classmethod
        def from_json_content(cls, value: Any) -> "Samples":
            if value.lazy_decode:
                raise InputError("its sounds are stored as files: expected a configuration that is prepared as samples")
            sounds = cls(shape=(None,), dtype=np.dtype(value.dtype).type)
            sounds.sample_rate = value.sample_rate
            return sounds
