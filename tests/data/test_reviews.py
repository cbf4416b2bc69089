from collections import Counter

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from jaxdl.data import reviews
from jaxdl.data.text import UNK
from jaxdl.errors import InputError

NEGATORS = {"not", "never", "lacking", "far", "without"}


@pytest.fixture(scope="module")
def data():
    return reviews.load(2000)


def parts(data):
    return data.train, data.dev, data.test


def texts(data, part):
    return [" ".join(data.vocabulary.decode(row)) for row in part.fields["tokens"]]


def bags(data, part):
    """How often each word is in each review [N, V]."""
    return np.stack([np.bincount(row, minlength=len(data.vocabulary)) for row in part.fields["tokens"]])[:, 1:]


def meaning(text):
    """1 or 0 of a review, of which both clauses must say the same."""
    joints = sorted(reviews.JOINTS, key=len, reverse=True)
    clauses = next(text.split(f" {joint} ") for joint in joints if f" {joint} " in text)
    said = []
    for clause in clauses:
        [word] = set(clause.split()) & {*reviews.POSITIVE, *reviews.NEGATIVE}
        negated = bool(set(clause.split()) & NEGATORS)
        said.append((word in reviews.POSITIVE) != negated)
    assert said[0] == said[1]
    return int(said[0])


def test_every_label_is_what_both_clauses_mean(data):
    for part in parts(data):
        assert [meaning(text) for text in texts(data, part)] == part.fields["label"].tolist()


def test_half_of_each_part_is_positive_and_half_is_told_by_order_alone_and_most_others_plainly(data):
    for part, share in zip(parts(data), (0.6, 0.2, 0.2), strict=True):
        assert len(part) == pytest.approx(2000 * share, abs=4)
        assert part.fields["label"].mean() == 0.5
        assert part.fields["order"].mean() == pytest.approx(0.5, abs=0.01)
        tokens, length = part.fields["tokens"], part.fields["length"]
        np.testing.assert_array_equal((tokens > 0).sum(1), length)
        assert not (tokens == UNK).any()
        plain = [not NEGATORS & set(text.split()) for text in texts(data, part)]
        assert np.mean(plain) == pytest.approx(0.4, abs=0.01)


def test_where_order_tells_each_bag_of_words_is_as_often_positive_as_negative(data):
    for part in parts(data):
        told = part.fields["order"] == 1
        counts = [
            Counter(
                tuple(sorted(row)) for row in part.fields["tokens"][told & (part.fields["label"] == label)].tolist()
            )
            for label in (0, 1)
        ]
        assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "model", [LogisticRegression(C=10, max_iter=2000), MLPClassifier((32,), learning_rate_init=0.01, random_state=0)]
)
def test_a_bag_of_words_reads_the_plain_reviews_and_never_more_than_three_quarters(data, model):
    score = model.fit(bags(data, data.train), data.train.fields["label"]).score
    assert 0.6 <= score(bags(data, data.test), data.test.fields["label"]) <= 0.75
    assert score(bags(data, data.train), data.train.fields["label"]) <= 0.75


def test_the_grammar_and_the_pairs_of_words_of_one_part_are_in_no_other(data):
    words = {*reviews.POSITIVE, *reviews.NEGATIVE}
    index = {word: row for pool in (reviews.POSITIVE, reviews.NEGATIVE) for row, word in enumerate(pool)}

    def templates(part):
        return {
            " ".join("?" if word in words else "[]" if word in reviews.ASPECTS else word for word in text.split())
            for text in texts(data, part)
        }

    def pairs(part):
        """In plain reviews both words come from one pool, so their places in it say which pair was drawn."""
        plain = [text for text, order in zip(texts(data, part), part.fields["order"], strict=True) if not order]
        return {tuple(index[word] for word in text.split() if word in words) for text in plain}

    for of in (templates, pairs):
        train, dev, test = map(of, parts(data))
        assert not train & dev
        assert not (train | dev) & test
        assert test


def test_the_seed_decides(data):
    again, other = reviews.load(2000), reviews.load(2000, seed=1)
    np.testing.assert_array_equal(data.test.fields["tokens"], again.test.fields["tokens"])
    assert texts(data, data.test) != texts(other, other.test)
    assert data.classes == ("negative", "positive")


def test_too_few_reviews_are_refused():
    with pytest.raises(InputError, match="99 reviews are too few"):
        reviews.load(99)
