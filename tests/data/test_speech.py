"""Spoken words: who says what, in which room, where the trigger is, and what a WAV file must be."""

import wave

import numpy as np
import pytest

from jaxdl.data import speech
from jaxdl.data.formants import RATE
from jaxdl.data.speech import COMMANDS, DIGITS, Room, backgrounds, held, read_wav, recorded, write_wav
from jaxdl.errors import InputError

QUIET = Room((80.0, 80.0), 0.0)


@pytest.fixture(scope="module")
def data():
    return speech.load(180, most=3)


@pytest.fixture(scope="module")
def triggers():
    return speech.load_triggers(100, seconds=2.5, room=QUIET)


def parts(data):
    return data.train, data.dev, data.test


def whole(data, name):
    return np.concatenate([part.fields[name] for part in parts(data)])


def test_no_speaker_is_in_two_parts_and_all_speak_as_often(data):
    train, dev, test = (set(part.fields["speaker"].tolist()) for part in parts(data))
    assert (len(train), len(dev), len(test)) == (48, 6, 6)
    assert not (train & dev) | (train & test) | (dev & test)
    np.testing.assert_array_equal(np.bincount(whole(data, "speaker")), 3)


def test_labels_are_the_words_and_never_the_blank(data):
    labels, length = whole(data, "labels"), whole(data, "label_length")
    real = np.arange(labels.shape[1]) < length[:, None]
    np.testing.assert_array_equal(labels >= 4, real)
    assert set(length.tolist()) == {1, 2, 3}
    assert set(data.vocabulary.decode(labels[real])) == set(DIGITS)


def test_audio_is_silent_after_its_length_and_longer_for_more_words(data):
    audio, length = whole(data, "audio"), whole(data, "audio_length")
    assert audio.dtype == np.float32
    assert np.abs(audio).max() <= 1
    after = np.arange(audio.shape[1]) >= length[:, None]
    assert not audio[after].any()
    assert (np.abs(audio).max(1) > 0.03).all()
    words = whole(data, "label_length")
    means = [length[words == count].mean() / RATE for count in (1, 2, 3)]
    assert 0.2 < means[0] < 0.7
    assert np.all(np.diff(means) > 0.2)


def test_characters_spell_the_words_with_a_space_between():
    data = speech.load(100, ("yes", "no"), 2, "character")
    spelled = {"".join(data.vocabulary.decode(row)) for row in whole(data, "labels")}
    assert spelled == {"yes", "no", "yes yes", "yes no", "no yes", "no no"}


def test_a_word_is_told_from_others_by_the_mean_sounds_of_other_speakers():
    """Nearest mean of a coarse spectrogram: a recogniser that knows nothing, on speakers it has not heard."""
    data = speech.load(300, ("six", "one", "three", "go"), 1, room=Room((20.0, 40.0), 0.0))

    def coarse(part):
        rows = []
        for audio, length in zip(part.fields["audio"], part.fields["audio_length"], strict=True):
            pieces = np.array([chunk[:256] for chunk in np.array_split(audio[:length], 6)])
            power = np.abs(np.fft.rfft(pieces * np.hanning(256)))[:, :128].reshape(6, 16, 8).mean(-1)
            rows.append(np.log(power + 1e-2).ravel())
        return np.array(rows), part.fields["labels"][:, 0]

    (x, y), (x_test, y_test) = coarse(data.train), coarse(data.test)
    means = np.stack([x[y == label].mean(0) for label in range(4, 8)])
    guess = 4 + ((x_test[:, None] - means) ** 2).sum(-1).argmin(1)
    assert (guess == y_test).mean() > 0.8


def test_the_seed_decides(data):
    again, other = speech.load(180, most=3), speech.load(180, most=3, seed=1)
    np.testing.assert_array_equal(data.test.fields["audio"], again.test.fields["audio"])
    assert not np.array_equal(whole(data, "labels"), whole(other, "labels"))


def test_noise_is_as_far_below_the_speech_as_asked():
    tone = np.sin(np.arange(8000) / 3).astype(np.float32) / 10
    for decibels in (0.0, 20.0):
        heard = recorded(tone, Room((decibels, decibels), 0.0), np.random.default_rng(0)).astype(float)
        loudness = heard @ tone / (tone @ tone)  # the noise is as good as orthogonal to the tone
        noise = heard - loudness * tone
        ratio = 10 * np.log10(loudness**2 * (tone @ tone) / (noise @ noise))
        assert ratio == pytest.approx(decibels, abs=0.5)


def test_noise_is_taken_from_recordings_where_there_are_some():
    hum = np.sin(2 * np.pi * 250 * np.arange(900) / RATE).astype(np.float32)
    heard = recorded(np.full(8000, 1e-6, np.float32), Room((-60.0, -60.0), 0.0, (hum,)), np.random.default_rng(0))
    power = np.abs(np.fft.rfft(heard)) ** 2
    assert power[200:300].sum() > 0.95 * power.sum()


def test_an_echo_follows_the_sound_10_db_below_it_and_dies():
    click = np.zeros(8000, np.float32)
    click[100] = 1
    heard = recorded(click, Room((200.0, 200.0), 0.3), np.random.default_rng(0)).astype(float)
    heard /= np.sqrt(np.sum(heard**2))
    after = heard[101:]
    assert np.abs(heard[:100]).max() < 1e-6
    assert 0.02 < np.sum(after**2) < 0.2
    assert np.sum(after[:400] ** 2) > np.sum(after[400:800] ** 2) > np.sum(after[800:1600] ** 2)
    assert np.abs(after[2500:]).max() < 1e-6
    dry = recorded(click, QUIET, np.random.default_rng(0))
    assert np.abs(dry[101:]).max() < 1e-3


def test_a_trigger_is_held_from_the_first_frame_that_has_heard_all_of_it():
    ends = np.array([[300, -1], [200, 1200], [-1, -1]])
    label = held(ends, 12, frame=200, hop=100, hold=3)
    np.testing.assert_array_equal(np.flatnonzero(label[0]), [1, 2, 3])  # frame 1 is samples 100 … 299
    np.testing.assert_array_equal(np.flatnonzero(label[1]), [0, 1, 2, 10, 11])
    assert not label[2].any()


def test_a_clip_has_the_trigger_as_often_as_ends_and_labels_say(triggers):
    ends, labels = whole(triggers, "ends"), whole(triggers, "labels")
    (trigger,) = triggers.vocabulary.encode(["activate"])
    counts = (ends >= 0).sum(1)
    np.testing.assert_array_equal((labels == trigger).sum(1), counts)
    assert set(counts.tolist()) == {0, 1, 2}
    assert whole(triggers, "audio").shape == (100, 20_000)
    frames = (20_000 - 200) // 80 + 1
    np.testing.assert_array_equal(whole(triggers, "trigger"), held(ends, frames))
    others = set(triggers.vocabulary.decode(labels[labels >= 4])) - {"activate"}
    assert others == {*DIGITS, *COMMANDS, "active"}


def test_a_trigger_is_loud_before_its_end_and_followed_by_a_pause(triggers):
    for audio, ends in zip(whole(triggers, "audio"), whole(triggers, "ends"), strict=True):
        for end in ends[ends >= 0]:
            assert np.abs(audio[end - 1600 : end]).max() > 0.02
            assert np.abs(audio[end - 160 : end + 160]).max() < 0.3 * np.abs(audio[end - 6000 : end]).max()


def test_what_is_written_is_read(tmp_path):
    sound = np.array([0.5, -1, 0, 2**-15, 2], np.float32)
    write_wav(tmp_path / "b.wav", sound)
    write_wav(tmp_path / "a.WAV", sound[:2])
    np.testing.assert_array_equal(read_wav(tmp_path / "b.wav"), [0.5, -1, 0, 2**-15, 1 - 2**-15])
    assert [len(found) for found in backgrounds(tmp_path)] == [2, 5]


def written(path, data, rate=RATE, channels=1, width=2):
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", "not compressed"))
        file.writeframes(data)
    return path


def test_files_of_another_kind_are_refused_with_the_command_that_converts_them(tmp_path):
    for options in ({"rate": 16_000}, {"channels": 2}, {"width": 1}):
        path = written(tmp_path / "x.wav", bytes(range(8)), **options)
        found = {"rate": RATE, "channels": 1, "width": 2, **options}
        says = f"{found['rate']} samples a second, {found['channels']} channels, {8 * found['width']} bits.*ffmpeg -i"
        with pytest.raises(InputError, match=says):
            read_wav(path)


def test_files_that_are_silent_cut_short_or_no_sound_are_refused(tmp_path):
    with pytest.raises(InputError, match="is silent"):
        read_wav(written(tmp_path / "silent.wav", bytes(100)))
    with pytest.raises(InputError, match="is silent"):
        read_wav(written(tmp_path / "empty.wav", b""))
    good = written(tmp_path / "cut.wav", bytes(range(200))).read_bytes()
    (tmp_path / "cut.wav").write_bytes(good[:-50])
    with pytest.raises(InputError, match="cut short: 75 of 100 samples"):
        read_wav(tmp_path / "cut.wav")
    for name, content in (("header.wav", good[:20]), ("nothing.wav", b""), ("text.wav", b"hello, this is a text")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"{name} can't be read as a WAV file"):
            read_wav(tmp_path / name)
    with pytest.raises(InputError, match=r"nothing.wav can't be read as a WAV file: it ends too early"):
        read_wav(tmp_path / "nothing.wav")
    with pytest.raises(InputError, match="can't be read"):
        read_wav(tmp_path / "missing.wav")
    with pytest.raises(InputError, match="has no WAV file"):
        backgrounds(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: speech.load(99), "expected 100 or more"),
        (lambda: speech.load(100, most=0), "expected 100 or more utterances of 1 or more words"),
        (lambda: speech.load(100, ()), "of 0 words"),
        (lambda: Room((20.0, 10.0)), "expected .low, high. decibels"),
        (lambda: Room(echo=-0.1), "0 s or more"),
        (lambda: speech.load(100, ("one", "twoo")), "unknown word 'twoo': did you mean two"),
        (lambda: speech.load_triggers(100, seconds=1.5), "of 2 s or more"),
        (lambda: speech.load_triggers(100, "activated"), "did you mean activate"),
    ],
)
def test_what_cannot_be_made_is_explained(act, message):
    with pytest.raises(InputError, match=message):
        act()
