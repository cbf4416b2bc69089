"""From sound to features: frames, the Hann window, power spectrogram, log-mel, normalisation and SpecAugment.

The defaults are the usual 25 ms every 10 ms, at 8,000 samples a second.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxdl.errors import InputError
from jaxdl.typing import Key

RATE, SIZE, HOP, FFT, BANDS = 8000, 200, 80, 256, 40


def frame_count(samples: Int[Array, "*batch"] | int, size: int = SIZE, hop: int = HOP) -> Int[Array, "*batch"]:
    """The frames that lie within so many samples: 1 + ⌊(samples − size) / hop⌋, none where there are fewer than size.

    Ten seconds every 10 ms are 998 frames of 25 ms: 1,000, less the two that would reach beyond the end.
    """
    return jnp.maximum((samples - size) // hop + 1, 0)


def frames(
    audio: Float[Array, "*batch samples"], size: int = SIZE, hop: int = HOP
) -> Float[Array, "*batch frames {size}"]:
    """Frame t is samples t·hop … t·hop + size − 1; what is left at the end is dropped.

    InputError for a size or hop below 1 and for a sound shorter than a frame.
    """
    samples = audio.shape[-1]
    if min(size, hop) < 1:
        raise InputError(f"frames of {size} samples every {hop}: expected 1 or more of both, such as {SIZE} and {HOP}")
    if samples < size:
        raise InputError(
            f"a sound of {samples} samples is shorter than a frame of {size}: pad it or give shorter frames"
        )
    starts = np.arange(0, samples - size + 1, hop)
    return audio[..., starts[:, None] + np.arange(size)]


def hann(size: int) -> Float[np.ndarray, " {size}"]:
    """w_n = ½ − ½ cos(2πn / size): the periodic window, whose copies size/2 apart sum to 1."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)


def power_spectrogram(
    audio: Float[Array, "*batch samples"], size: int = SIZE, hop: int = HOP, fft: int = FFT
) -> Float[Array, "*batch frames frequencies"]:
    """|Σ_n w_n x_n exp(−2πi kn / fft)|² of each frame, k = 0 … fft/2: frequency k is k · rate / fft.

    InputError for an fft shorter than a frame, and what `frames` refuses.
    """
    if fft < size:
        raise InputError(f"an FFT of {fft} points loses samples of a frame of {size}: expected {size} or more")
    spectrum = jnp.fft.rfft(frames(audio, size, hop) * jnp.asarray(hann(size), audio.dtype), fft)
    return spectrum.real**2 + spectrum.imag**2


def mel(hertz: np.ndarray | float) -> np.ndarray:
    """The pitch 2595 log₁₀(1 + f / 700) that a frequency has for the ear. Source: O'Shaughnessy (1987), p. 150."""
    return np.asarray(2595 * np.log10(1 + np.asarray(hertz) / 700))


def mel_filters(
    bands: int = BANDS, fft: int = FFT, rate: int = RATE, low: float = 60.0, high: float | None = None
) -> Float[np.ndarray, "frequencies {bands}"]:
    """Triangles that overlap by half, their corners equally far apart in mel from `low` to `high` hertz (rate / 2).

    Filter b rises from 0 to 1 between corners b and b + 1 and falls back to 0 at corner b + 2, linearly in hertz.
    InputError for limits out of order or above rate / 2, and where a filter is so narrow that no frequency falls in it.
    Source: Davis and Mermelstein (1980), figure 1.
    """
    high = rate / 2 if high is None else high
    if not 0 <= low < high <= rate / 2:
        raise InputError(f"mel bands from {low} to {high} Hz: expected 0 ≤ low < high ≤ {rate / 2}, half the rate")
    corners = 700 * (10 ** (np.linspace(mel(low), mel(high), bands + 2) / 2595) - 1)
    frequencies = rate / fft * np.arange(fft // 2 + 1)[:, None]
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling))
    empty = np.flatnonzero(filters.sum(0) == 0)
    if len(empty):
        raise InputError(
            f"mel band {empty[0]} of {bands} has no frequency of an FFT of {fft}: give fewer bands or a longer FFT"
        )
    return filters


def log_mel(
    audio: Float[Array, "*batch samples"],
    size: int = SIZE,
    hop: int = HOP,
    fft: int = FFT,
    bands: int = BANDS,
    rate: int = RATE,
    floor: float = 1e-6,
) -> Float[Array, "*batch frames {bands}"]:
    """log(P M + floor), P the power spectrogram and M the mel filters; the floor keeps silence finite.

    InputError: see `power_spectrogram` and `mel_filters`.
    """
    filters = jnp.asarray(mel_filters(bands, fft, rate), audio.dtype)
    return jnp.log(power_spectrogram(audio, size, hop, fft) @ filters + floor)


def normalize(
    features: Float[Array, "frames bands"], length: Int[Array, ""] | int, epsilon: float = 1e-5
) -> Float[Array, "frames bands"]:
    """Each band with mean 0 and standard deviation 1 over the first `length` frames of the utterance; 0 after them.

    So neither the loudness of a recording nor the colour of its microphone matters. A band that is constant becomes 0.
    """
    real = (jnp.arange(len(features)) < length)[:, None]
    count = jnp.maximum(length, 1)
    mean = jnp.where(real, features, 0).sum(0) / count
    centred = jnp.where(real, features - mean, 0)
    return centred / jnp.sqrt((centred**2).sum(0) / count + epsilon)


def spec_augment(
    key: Key,
    features: Float[Array, "frames bands"],
    length: Int[Array, ""] | int,
    *,
    time_masks: int = 2,
    time_width: int = 20,
    time_share: float = 0.2,
    band_masks: int = 2,
    band_width: int = 6,
) -> Float[Array, "frames bands"]:
    """The features with some frames and some bands set to 0, which is their mean where they are normalised.

    A mask has a width of 0 … its largest, each as likely, and any place where it fits. Time masks lie in the first
    `length` frames, of which one hides no more than time_share; frames after them have only their bands hidden.
    InputError for a count or a width below 0, a band_width above the bands and a share outside [0, 1].
    Source: Park et al. (2019), section 2, without the time warping.
    """
    steps, bands = features.shape
    if min(time_masks, time_width, band_masks, band_width) < 0 or band_width > bands or not 0 <= time_share <= 1:
        raise InputError(
            f"masks {time_masks} × {time_width} frames (share {time_share}) and {band_masks} × {band_width} of {bands} "
            f"bands: expected counts and widths of 0 or more, {bands} bands at most and a share in [0, 1]"
        )
    k_time, k_band = jax.random.split(key)
    widest = jnp.minimum(time_width, (time_share * jnp.asarray(length)).astype(jnp.int32))
    hidden = _stripes(k_time, time_masks, widest, jnp.asarray(length), steps)[:, None]
    hidden |= _stripes(k_band, band_masks, jnp.asarray(band_width), jnp.asarray(bands), bands)
    return jnp.where(hidden, 0, features)


def _stripes(key: Key, count: int, widest: Int[Array, ""], within: Int[Array, ""], size: int) -> Bool[Array, " size"]:
    """Which of `size` places lie under one of `count` stripes inside the first `within`."""
    k_width, k_start = jax.random.split(key)
    width = jax.random.randint(k_width, (count, 1), 0, widest + 1)
    start = jax.random.randint(k_start, (count, 1), 0, within - width + 1)
    place = jnp.arange(size)
    return ((start <= place) & (place < start + width)).any(0)
