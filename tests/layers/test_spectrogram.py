"""The speech front end: tones land where they should, the energy is Parseval's, padding and loudness change nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.errors import InputError
from jaxdl.layers.spectrogram import (
    frame_count,
    frames,
    hann,
    log_mel,
    mel,
    mel_filters,
    normalize,
    power_spectrogram,
    spec_augment,
)

RANDOM = np.random.default_rng(0)
NOISE = jnp.asarray(RANDOM.normal(size=1000), jnp.float32)


def test_frames_follow_each_other_by_a_hop_and_the_rest_is_dropped():
    cut = frames(jnp.arange(11.0), 4, 3)
    np.testing.assert_array_equal(cut, [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]])
    np.testing.assert_array_equal(frames(jnp.stack([jnp.arange(11.0)] * 2), 4, 3), [cut, cut])


@pytest.mark.parametrize("samples", [0, 3, 4, 6, 7, 10, 11])
def test_the_frames_are_as_many_as_counted(samples):
    counted = int(frame_count(samples, 4, 3))
    assert counted == sum(1 for start in range(0, samples, 3) if start + 4 <= samples)
    if counted:
        assert len(frames(jnp.zeros(samples), 4, 3)) == counted


def test_ten_seconds_are_a_thousand_frames_less_those_that_reach_beyond_the_end():
    np.testing.assert_array_equal(frame_count(jnp.array([80_000, 80_120])), [998, 1000])


def test_hann_windows_half_their_size_apart_sum_to_one():
    np.testing.assert_allclose(hann(200)[:100] + hann(200)[100:], 1)
    np.testing.assert_allclose(hann(4), [0, 0.5, 1, 0.5], atol=1e-15)


@pytest.mark.parametrize("frequency", [500, 1000, 3000])
def test_a_tone_has_its_power_at_its_frequency(frequency):
    tone = 0.7 * jnp.sin(2 * jnp.pi * frequency * jnp.arange(2000) / 8000)
    power = power_spectrogram(tone, 256, 80, 256)
    np.testing.assert_array_equal(power.argmax(-1), frequency * 256 // 8000)
    np.testing.assert_allclose(power.max(-1), (0.7 * hann(256).sum() / 2) ** 2, rtol=1e-4)


def test_the_power_is_the_energy_of_the_windowed_frame():
    """Parseval, the frequencies between 0 and half the rate counted twice."""
    power = power_spectrogram(NOISE, 200, 80, 256)
    both = 2 * power.sum(-1) - power[:, 0] - power[:, -1]
    windowed = frames(NOISE, 200, 80) * hann(200)
    np.testing.assert_allclose(both / 256, (windowed**2).sum(-1), rtol=1e-5)


def test_the_mel_scale_gives_a_thousand_to_a_thousand_hertz_and_less_to_each_further_one():
    assert mel(0.0) == 0
    np.testing.assert_allclose(mel(1000.0), 1000, rtol=1e-4)
    assert (np.diff(mel(np.arange(0.0, 4000, 100)), 2) < 0).all()


def test_mel_filters_are_triangles_that_sum_to_one_between_the_first_and_the_last():
    filters = mel_filters(20, 2048, 8000, 100.0, 3500.0)
    hertz = np.arange(1025) * 8000 / 2048
    peaks = hertz[filters.argmax(0)]
    np.testing.assert_allclose(np.diff(mel(peaks)), (mel(3500.0) - mel(100.0)) / 21, rtol=0.15)
    inside = (hertz > peaks[0] + 4) & (hertz < peaks[-1] - 4)
    np.testing.assert_allclose(filters[inside].sum(1), 1)
    assert not filters[(hertz <= 100) | (hertz >= 3500)].any()
    assert ((filters > 0).sum(1) <= 2).all()


def test_log_mel_is_the_logarithm_of_the_filtered_power_and_finite_in_silence():
    expected = np.log(np.asarray(power_spectrogram(NOISE)) @ mel_filters() + 1e-6)
    np.testing.assert_allclose(log_mel(NOISE), expected, atol=1e-4)
    np.testing.assert_allclose(log_mel(jnp.zeros(400)), np.log(1e-6), rtol=1e-6)
    both = log_mel(jnp.stack([NOISE, 2 * NOISE]))
    np.testing.assert_allclose(both[1] - both[0], np.log(4), atol=1e-4)


def test_what_follows_a_sound_changes_no_frame_of_it():
    count = int(frame_count(700))
    np.testing.assert_array_equal(log_mel(NOISE)[:count], log_mel(NOISE.at[700:].set(9.0))[:count])


def test_log_mel_has_the_gradient_of_its_finite_differences():
    with jax.enable_x64():
        audio = jnp.asarray(RANDOM.normal(size=80))
        check_grads(lambda audio: log_mel(jnp.asarray(audio), 40, 20, 64, 5), (audio,), 1, ["rev"])


def test_a_normalised_utterance_has_mean_0_and_deviation_1_whatever_its_loudness_and_padding():
    features = jnp.asarray(RANDOM.normal(size=(12, 5)) * [1, 2, 3, 4, 0] + 7, jnp.float32)
    out = jax.jit(normalize)(features, 9)
    np.testing.assert_allclose(out[:9].mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(out[:9].std(0), [1, 1, 1, 1, 0], atol=1e-4)
    np.testing.assert_array_equal(out[9:], 0)
    np.testing.assert_allclose(out, normalize(features.at[9:].set(jnp.nan), 9), atol=1e-4)
    np.testing.assert_allclose(out, normalize(features + 3, 9), atol=1e-4)
    assert jnp.isfinite(normalize(features, 0)).all()


def masked(count, length=30, **options):
    """Whether each of count × [40, 10] features was hidden."""
    keys = jax.random.split(jax.random.key(0), count)
    ones = jnp.ones((40, 10))
    augmented = jax.jit(jax.vmap(lambda key: spec_augment(key, ones, length, **options)))(keys)
    return np.asarray(augmented == 0)


def test_time_masks_are_whole_frames_of_the_utterance_no_wider_than_allowed_and_fall_anywhere():
    hidden = masked(3000, time_masks=1, time_width=5, band_masks=0)
    assert (hidden == hidden[:, :, :1]).all()
    width = hidden[:, :, 0].sum(1)
    np.testing.assert_allclose(np.bincount(width) / 3000, 1 / 6, atol=0.03)
    assert not hidden[:, 30:].any()
    edges = np.abs(np.diff(hidden[:, :, 0].astype(int), axis=1)).sum(1)
    assert edges.max() <= 2  # in one piece
    first = hidden[width == 5][:, :, 0].argmax(1)
    np.testing.assert_array_equal(np.unique(first), np.arange(26))


def test_a_time_mask_hides_no_more_than_its_share_of_the_utterance():
    assert masked(500, time_masks=1, time_width=20, time_share=0.2, band_masks=0)[:, :, 0].sum(1).max() == 6
    assert not masked(5, length=4, time_masks=3, time_share=0.2, band_masks=0).any()


def test_band_masks_are_whole_bands_and_fall_anywhere():
    hidden = masked(2000, time_masks=0, band_masks=1, band_width=3)
    assert (hidden == hidden[:, :1]).all()
    width = hidden[:, 0].sum(1)
    np.testing.assert_allclose(np.bincount(width) / 2000, 1 / 4, atol=0.04)
    np.testing.assert_array_equal(np.unique(hidden[width == 3][:, 0].argmax(1)), np.arange(8))


def test_two_masks_are_drawn_apart_and_what_is_not_hidden_stays():
    hidden = masked(2000, time_masks=0, band_masks=2, band_width=3)
    pieces = (np.diff(np.pad(hidden[:, 0], ((0, 0), (1, 0))).astype(int), axis=1) == 1).sum(1)
    assert pieces.max() == 2
    features = jnp.asarray(RANDOM.normal(size=(40, 10)), jnp.float32)
    out = spec_augment(jax.random.key(1), features, 30)
    np.testing.assert_array_equal(out, jnp.where(out == 0, 0, features))
    assert 0 < (out == 0).mean() < 1
    np.testing.assert_array_equal(spec_augment(jax.random.key(1), features, 30, time_masks=0, band_masks=0), features)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: frames(NOISE, 0, 3), "expected 1 or more of both"),
        (lambda: frames(NOISE[:7], 8), "a sound of 7 samples is shorter than a frame of 8"),
        (lambda: power_spectrogram(NOISE, 200, 80, 128), "an FFT of 128 points loses samples of a frame of 200"),
        (lambda: mel_filters(10, 256, 8000, 100.0, 5000.0), "expected 0 ≤ low < high ≤ 4000"),
        (lambda: mel_filters(100, 128), r"mel band \d+ of 100 has no frequency of an FFT of 128"),
        (lambda: spec_augment(jax.random.key(0), jnp.ones((4, 3)), 4, band_width=4), "3 bands at most"),
        (lambda: spec_augment(jax.random.key(0), jnp.ones((4, 9)), 4, time_share=1.5), "a share in"),
    ],
)
def test_what_makes_no_sense_is_refused(act, message):
    with pytest.raises(InputError, match=message):
        act()
