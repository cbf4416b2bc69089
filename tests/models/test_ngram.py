"""The n-gram model against the formula, worked out by hand and word by word."""

from collections import Counter

import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.models.ngram import NGram

TEXT = np.array([0, 1, 0, 1, 2, 0, 1, 0, 0, 2, 2, 1])


def by_formula(text, order, vocabulary, history, word):
    """P_n(w | h), by recursion over tuples."""
    if order == 0:
        return 1 / vocabulary
    history = tuple(history[len(history) - order + 1 :])
    grams = Counter(tuple(text[i : i + order]) for i in range(len(text) - order + 1))
    followers = {gram[-1]: count for gram, count in grams.items() if gram[:-1] == history}
    shorter = by_formula(text, order - 1, vocabulary, history[1:], word)
    if not followers:
        return shorter
    return (followers.get(word, 0) + len(followers) * shorter) / (sum(followers.values()) + len(followers))


def test_a_bigram_by_hand():
    """In 0 1 0 1 2: c(0)=2, c(1)=2, c(2)=1; after 0 comes 1 twice, after 1 comes 0 once and 2 once. V = 4."""
    model = NGram.count(TEXT[:5], 2, 4)
    unigram = [(2 + 3 / 4) / 8, (2 + 3 / 4) / 8, (1 + 3 / 4) / 8, (3 / 4) / 8]
    np.testing.assert_allclose([model.probability(np.array([w]))[0] for w in range(4)], unigram)
    np.testing.assert_allclose(model.probability(np.array([0, 1]))[1], (2 + unigram[1]) / 3)
    np.testing.assert_allclose(model.probability(np.array([1, 3]))[1], (0 + 2 * unigram[3]) / 4)
    np.testing.assert_allclose(model.probability(np.array([3, 0]))[1], unigram[0])  # 3 was never seen


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_every_probability_is_the_formula_s(order):
    text = np.array([2, 1, 0, 1, 2, 2, 3, 0, 1, 0, 4])
    expected = [by_formula(TEXT.tolist(), min(order, t + 1), 5, text[:t].tolist(), text[t]) for t in range(len(text))]
    np.testing.assert_allclose(NGram.count(TEXT, order, 5).probability(text), expected, rtol=1e-12)


def test_the_probabilities_of_all_words_sum_to_one():
    model = NGram.count(TEXT, 3, 5)
    for history in ([0, 1], [2, 2], [4, 0], [3, 3]):
        total = sum(model.probability(np.array([*history, word]))[2] for word in range(5))
        np.testing.assert_allclose(total, 1, rtol=1e-12)


def test_what_can_t_be_counted_is_refused():
    for text, order, vocabulary in [(TEXT, 0, 3), (TEXT, 40, 3), (TEXT[:2], 3, 3), (TEXT, 2, 2)]:
        with pytest.raises(InputError):
            NGram.count(text, order, vocabulary)
