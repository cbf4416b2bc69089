"""A speech synthesiser: words become phones, and phones the resonances of a vocal tract that move from one to the next.

Glottal pulses and noise pass through second-order resonators, as in Klatt (1980), "Software for a cascade/parallel
formant synthesizer"; here frame by frame in the frequency domain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import NamedTuple

import numpy as np

from jaxdl.errors import InputError, chosen

RATE = 8000
HOP, FFT = 80, 480  # frames of two hops; the rest of the FFT is room for the resonators to ring

PRONUNCIATIONS = {
    "zero": "Z IH R AO UH",
    "one": "W AH N",
    "two": "_ T UW",
    "three": "TH R IY",
    "four": "F AO R",
    "five": "F AA IH V",
    "six": "S IH _ K S",
    "seven": "S EH V AH N",
    "eight": "EH IY _ T",
    "nine": "N AA IH N",
    "yes": "Y EH S",
    "no": "N AO UH",
    "up": "AH _ P",
    "down": "_ D AA UH N",
    "left": "L EH F _ T",
    "right": "R AA IH _ T",
    "on": "AA N",
    "off": "AO F",
    "stop": "S _ T AA _ P",
    "go": "_ G AO UH",
    "active": "AE _ K _ T IH V",
    "activate": "AE _ K _ T IH V EH IY _ T",
}
"""Phones in the manner of ARPAbet: a diphthong is two, and `_` the silence before the burst of a stop."""

_NONE = float("nan")
_DELAY = np.exp(-2j * np.pi * np.arange(FFT // 2 + 1) / FFT).astype(np.complex64)  # by one sample


class Phone(NamedTuple):
    """Formants f1 … f3, and centre and bandwidth of the noise, in hertz; how loud the voice and the noise are; seconds.

    What a phone has no frequency of comes from its neighbours.
    """

    f1: float = _NONE
    f2: float = _NONE
    f3: float = _NONE
    center: float = _NONE
    bandwidth: float = _NONE
    voiced: float = 0.0
    noisy: float = 0.0
    seconds: float = 0.08


def _vowel(f1: int, f2: int, f3: int) -> Phone:
    return Phone(f1, f2, f3, voiced=1.0, seconds=0.13)


def _sonorant(f1: int, f2: int, f3: int) -> Phone:
    return Phone(f1, f2, f3, voiced=0.5)


def _noise(center: int, bandwidth: int, noisy: float, seconds: float, voiced: float = 0.0) -> Phone:
    return Phone(center=center, bandwidth=bandwidth, voiced=voiced, noisy=noisy, seconds=seconds)


PHONES = {
    "IY": _vowel(270, 2290, 3010),  # vowels of men: Peterson and Barney (1952), table II
    "IH": _vowel(390, 1990, 2550),
    "EH": _vowel(530, 1840, 2480),
    "AE": _vowel(660, 1720, 2410),
    "AH": _vowel(640, 1190, 2390),
    "AA": _vowel(730, 1090, 2440),
    "AO": _vowel(570, 840, 2410),
    "UH": _vowel(440, 1020, 2240),
    "UW": _vowel(300, 870, 2240),
    "W": _sonorant(290, 610, 2150),  # sonorants: Klatt (1980), table II
    "Y": _sonorant(260, 2070, 3020),
    "R": _sonorant(310, 1060, 1380),
    "L": _sonorant(310, 1050, 2880),
    "N": _sonorant(480, 1340, 2470),
    "S": _noise(3600, 500, 0.3, 0.12),  # what rustles below 4 kHz, by ear
    "Z": _noise(3600, 500, 0.2, 0.09, voiced=0.2),
    "F": _noise(1500, 3000, 0.08, 0.1),
    "V": _noise(1500, 3000, 0.05, 0.07, voiced=0.25),
    "TH": _noise(2800, 3000, 0.08, 0.1),
    "T": _noise(3200, 900, 0.3, 0.03),
    "D": _noise(2800, 900, 0.2, 0.025, voiced=0.3),
    "K": _noise(1800, 500, 0.3, 0.035),
    "G": _noise(1700, 500, 0.2, 0.03, voiced=0.3),
    "P": _noise(800, 600, 0.2, 0.025),
    "_": Phone(seconds=0.05),
}


@dataclass(frozen=True)
class Voice:
    """A speaker: pitch in hertz, what the formants of men are multiplied by, and the speed, 1 being usual."""

    pitch: float = 120.0
    formants: float = 1.0
    speed: float = 1.0

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Voice":
        """Somebody from 85 to 255 Hz. Who speaks higher has a shorter vocal tract, by and large."""
        pitch = float(85 * 3 ** rng.random())
        return cls(pitch, (pitch / 120) ** 0.25 * rng.uniform(0.95, 1.05), rng.uniform(0.85, 1.2))


def synthesize(words: Sequence[str], voice: Voice, rng: np.random.Generator) -> np.ndarray:
    """The sound float32 [samples], 8,000 a second, of words in a row; its root mean square is 1/10.

    Glottis and lips together take 6 dB an octave. The generator varies durations and pitch, and makes the noise.
    Raises InputError for no word and for one whose pronunciation is not known.
    """
    if not words:
        raise InputError(f"no words to say: give one or more of {', '.join(PRONUNCIATIONS)}")
    spelled = [("_", *chosen("word", word, PRONUNCIATIONS).split()) for word in words]
    phones = np.array([PHONES[name] for name in (*chain(*spelled), "_")])
    seconds = phones[:, -1] * rng.uniform(0.8, 1.25, len(phones)) / voice.speed
    courses = _courses(phones[:, :-1], seconds).astype(np.float32)
    f1, f2, f3, center, bandwidth, voiced, noisy = courses.T
    formants = np.stack([f1, f2, f3, np.full(len(f1), 3400)], 1) * voice.formants
    tract = resonators(np.minimum(formants, 3700), np.array([60.0, 90.0, 150.0, 250.0]))
    rustle = resonators(center[:, None], bandwidth[:, None])
    samples = (len(courses) + 1) * HOP
    spectrum = voiced[:, None] * tract * _framed(_pulses(samples, voice.pitch, rng)) / (1 - 0.9 * _DELAY)
    spectrum += noisy[:, None] * rustle * _framed(rng.standard_normal(samples, np.float32))
    audio = _overlap_added(np.fft.irfft(spectrum, FFT))[: int(seconds.sum() * RATE)]
    return (0.1 * audio / np.sqrt(np.mean(audio**2))).astype(np.float32)


def resonators(frequencies: np.ndarray, bandwidths: np.ndarray) -> np.ndarray:
    """What resonators [..., K] in a row do to a sound's spectrum: complex [..., FFT/2 + 1].

    y_n = A x_n + B y_{n−1} + C y_{n−2} each, C = −exp(−2π b T), B = 2 exp(−π b T) cos(2π f T), A = 1 − B − C, with
    frequency f and bandwidth b in hertz and T = 1/8000 s. Source: Klatt (1980), equations 1 and 2.
    """
    decay = np.exp(-np.pi * bandwidths / RATE)
    b, c = 2 * decay * np.cos(2 * np.pi * frequencies / RATE), -(decay**2)
    b, c = (np.broadcast_to(value, frequencies.shape)[..., None].astype(np.float32) for value in (b, c))
    each = ((b[..., k, :], c[..., k, :]) for k in range(b.shape[-2]))
    return reduce(np.multiply, ((1 - b - c) / (1 - b * _DELAY - c * _DELAY**2) for b, c in each))


def _courses(phones: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """[frames, K]: each of K quantities stays for half of a phone, then moves to its value in the next that has one."""
    ends = np.cumsum(seconds)
    knots = np.stack([ends - 0.75 * seconds, ends - 0.25 * seconds], 1)
    at = np.arange(0, ends[-1], HOP / RATE)
    courses = []
    for values in phones.T:
        has = ~np.isnan(values)
        # A word without a formant or without noise has nothing to hear there: any frequency will do.
        courses.append(np.interp(at, knots[has].ravel(), values[has].repeat(2)) if has.any() else np.full(len(at), 1e3))
    return np.stack(courses, 1)


def _pulses(samples: int, pitch: float, rng: np.random.Generator) -> np.ndarray:
    """A pulse each time the vocal folds close; the pitch falls by a fifth and trembles."""
    fall = np.linspace(1.1, 0.9, samples) * (1 + 0.02 * np.repeat(rng.normal(size=samples // HOP + 1), HOP)[:samples])
    return np.diff(np.floor(np.cumsum(pitch * fall / RATE)), prepend=0.0).astype(np.float32)


def _framed(source: np.ndarray) -> np.ndarray:
    """The spectra [frames, FFT/2 + 1] of frames under a Hann window, which sum to the source again."""
    places = HOP * np.arange(len(source) // HOP - 1)[:, None] + np.arange(2 * HOP)
    window = (0.5 - 0.5 * np.cos(np.pi * np.arange(2 * HOP) / HOP)).astype(np.float32)
    return np.fft.rfft(source[places] * window, FFT)


def _overlap_added(frames: np.ndarray) -> np.ndarray:
    """Frames [F, FFT], each HOP samples after the one before, added up."""
    pieces = frames.reshape(len(frames), -1, HOP)
    total = np.zeros((len(frames) + pieces.shape[1] - 1, HOP))
    for place in range(pieces.shape[1]):
        total[place : place + len(frames)] += pieces[:, place]
    return total.ravel()
