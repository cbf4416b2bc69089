"""BLEU counts as the notes and the paper count."""

import math

import pytest

from jaxdl.errors import InputError
from jaxdl.score.bleu import corpus_bleu, sentence_bleu

CAT = ["the", "cat", "is", "on", "the", "mat"]
THERE = ["there", "is", "a", "cat", "on", "the", "mat"]


def test_a_word_counts_at_most_as_often_as_a_reference_has_it():
    """The notes' example: seven times "the", of which a reference has two."""
    found = corpus_bleu([["the"] * 7], [[CAT]], order=1)
    assert (found.matches, found.totals) == ((2,), (7,))
    assert found.score == found.precisions[0] == 2 / 7


def test_clipping_is_by_the_reference_with_the_most_not_by_all_together():
    """ "the" twice in one reference and once in the other: 2 of 7, not 3."""
    assert corpus_bleu([["the"] * 7], [[CAT, THERE]], order=1).matches == (2,)


def test_the_notes_translation_has_five_of_seven_words_and_four_of_six_pairs():
    found = corpus_bleu([["the", "cat", "the", "cat", "on", "the", "mat"]], [[CAT, THERE]], order=2)
    assert found.precisions == (5 / 7, 4 / 6)
    assert found.brevity_penalty == 1
    assert found.score == pytest.approx(math.sqrt(5 / 7 * 4 / 6), rel=1e-12)


def test_a_short_translation_pays_exp_of_1_minus_r_over_c():
    found = corpus_bleu([CAT[:4]], [[CAT]])
    assert found.precisions == (1, 1, 1, 1)
    assert found.score == found.brevity_penalty == pytest.approx(math.exp(1 - 6 / 4), rel=1e-12)
    assert corpus_bleu([CAT], [[CAT[:4]]]).brevity_penalty == 1


@pytest.mark.parametrize(("lengths", "closest"), [((3, 9), 3), ((4, 9), 4), ((8, 4), 4), ((4, 8), 4), ((7, 4), 7)])
def test_the_closest_reference_counts_and_of_equally_close_the_shorter(lengths, closest):
    references = [["a"] * length for length in lengths]
    assert corpus_bleu([["a"] * 6], [references]).lengths == (6, closest)


def test_the_sentences_of_a_corpus_are_counted_together_so_their_mean_is_another_number():
    found, references = [CAT, ["a", "dog"]], [[CAT], [["a", "cat"]]]
    corpus = corpus_bleu(found, references, order=2)
    assert corpus.precisions == (7 / 8, 5 / 6)
    assert corpus.score == pytest.approx(math.sqrt(7 / 8 * 5 / 6), rel=1e-12)
    singly = [sentence_bleu(*pair, order=2, smoothing="none").score for pair in zip(found, references, strict=True)]
    assert singly == [1, 0]


def test_the_same_is_1_nothing_in_common_0_and_the_order_of_sentences_does_not_matter():
    assert corpus_bleu([CAT, THERE], [[CAT], [THERE]]).score == 1
    for smoothing in ("none", "add-k", "exp"):
        assert sentence_bleu(["no", "word", "of", "it"], [CAT], smoothing=smoothing).score == 0
        assert sentence_bleu([], [CAT], smoothing=smoothing).score == 0
    there = corpus_bleu([CAT[:5], THERE], [[THERE], [CAT]])
    assert corpus_bleu([THERE, CAT[:5]], [[CAT], [THERE]]) == there


@pytest.mark.parametrize(
    ("smoothing", "k", "precisions"),
    [
        ("none", 1.0, (3 / 4, 1 / 3, 0, 0)),
        ("add-k", 1.0, (3 / 4, 2 / 4, 1 / 3, 1 / 2)),
        ("add-k", 0.5, (3 / 4, 1.5 / 3.5, 0.5 / 2.5, 0.5 / 1.5)),
        ("exp", 1.0, (3 / 4, 1 / 3, 1 / 2 / 2, 1 / 4 / 1)),
    ],
)
def test_each_smoothing_by_hand(smoothing, k, precisions):
    """ "a b x d" against "a b c d": a, b, d of four; "a b" of three; none of two and of one."""
    found = sentence_bleu(list("abxd"), [list("abcd")], smoothing=smoothing, k=k)
    assert found.precisions == pytest.approx(precisions, rel=1e-12)
    assert found.score == pytest.approx(math.prod(precisions) ** 0.25, rel=1e-12)


def test_a_short_sentence_is_scored_by_the_orders_it_has_and_a_corpus_by_all():
    assert sentence_bleu(["a", "b"], [["a", "b"]], smoothing="none").score == 1
    assert corpus_bleu([["a", "b"]], [[["a", "b"]]], smoothing="exp").score == 0


def test_numbers_of_a_vocabulary_do_as_well_as_words():
    numbers = {word: place for place, word in enumerate({*CAT, *THERE})}
    coded = lambda words: [numbers[word] for word in words]  # noqa: E731
    assert corpus_bleu([coded(CAT)], [[coded(THERE)]], order=2) == corpus_bleu([CAT], [[THERE]], order=2)


@pytest.mark.parametrize(
    ("found", "references", "options", "message"),
    [
        ([CAT], [], {}, "1 sentences, references of 0"),
        ([CAT], [[CAT]], {"order": 0}, "order 0"),
        ([CAT], [[]], {}, "without a reference"),
        (["the cat"], [[CAT]], {}, r"the text 'the cat': expected a list of its words, such as \['the', 'cat'\]"),
        ([CAT], [["the cat"]], {}, "the text 'the cat'"),
        ([CAT], [[CAT]], {"smoothing": "expp"}, "unknown smoothing 'expp': did you mean exp"),
        ([CAT], [[CAT]], {"smoothing": "add-k", "k": 0.0}, "k = 0.0"),
    ],
)
def test_what_can_t_be_scored_is_refused(found, references, options, message):
    with pytest.raises(InputError, match=message):
        corpus_bleu(found, references, **options)
