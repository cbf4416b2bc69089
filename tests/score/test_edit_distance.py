"""The edit distance is the fewest edits, and its alignment makes them."""

from functools import cache
from itertools import product

import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.score.edit_distance import alignment, character_error_rate, distances, edits, error_rate, word_error_rate

TEXTS = ["".join(letters) for length in range(5) for letters in product("ab", repeat=length)]


@cache
def fewest(reference, found):
    """By its definition: the last tokens are a pair, or one of them is added or left out."""
    if not reference or not found:
        return len(reference) + len(found)
    pair = fewest(reference[:-1], found[:-1]) + (reference[-1] != found[-1])
    return min(pair, fewest(reference[:-1], found) + 1, fewest(reference, found[:-1]) + 1)


@pytest.mark.parametrize(
    ("reference", "found", "kinds"),
    [
        ("kitten", "sitting", (2, 1, 0)),
        ("abc", "abc", (0, 0, 0)),
        ("", "abc", (0, 3, 0)),
        ("abc", "", (0, 0, 3)),
        ("abcd", "acd", (0, 0, 1)),
        ("abd", "abcd", (0, 1, 0)),
        ("abc", "xyz", (3, 0, 0)),
    ],
)
def test_edits_by_hand(reference, found, kinds):
    """(substitutions, insertions, deletions); kitten → sitten → sittin → sitting."""
    assert edits(reference, found) == kinds
    assert edits(reference, found).total == sum(kinds)


def test_the_distance_is_the_definition_s_for_all_texts_of_two_letters():
    for reference, found in product(TEXTS, TEXTS):
        assert edits(reference, found).total == fewest(reference, found)


def test_the_table_holds_the_distances_of_all_beginnings():
    table = distances("saturday", "sunday")
    expected = [[fewest("saturday"[:i], "sunday"[:j]) for j in range(7)] for i in range(9)]
    assert table.tolist() == expected


def test_the_alignment_goes_through_both_once_and_in_order_and_its_edits_make_the_one_from_the_other():
    random = np.random.default_rng(0)
    for _ in range(50):
        reference, found = (random.integers(0, 4, random.integers(0, 12)).tolist() for _ in range(2))
        pairs = alignment(reference, found)
        assert [i for i, _ in pairs if i is not None] == list(range(len(reference)))
        assert [j for _, j in pairs if j is not None] == list(range(len(found)))
        assert (None, None) not in pairs
        wrong = sum(i is None or j is None or reference[i] != found[j] for i, j in pairs)
        assert wrong == fewest(tuple(reference), tuple(found))


def test_of_equally_short_alignments_it_takes_a_pair_before_a_deletion_before_an_insertion_from_the_end():
    """aba becomes bab by leaving out its first letter and adding the last, or the other way round."""
    assert alignment("aba", "bab") == [(None, 0), (0, 1), (1, 2), (2, None)]


def test_it_is_a_metric():
    some = TEXTS[::3]
    for a, b, c in product(some, some, some):
        assert edits(a, b).total == edits(b, a).total
        assert edits(a, c).total <= edits(a, b).total + edits(b, c).total


def test_word_and_character_errors_by_hand():
    words = word_error_rate(["the cat sat", "on  the mat"], ["the hat sat down", "on mat"])
    assert (words.edits, words.tokens, words.rate) == ((1, 1, 1), 6, 0.5)
    characters = character_error_rate(["cat", "mat ten"], ["hat", "matten"])
    assert (characters.edits, characters.tokens, characters.rate) == ((1, 0, 1), 10, 0.2)


def test_over_a_corpus_the_edits_are_summed_before_dividing():
    """1 of 1 and 0 of 9 words: .1, where the mean of the sentences' rates is .5."""
    assert error_rate([["a"], list("bcdefghij")], [["x"], list("bcdefghij")]).rate == 0.1


def test_a_rate_can_exceed_1_and_an_empty_reference_has_its_edits_counted():
    assert word_error_rate(["a"], ["b c d"]).rate == 3
    assert word_error_rate(["a", ""], ["a", "b"]).rate == 1


def test_an_accent_is_one_character_however_it_is_written():
    for rate in (character_error_rate, word_error_rate):
        assert rate(["caf\u00e9"], ["cafe\u0301"]).edits.total == 0


def test_what_can_t_be_counted_is_refused():
    with pytest.raises(InputError, match="1 sentences of 2 references"):
        word_error_rate(["a", "b"], ["a"])
    with pytest.raises(InputError, match="2 references without a token"):
        word_error_rate(["", " "], ["a", "b"])
