"""The synthesiser: resonances and pitch are where they should be, and a word is its phones."""

import numpy as np
import pytest

from jaxdl.data import formants
from jaxdl.data.formants import FFT, PHONES, PRONUNCIATIONS, RATE, Voice, resonators, synthesize
from jaxdl.errors import InputError

HERTZ = np.arange(FFT // 2 + 1) * RATE / FFT


def rng():
    return np.random.default_rng(0)


def said(monkeypatch, phones, voice):
    monkeypatch.setitem(PRONUNCIATIONS, "test", phones)
    return synthesize(["test"], voice, rng())


def spectrum(audio):
    """(hertz, power) of the middle of a sound."""
    middle = audio[len(audio) // 3 : 2 * len(audio) // 3]
    return np.fft.rfftfreq(8192, 1 / RATE), np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 8192)) ** 2


@pytest.mark.parametrize("frequency", [300.0, 1500.0, 3000.0])
def test_a_resonator_peaks_at_its_frequency_is_as_wide_as_its_bandwidth_and_leaves_a_constant_alone(frequency):
    gain = np.abs(resonators(np.array([frequency]), np.array([100.0])))
    assert HERTZ[gain.argmax()] == pytest.approx(frequency, abs=RATE / FFT)
    assert gain[0] == pytest.approx(1, abs=1e-3)
    edges = np.abs(resonators(np.array([frequency]), np.array([400.0]))) ** 2
    assert np.ptp(HERTZ[edges > edges.max() / 2]) == pytest.approx(400, rel=0.15)


def test_resonators_in_a_row_multiply():
    both = resonators(np.array([[500.0, 1500.0]]), np.array([80.0, 90.0]))
    one, other = (resonators(np.array([[f]]), np.array([b])) for f, b in ((500.0, 80.0), (1500.0, 90.0)))
    np.testing.assert_allclose(both, one * other, rtol=1e-5)


@pytest.mark.parametrize("vowel", ["IY", "AA", "EH"])
@pytest.mark.parametrize("scale", [1.0, 1.15])
def test_a_vowel_is_loud_at_its_formants_which_a_shorter_tract_raises(monkeypatch, vowel, scale):
    hertz, power = spectrum(said(monkeypatch, f"{vowel} {vowel}", Voice(100.0, scale)))
    second = PHONES[vowel].f2 * scale
    around = power[np.abs(hertz - second) < 100].max()
    first = PHONES[vowel].f1 * scale
    between = power[np.abs(hertz - (first + second) / 2) < 60].max()
    assert around > 1.5 * between
    low = (hertz > 60) & (hertz < (first + second) / 2)
    assert hertz[low][power[low].argmax()] == pytest.approx(first, abs=70)  # the harmonic that is closest to it


@pytest.mark.parametrize("pitch", [100.0, 200.0])
def test_the_harmonics_are_multiples_of_the_pitch(monkeypatch, pitch):
    audio = said(monkeypatch, "AH AH AH", Voice(pitch))
    middle = audio[len(audio) // 3 : 2 * len(audio) // 3]
    lags = np.correlate(middle, middle, "full")[len(middle) :]
    period = 1 + np.argmax(np.where(np.arange(len(lags)) > RATE // 300, lags, 0))
    assert RATE / period == pytest.approx(pitch, rel=0.06)


def test_a_hiss_is_high_and_a_silence_before_a_stop_is_silent(monkeypatch):
    hertz, power = spectrum(said(monkeypatch, "S S S", Voice()))
    assert power[hertz > 3000].sum() > 5 * power[hertz < 3000].sum()
    audio = said(monkeypatch, "AA _ _ _ AA", Voice())
    loud = np.abs(audio)
    middle = len(loud) // 2
    assert loud[middle - 200 : middle + 200].max() < 1e-3 * loud.max()


def test_formants_move_steadily_from_phone_to_phone():
    """Half of each phone is steady; one without a value is passed over."""
    phones = np.array([[100.0], [np.nan], [300.0]])
    courses = formants._courses(phones, np.array([0.1, 0.1, 0.1]))[:, 0]
    time = np.arange(len(courses)) * formants.HOP / RATE
    np.testing.assert_allclose(courses, np.interp(time, [0.075, 0.225], [100, 300]))


def test_a_fast_speaker_is_brief_and_all_words_can_be_said_as_loud():
    slow, fast = (len(synthesize(["seven"], Voice(speed=speed), rng())) for speed in (0.8, 1.6))
    assert slow == pytest.approx(2 * fast, abs=2)
    for word in PRONUNCIATIONS:
        audio = synthesize([word], Voice(), rng())
        assert audio.dtype == np.float32
        assert np.sqrt(np.mean(audio**2)) == pytest.approx(0.1, rel=1e-3)


def test_frames_that_nothing_filters_add_up_to_the_sound_they_were_cut_from():
    sound = rng().normal(size=20 * formants.HOP)
    back = formants._overlap_added(np.fft.irfft(formants._framed(sound), FFT))
    inside = slice(formants.HOP, 18 * formants.HOP)
    np.testing.assert_allclose(back[inside], sound[inside], atol=1e-6)


def test_voices_are_high_and_low_and_the_high_ones_have_higher_formants():
    draw = rng()
    voices = [Voice.draw(draw) for _ in range(400)]
    pitch, scale = np.array([(voice.pitch, voice.formants) for voice in voices]).T
    assert 85 <= pitch.min() < 90
    assert 245 < pitch.max() <= 255
    assert np.corrcoef(pitch, scale)[0, 1] > 0.8


def test_what_cannot_be_said_is_named():
    with pytest.raises(InputError, match="unknown word 'fife': did you mean five"):
        synthesize(["one", "fife"], Voice(), rng())
    with pytest.raises(InputError, match="no words to say"):
        synthesize([], Voice(), rng())
