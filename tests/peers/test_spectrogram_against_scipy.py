"""The window, the spectrogram and the synthesiser's resonators in SciPy."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal

from jaxdl.data import formants
from jaxdl.layers import spectrogram

AUDIO = np.random.default_rng(0).normal(size=(2, 1500)).astype(np.float32)


@pytest.mark.parametrize("size", [4, 25, 200])
def test_the_window_is_scipys(size):
    np.testing.assert_allclose(spectrogram.hann(size), signal.get_window("hann", size), atol=1e-12)


@pytest.mark.parametrize(("size", "hop", "fft"), [(200, 80, 256), (256, 128, 256), (100, 37, 512)])
def test_the_power_spectrogram_is_scipys(size, hop, fft):
    options = {"window": "hann", "nperseg": size, "noverlap": size - hop, "nfft": fft, "detrend": False}
    _, _, spectra = signal.spectrogram(AUDIO, 8000, mode="complex", scaling="spectrum", **options)
    expected = np.abs(spectra.swapaxes(-1, -2) * signal.get_window("hann", size).sum()) ** 2
    power = spectrogram.power_spectrogram(jnp.asarray(AUDIO), size, hop, fft)
    np.testing.assert_allclose(power, expected, rtol=1e-4, atol=1e-3)


def test_a_frequency_row_is_that_of_scipys_axis():
    frequencies, times, _ = signal.spectrogram(AUDIO[0], 8000, nperseg=200, noverlap=120, nfft=256)
    power = spectrogram.power_spectrogram(jnp.asarray(AUDIO[0]))
    assert power.shape == (len(times), len(frequencies))
    filters = spectrogram.mel_filters()
    assert (np.diff(frequencies[filters.argmax(0)]) >= 0).all()


def test_resonators_in_the_frequency_domain_are_scipys_filter_in_time():
    frequencies, bandwidths = np.array([500.0, 1500.0, 2500.0]), np.array([150.0, 200.0, 250.0])
    sound = np.zeros(formants.FFT)
    sound[:160] = AUDIO[0, :160]
    expected = sound
    for frequency, bandwidth in zip(frequencies, bandwidths, strict=True):
        radius = np.exp(-np.pi * bandwidth / 8000)
        denominator = [1, -2 * radius * np.cos(2 * np.pi * frequency / 8000), radius**2]
        expected = signal.lfilter([sum(denominator)], denominator, expected)
    through = formants.resonators(frequencies, bandwidths) * np.fft.rfft(sound)
    np.testing.assert_allclose(np.fft.irfft(through), expected, atol=2e-4)
