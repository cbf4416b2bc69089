"""Melodies made by a network and by counting, and how they are judged."""

import numpy as np
import pytest

from experiments.sequences.music_generation import RULES, SHARES, Config, judged, measure, rolls, semitones, symbols
from jaxdl.data import melodies
from jaxdl.train.settings import Run

SMALL = Config(
    seeds=1, size=300, hidden=32, epochs=6, batch_size=16, orders=(2, 8), temperatures=(0.3, 1.0), samples=40
)


@pytest.fixture(scope="module")
def made():
    data = melodies.load(40)
    return [symbols(data, tokens) for tokens in data.train.fields["tokens"]]


def test_the_grammar_s_own_melodies_obey_every_rule_and_are_new_unless_they_are_known(made):
    whole = dict(zip(SHARES, judged(made, set(made[: len(made) // 4])), strict=True))
    assert whole == {**dict.fromkeys((*RULES, "all"), 1.0), "all and new": 0.75}


def test_a_melody_without_its_last_note_breaks_what_it_should(made):
    cut = dict(zip(SHARES, judged([melody[:-1] for melody in made], set()), strict=True))
    assert cut["key"] == cut["range"] == 1
    assert cut["rhythm"] == cut["form"] == cut["all"] == cut["all and new"] == 0


@pytest.mark.parametrize(("pitch", "height"), [("C4", 0), ("F#4", 6), ("Bb4", 10), ("C5", 12), ("Eb5", 15), ("B3", -1)])
def test_a_pitch_has_its_height_on_the_keyboard(pitch, height):
    assert semitones(pitch) == height


def test_a_piano_roll_has_a_bar_for_each_note_at_its_pitch_and_as_long(made):
    sheet = rolls({"one": made[0]})
    boxes = sheet.axes[0].patches
    notes = [note.split(":") for note in made[0][1:]]
    assert len(boxes) == len(notes)
    middles = [box.get_y() + box.get_height() / 2 for box in boxes]
    np.testing.assert_allclose(middles, [semitones(pitch) for pitch, _ in notes])
    np.testing.assert_allclose([box.get_width() for box in boxes], [0.95 * int(eighths) / 8 for _, eighths in notes])
    assert boxes[0].get_x() == 1
    assert boxes[-1].get_x() + int(notes[-1][1]) / 8 == pytest.approx(9)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return measure(SMALL, Run(tmp_path_factory.mktemp("music"), mesh="data=1"))


def test_two_notes_back_tell_no_rhythm_and_a_long_memory_of_counts_only_quotes(measured):
    _, shares, _ = measured
    short, long = (dict(zip(SHARES, shares[name][0].T, strict=True)) for name in ("2-gram", "8-gram"))
    assert (short["all"] < 0.05).all()
    assert long["all"][0] > 0.3  # cold, it plays what it has seen
    assert (long["all and new"] < long["all"]).any()


def test_the_network_learns_the_key_before_the_form(measured):
    bits, shares, _ = measured
    found = dict(zip(SHARES, shares["gru"][0].T, strict=True))
    assert bits["gru"] < 6  # of the log₂ 97 of a note at random
    assert (found["key"] > 0.8).all()
    assert (found["form"] < 0.3).all()


def test_an_example_of_the_grammar_and_of_each_model_is_shown(measured):
    _, _, examples = measured
    assert list(examples) == [
        "grammar", "gru, temperature 0.3", "2-gram, temperature 0.3", "8-gram, temperature 0.3"
    ]  # fmt: skip
    assert melodies.broken_rules(examples["grammar"]) == ()
