import numpy as np
import pytest

from jaxdl.data import melodies
from jaxdl.data.melodies import broken_rules
from jaxdl.data.text import PAD, SPECIAL, UNK
from jaxdl.errors import InputError

A = ["E4:2", "F#4:2", "G4:2", "A4:2", "G4:2", "E4:2", "D4:4"]  # E F# G A | G E D, which is a step above in D major
B = ["F#4:4", "G4:2", "B4:2", "B4:4", "A4:4"]
TUNE = ["D major", *A, *A, *B, *A]


def changed(place, note):
    return [note if row == place else symbol for row, symbol in enumerate(TUNE)]


def in_every_a(place, note):
    tune = list(TUNE)
    for start in (1, 8, 20):
        tune[start + place] = note
    return tune


@pytest.fixture(scope="module")
def data():
    return melodies.load(300)


def parts(data):
    return data.train, data.dev, data.test


def test_the_vocabulary_is_of_the_training_melodies_alone():
    """Two of ten melodies don't have all the notes of the others."""
    few = melodies.load(10, (0.2, 0.4, 0.4))
    assert set(few.train.fields["tokens"].ravel()) - {PAD} == set(range(len(SPECIAL), len(few.vocabulary)))
    assert (few.test.fields["tokens"] == UNK).any()


def test_a_tune_written_by_hand_obeys_the_grammar():
    assert broken_rules(TUNE) == ()


@pytest.mark.parametrize(
    ("tune", "broken"),
    [
        ([], ("key", "range", "rhythm", "form", "steps", "cadence")),
        (TUNE[1:], ("key", "range", "rhythm", "form", "steps", "cadence")),
        (["E major", *TUNE[1:]], ("key", "range", "rhythm", "form", "steps", "cadence")),
        (["D", *TUNE[1:]], ("key", "range", "rhythm", "form", "steps", "cadence")),
        (["C major", *TUNE[1:]], ("range", "rhythm", "form", "steps", "cadence")),
        (changed(2, "F4:2"), ("range", "rhythm", "form", "steps", "cadence")),
        (changed(2, "F#6:2"), ("range", "rhythm", "form", "steps", "cadence")),
        (changed(2, "<UNK>"), ("range", "rhythm", "form", "steps", "cadence")),
        (changed(2, "F#4:1"), ("rhythm", "form", "steps", "cadence")),
        (TUNE[:-1], ("rhythm", "form", "steps", "cadence")),
        ([*TUNE, "D4:4"], ("rhythm", "form", "steps", "cadence")),
        (["D major", *A, *A, *B[:3], "A4:2", "G4:2", "A4:4", *A], ()),
        (["D major", *A, *A, *B[:3], "A4:4", "G4:2", "A4:2", *A], ("rhythm", "form", "steps", "cadence")),
        (["D major"], ("rhythm", "form", "steps", "cadence")),
        (changed(3, "F#4:2"), ("form",)),
        (["D major", *A, *A, *A, *A], ("form", "cadence")),
        (in_every_a(0, "B4:2"), ("steps",)),
        (in_every_a(5, "F#4:2"), ("cadence",)),
        (in_every_a(6, "F#4:4"), ("cadence",)),
        (changed(19, "G4:4"), ("cadence",)),
    ],
)
def test_a_tune_that_is_wrong_in_one_place_breaks_the_rule_that_says_so(tune, broken):
    assert broken_rules(tune) == broken


def test_scales_are_spelled_as_musicians_spell_them():
    assert melodies.pitches("C") == ("C4", "D4", "E4", "F4", "G4", "A4", "B4", "C5", "D5", "E5")
    assert melodies.pitches("Bb") == ("Bb4", "C5", "D5", "Eb5", "F5", "G5", "A5", "Bb5", "C6", "D6")
    half_steps = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    for key in melodies.KEYS:
        heights = [
            half_steps[name[0]] + {"#": 1, "b": -1}.get(name[1], 0) + 12 * int(name[-1])
            for name in melodies.pitches(key)
        ]
        np.testing.assert_array_equal(np.diff(heights), [2, 2, 1, 2, 2, 2, 1, 2, 2])


def test_every_melody_obeys_the_grammar_and_is_there_once(data):
    tunes = [tuple(data.vocabulary.decode(row)) for part in parts(data) for row in part.fields["tokens"]]
    assert len(set(tunes)) == len(tunes) == 300
    whole = melodies.load(300, (1.0, 0.0, 0.0))
    for tune in whole.train.fields["tokens"]:
        assert broken_rules(whole.vocabulary.decode(tune)) == ()
    assert {tune[0] for tune in tunes} == {"C major", "D major", "F major", "G major", "Bb major"}


def test_notes_in_another_order_are_hardly_ever_a_melody(data):
    rng = np.random.default_rng(0)
    shuffled = [data.vocabulary.decode(row) for row in data.train.fields["tokens"]]
    assert all(broken_rules([tune[0], *rng.permutation(tune[1:]).tolist()]) for tune in shuffled)


def test_the_form_is_that_of_all_sequences_and_the_seed_decides(data):
    assert [len(part) for part in parts(data)] == [240, 30, 30]
    for part in parts(data):
        np.testing.assert_array_equal((part.fields["tokens"] > 0).sum(1), part.fields["length"])
    again, other = melodies.load(300), melodies.load(300, seed=1)
    np.testing.assert_array_equal(again.train.fields["tokens"], data.train.fields["tokens"])
    assert not np.array_equal(other.train.fields["length"], data.train.fields["length"])


@pytest.mark.parametrize(
    ("options", "message"), [({"size": 9}, "9 melodies are too few"), ({"fractions": (0.5, 0.2, 0.2)}, "sum to 1")]
)
def test_what_cannot_be_made_is_explained(options, message):
    with pytest.raises(InputError, match=message):
        melodies.load(**options)
