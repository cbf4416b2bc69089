from collections import Counter

import numpy as np
import pytest

from jaxdl.data import entities
from jaxdl.data.entities import TAGS
from jaxdl.data.text import UNK
from jaxdl.errors import InputError


@pytest.fixture(scope="module")
def data():
    return entities.load(1500)


@pytest.fixture(scope="module")
def sentences():
    """(words, tags, marks) of each sentence of each part, with the words that the vocabulary lacks."""
    found = []
    rng = np.random.default_rng(0)
    for known in entities._lexicons(0):
        found.append([tuple(zip(*sentence, strict=True)) for sentence in entities._sentences(known, 600, rng)])
    return found


def parts(data):
    return data.train, data.dev, data.test


def spans(words, tags):
    """The names in a sentence, with their tags."""
    found = []
    for word, tag in zip(words, tags, strict=True):
        if tag.startswith("B-"):
            found.append((tag[2:], word))
        elif tag.startswith("I-"):
            assert found
            assert found[-1][0] == tag[2:]
            found[-1] = (tag[2:], f"{found[-1][1]} {word}")
    return found


def test_tags_begin_and_go_on_as_bio_has_it(data):
    for part in parts(data):
        real = np.arange(part.fields["tags"].shape[1]) < part.fields["length"][:, None]
        tags, tokens = part.fields["tags"], part.fields["tokens"]
        np.testing.assert_array_equal(tokens > 0, real)
        assert not tags[~real].any()
        assert not part.fields["ambiguous"][~real].any()
        before = np.pad(tags, ((0, 0), (1, 0)))[:, :-1]
        for inside in (TAGS.index(tag) for tag in TAGS if tag.startswith("I-")):
            assert np.isin(before[tags == inside], [inside - 1, inside]).all()
        assert set(np.unique(tags)) == set(range(len(TAGS)))


def test_up_to_an_ambiguous_word_it_is_as_often_a_person_as_not(data):
    for part in parts(data):
        counts = {True: Counter(), False: Counter()}
        for row, place in np.argwhere(part.fields["ambiguous"]):
            person = part.fields["tags"][row, place] == TAGS.index("B-PER")
            counts[bool(person)][tuple(part.fields["tokens"][row, : place + 1].tolist())] += 1
        assert counts[True] == counts[False]
        assert sum(counts[True].values()) == pytest.approx(len(part) / 4, abs=1)


def test_what_follows_an_ambiguous_word_tells_what_it_is(sentences):
    readings = {}
    for words, tags, marks in [sentence for part in sentences for sentence in part]:
        if 1 in marks:
            place = marks.index(1)
            readings.setdefault(words[place + 1 : place + 3], set()).add(tags[place])
    assert all(len(tags) == 1 for tags in readings.values())
    assert set.union(*readings.values()) == {"B-PER", "B-LOC", "O"}


def test_teddy_is_a_president_or_a_toy(sentences):
    read = {}
    for words, tags, _ in [sentence for part in sentences for sentence in part if "Teddy" in sentence[0]]:
        place = words.index("Teddy")
        read[words[place : place + 2]] = tags[place : place + 2]
    assert read == {("Teddy", "Roosevelt"): ("B-PER", "I-PER"), ("Teddy", "bears"): ("O", "O")}


def test_no_part_has_the_names_of_another(sentences):
    train, dev, test = ({span for words, tags, _ in part for span in spans(words, tags)} for part in sentences)
    assert (train & dev) | (train & test) | (dev & test) == {("PER", "Teddy Roosevelt")}
    assert {kind for kind, _ in test} == {"PER", "LOC", "LANG"}
    given = [{name.split()[0] for kind, name in part if kind == "PER"} for part in (train, dev, test)]
    assert (given[0] & given[1]) | (given[0] & given[2]) | (given[1] & given[2]) == {"Teddy"}


def test_most_words_of_the_held_out_names_are_unknown_and_all_other_words_are_known(data):
    for part in (data.dev, data.test):
        unknown, real = part.fields["tokens"] == UNK, part.fields["tokens"] > 0
        names = part.fields["tags"] > 0
        assert unknown[names & (part.fields["ambiguous"] == 0)].mean() > 0.7
        assert not unknown[real & ~names].any()
    assert (data.train.fields["tokens"] == UNK).any()


def test_the_seed_decides(data):
    again, other = entities.load(1500), entities.load(1500, seed=1)
    np.testing.assert_array_equal(data.test.fields["tokens"], again.test.fields["tokens"])
    assert data.vocabulary == again.vocabulary != other.vocabulary
    assert data.classes == TAGS


def test_too_few_sentences_are_refused():
    with pytest.raises(InputError, match="99 sentences are too few"):
        entities.load(99)
