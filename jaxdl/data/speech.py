"""Spoken digits and short commands, synthesised: speakers, speed, noise and reverberation vary. No download.

Real backgrounds can be laid under them: a folder of WAV files of one's own.
"""

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from jaxdl.data.formants import RATE, Voice, synthesize
from jaxdl.data.philox import generator
from jaxdl.data.source import Arrays
from jaxdl.data.split import split
from jaxdl.data.text import SPECIAL, Vocabulary, pad
from jaxdl.errors import InputError

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")

SPEAKERS = 60
FRACTIONS = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class Room:
    """How speech is recorded: each utterance with a noise, an echo and a loudness of its own.

    snr    how much louder than the noise the speech is, in decibels, between these two
    echo   seconds, at most, in which the echo falls by 60 dB; 0 for none
    noise  recordings to be the noise, such as those of `backgrounds`; white noise where there are none

    Raises InputError for an snr out of order and an echo below 0.
    """

    snr: tuple[float, float] = (15.0, 40.0)
    echo: float = 0.3
    noise: tuple[np.ndarray, ...] = ()

    def __post_init__(self) -> None:
        if not self.snr[0] <= self.snr[1] or not self.echo >= 0:
            raise InputError(f"snr {self.snr} and echo {self.echo}: expected (low, high) decibels and 0 s or more")


@dataclass(frozen=True, eq=False)
class Speech:
    """Train, dev and test of `audio` float32 [N, samples] at 8,000 a second, silent from `audio_length` int32 [N] on.

    `labels` int32 [N, L] with `label_length` are what is said; token 0, <PAD>, is free to be CTC's blank. Of what is
    synthesised `speaker` int32 [N] is who says it: nobody is in two parts.
    """

    train: Arrays
    dev: Arrays
    test: Arrays
    vocabulary: Vocabulary


def load(
    size: int = 1000,
    said: tuple[str, ...] = DIGITS,
    most: int = 4,
    unit: Literal["word", "character"] = "word",
    room: Room = Room(),
    seed: int = 0,
) -> Speech:
    """`size` utterances of 1 … `most` of the words `said`. Labels are words, or characters with a space between words.

    Raises InputError for fewer than 100 utterances, no words, and a word whose pronunciation is not known.
    """
    if size < 100 or most < 1 or not said:
        raise InputError(
            f"{size} utterances of 1 … {most} of {len(said)} words: expected 100 or more utterances of 1 or more words"
        )
    rng = generator(seed)
    symbols = said if unit == "word" else tuple(sorted({letter for word in said for letter in f" {word}"}))
    vocabulary = Vocabulary(SPECIAL + symbols)
    voices, speaker = _speakers(size, rng)
    audio, labels = [], []
    for who in speaker:
        spoken = [said[place] for place in rng.integers(len(said), size=rng.integers(1, most + 1))]
        audio.append(recorded(synthesize(spoken, voices[who], rng), room, rng))
        labels.append(vocabulary.encode(spoken if unit == "word" else " ".join(spoken)))
    return _speech(audio, labels, {"speaker": speaker}, vocabulary, seed)


def load_triggers(
    size: int = 1000,
    trigger: str = "activate",
    others: tuple[str, ...] = (*DIGITS, *COMMANDS, "active"),
    seconds: float = 3.0,
    frame: int = 200,
    hop: int = 80,
    hold: int = 50,
    room: Room = Room(),
    seed: int = 0,
) -> Speech:
    """`size` clips of one to five words with pauses between them: as often no trigger as one and as two, given room.

    `trigger` int32 [N, frames] is 1 in the `hold` frames after each trigger, see `held`; `ends` int32 [N, 2] are the
    samples at which it ends, −1 where there is none. The labels are the words.

    Raises InputError for fewer than 100 clips, clips of less than 2 s and a word whose pronunciation is not known.
    """
    if size < 100 or seconds < 2:
        raise InputError(f"{size} clips of {seconds} s: expected 100 or more of 2 s or more, such as 1000 of 3.0 s")
    rng = generator(seed)
    vocabulary = Vocabulary((*SPECIAL, trigger, *others))
    voices, speaker = _speakers(size, rng)
    audio, labels, ends = [], [], np.full((size, 2), -1, np.int32)
    for row, who in enumerate(speaker):
        drawn = [others[place] for place in rng.integers(len(others), size=rng.integers(1, 4))]
        said = [trigger] * int(rng.integers(3)) + drawn
        clip, spoken, at = _clip([(word, synthesize([word], voices[who], rng)) for word in said], seconds, rng)
        found = [end for word, end in zip(spoken, at, strict=True) if word == trigger]
        ends[row, : len(found)] = found
        audio.append(recorded(clip, room, rng))
        labels.append(vocabulary.encode(spoken))
    frames = (len(audio[0]) - frame) // hop + 1
    fields = {"speaker": speaker, "ends": ends, "trigger": held(ends, frames, frame, hop, hold)}
    return _speech(audio, labels, fields, vocabulary, seed)


def held(ends: np.ndarray, frames: int, frame: int = 200, hop: int = 80, hold: int = 50) -> np.ndarray:
    """int32 [N, frames]: 1 in the first `hold` frames that have heard the whole of a word that ends at `ends` [N, K].

    Frame t has heard the samples before t·hop + frame. An end below 0 is none. One frame alone of hundreds would be too
    rare a label to learn from.
    """
    heard = np.arange(frames) * hop + frame
    ends = ends[:, :, None]
    after = (ends >= 0) & (ends <= heard) & (heard < ends + hold * hop)
    return np.asarray(after.any(1), np.int32)


def recorded(audio: np.ndarray, room: Room, rng: np.random.Generator) -> np.ndarray:
    """The speech [samples] as a microphone in that room has it, float32 in [−1, 1]."""
    if room.echo:
        seconds = room.echo * rng.uniform(0.2, 1)
        time = np.arange(round(seconds * RATE)) / RATE
        echo = rng.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
        points = 1 << (len(audio) + len(echo)).bit_length()
        gain = 1 + 0.3 * np.fft.rfft(echo / np.linalg.norm(echo), points)  # 10 dB below what comes straight
        audio = np.fft.irfft(np.fft.rfft(audio, points) * gain)[: len(audio)]
    if room.noise:
        sound = room.noise[rng.integers(len(room.noise))]
        noise = np.resize(np.roll(sound, -rng.integers(len(sound))), len(audio))
    else:
        noise = rng.standard_normal(len(audio))
    loudness = np.linalg.norm(audio) * 10 ** (-rng.uniform(*room.snr) / 20)
    noisy = audio + noise * loudness / max(np.linalg.norm(noise), 1e-9)
    return np.clip(rng.uniform(0.3, 1) * noisy, -1, 1).astype(np.float32)


def _clip(
    said: list[tuple[str, np.ndarray]], seconds: float, rng: np.random.Generator
) -> tuple[np.ndarray, list[str], list[int]]:
    """(the clip, the words it has room for in a new order, where each of them ends)."""
    left = round(seconds * RATE)
    clip, kept = np.zeros(left, np.float32), []
    for word, sound in said:
        if len(sound) <= left:
            kept.append((word, sound))
            left -= len(sound)
    kept = [kept[place] for place in rng.permutation(len(kept))]
    pauses = np.diff(np.sort(rng.integers(left + 1, size=len(kept))), prepend=0)
    end, ends = 0, []
    for (_, sound), pause in zip(kept, pauses.tolist(), strict=True):
        start, end = end + pause, end + pause + len(sound)
        clip[start:end] = sound
        ends.append(end)
    return clip, [word for word, _ in kept], ends


def _speakers(size: int, rng: np.random.Generator) -> tuple[list[Voice], np.ndarray]:
    """(voices, whose each of `size` utterances is): all speak as often."""
    return [Voice.draw(rng) for _ in range(SPEAKERS)], rng.permutation(np.arange(size, dtype=np.int32) % SPEAKERS)


def _speech(
    audio: list[np.ndarray], labels: list[np.ndarray], fields: dict[str, np.ndarray], vocabulary: Vocabulary, seed: int
) -> Speech:
    whole = Arrays({**padded(audio, labels), **fields})
    train, dev, test = (
        whole.select(np.flatnonzero(np.isin(fields["speaker"], part))) for part in split(SPEAKERS, FRACTIONS, seed)
    )
    return Speech(train, dev, test, vocabulary)


def padded(audio: list[np.ndarray], labels: list[np.ndarray]) -> dict[str, np.ndarray]:
    """`audio` and `labels` of utterances, each as long as the longest, with their lengths: the fields of `Speech`."""
    length = np.array([len(sound) for sound in audio], np.int32)
    filled = np.zeros((len(audio), length.max()), np.float32)
    filled[np.arange(length.max()) < length[:, None]] = np.concatenate(audio)
    tokens, label_length = pad(labels)
    return {"audio": filled, "audio_length": length, "labels": tokens, "label_length": label_length}


def backgrounds(folder: str | Path) -> tuple[np.ndarray, ...]:
    """The WAV files of a folder, in the order of their names, as a `Room` takes them.

    Raises InputError for a folder without any, and what `read_wav` refuses.
    """
    paths = sorted(path for path in Path(folder).glob("*") if path.suffix.lower() == ".wav")
    if not paths:
        raise InputError(f"{folder} has no WAV file: give a folder with *.wav in it")
    return tuple(read_wav(path) for path in paths)


def read_wav(path: str | Path) -> np.ndarray:
    """The sound float32 [samples] in [−1, 1) of a WAV file of 8,000 samples a second, one channel and 16 bits.

    Raises InputError for any other, and for a file that is cut short, silent or no WAV at all.
    """
    try:
        with wave.open(str(path), "rb") as file:
            found, promised = file.getparams(), file.getnframes()
            data = file.readframes(promised)
    except (OSError, EOFError, wave.Error) as error:
        raise InputError(f"{path} can't be read as a WAV file: {str(error) or 'it ends too early'}") from error
    if (found.framerate, found.nchannels, found.sampwidth) != (RATE, 1, 2):
        raise InputError(
            f"{path} has {found.framerate} samples a second, {found.nchannels} channels, {8 * found.sampwidth} bits: "
            f"expected {RATE}, 1, 16; convert it with: ffmpeg -i {path} -ar {RATE} -ac 1 -sample_fmt s16 OUT.wav"
        )
    if len(data) < 2 * promised:
        raise InputError(f"{path} is cut short: {len(data) // 2} of {promised} samples; copy it again")
    sound = np.frombuffer(data, "<i2").astype(np.float32) / 2**15
    if not sound.any():
        raise InputError(f"{path} is silent: expected a recording with something to hear")
    return sound


def write_wav(path: str | Path, audio: np.ndarray) -> None:
    """Write a sound [samples] in [−1, 1] so that `read_wav` and any player can read it; what is beyond is cut off."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", "not compressed"))
        file.writeframes(np.clip(np.round(audio * 2**15), -(2**15), 2**15 - 1).astype("<i2").tobytes())
