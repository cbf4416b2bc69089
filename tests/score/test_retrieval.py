"""Nearest neighbours, analogies and debiasing: the notes' toy table, identities, and what is refused."""

import numpy as np
import pytest

import jaxdl.score.retrieval as retrieval
from jaxdl.errors import InputError
from jaxdl.score.retrieval import (
    analogies,
    analogy_accuracy,
    bias_axis,
    cosine,
    equalise,
    nearest,
    neighbours,
    neutralise,
    unit,
)

RANDOM = np.random.default_rng(0)
MAN, WOMAN, KING, QUEEN, APPLE, ORANGE = range(6)
TOY = np.array(  # gender, royal, age, food
    [
        [-1, 0.01, 0.03, 0.09], [1, 0.02, 0.02, 0.01], [-0.95, 0.93, 0.70, 0.02],
        [0.97, 0.95, 0.69, 0.01], [0, -0.01, 0.03, 0.95], [0.01, 0, -0.02, 0.97],
    ]
)  # fmt: skip


def test_man_is_to_woman_as_king_is_to_queen_at_a_cosine_of_998():
    found = analogies(TOY, np.array([[MAN, WOMAN, KING], [WOMAN, MAN, QUEEN]]))
    assert found.rows[:, 0].tolist() == [QUEEN, KING]
    assert found.similarity[0, 0] == pytest.approx(0.998, abs=5e-4)
    np.testing.assert_allclose(TOY[KING] - TOY[MAN] + TOY[WOMAN], [1.05, 0.94, 0.69, -0.06], atol=1e-12)


def test_neighbours_in_the_toy_table_are_the_other_fruit_and_the_other_of_the_same_sex():
    found = neighbours(TOY, np.array([APPLE, MAN, WOMAN]), k=2)
    assert found.rows[:, 0].tolist() == [ORANGE, KING, QUEEN]
    assert found.similarity[0, 0] == pytest.approx(0.9985, abs=1e-4)
    assert (np.diff(found.similarity, axis=1) <= 0).all()


def test_cosine_worked_by_hand_and_its_limits():
    """(1, 0)·(3, 4) = 3 of lengths 1 and 5."""
    assert cosine(np.array([1.0, 0]), np.array([3.0, 4])) == pytest.approx(0.6)
    assert cosine(np.array([1.0, 0]), np.array([0.0, 4])) == 0
    assert cosine(np.array([2.0, 0]), np.zeros(2)) == 0
    u = RANDOM.normal(size=(5, 3))
    np.testing.assert_allclose(cosine(u, u * [[2.0], [3], [-1], [1e-8], [1e8]]), [1, 1, -1, 1, 1])
    np.testing.assert_allclose(cosine(u[:, None], u), unit(u) @ unit(u).T, atol=1e-12)


@pytest.mark.parametrize("size", [30, 1e-4])
def test_half_precision_neither_overflows_nor_vanishes_in_a_length(size):
    vector = np.full(100, size, np.float16)
    assert cosine(vector, vector) == pytest.approx(1, rel=1e-5)
    np.testing.assert_allclose(unit(vector), 0.1, rtol=1e-5)


def test_the_nearest_are_those_that_sorting_all_cosines_finds_in_any_number_of_blocks(monkeypatch):
    vectors, queries, out = RANDOM.normal(size=(40, 5)), RANDOM.normal(size=(13, 5)), RANDOM.integers(0, 40, (13, 3))
    cosines = cosine(queries[:, None], vectors)
    for row in range(13):
        cosines[row, out[row]] = -np.inf
    expected = np.argsort(-cosines, 1)[:, :6]
    whole = nearest(vectors, queries, 6, out)
    np.testing.assert_array_equal(whole.rows, expected)
    np.testing.assert_allclose(whole.similarity, np.take_along_axis(cosines, expected, 1), atol=1e-12)
    monkeypatch.setattr(retrieval, "BLOCK", 100)  # two queries at once
    blocked = nearest(vectors, queries, 6, out)
    np.testing.assert_array_equal(blocked.rows, whole.rows)
    np.testing.assert_allclose(blocked.similarity, whole.similarity, atol=1e-12)


def test_a_row_is_never_its_own_neighbour_nor_a_word_of_the_question_its_answer():
    vectors = np.ones((6, 3)) + 1e-3 * RANDOM.normal(size=(6, 3))
    rows = np.arange(6)
    assert not (neighbours(vectors, rows, k=5).rows == rows[:, None]).any()
    questions = RANDOM.permuted(np.tile(rows, (20, 1)), axis=1)[:, :3]
    found = analogies(vectors, questions, k=3).rows
    assert not (found[:, :, None] == questions[:, None]).any()


def test_how_long_the_vectors_are_does_not_matter_to_neighbours():
    vectors, lengths = RANDOM.normal(size=(30, 4)), RANDOM.uniform(0.1, 10, (30, 1))
    np.testing.assert_array_equal(
        neighbours(vectors, np.arange(30), 5).rows, neighbours(vectors * lengths, np.arange(30), 5).rows
    )


def test_analogies_are_all_right_where_relations_are_added_and_none_where_the_answer_is_another():
    """Countries at random, each capital the same step away."""
    countries = RANDOM.normal(size=(8, 20))
    vectors = np.concatenate([countries, countries + RANDOM.normal(size=20)])
    questions = np.array([(a, 8 + a, c, 8 + c) for a in range(8) for c in range(8) if a != c])
    assert analogy_accuracy(vectors, questions) == 1
    half = questions.copy()
    half[::2, 3] = (half[::2, 3] - 7) % 8  # not the capital
    assert analogy_accuracy(vectors, half) == 0.5


def test_a_neutralised_vector_has_nothing_along_the_axis_and_keeps_all_the_rest():
    vectors, axis = RANDOM.normal(size=(9, 5)), 3 * RANDOM.normal(size=5)
    found = neutralise(vectors, axis)
    np.testing.assert_allclose(found @ axis, 0, atol=1e-12)
    np.testing.assert_allclose(np.abs(cosine(vectors - found, axis)), 1, atol=1e-12)
    np.testing.assert_allclose(neutralise(found, axis), found, atol=1e-12)
    np.testing.assert_allclose(neutralise(vectors[0], axis), found[0], atol=1e-12)


def test_an_equalised_pair_is_as_long_as_it_was_and_equally_far_from_every_neutral_vector():
    vectors, axis = RANDOM.normal(size=(2, 6)), RANDOM.normal(size=6)
    first, second = equalise(vectors, axis)
    np.testing.assert_allclose(np.linalg.norm([first, second], axis=1), 1)
    np.testing.assert_allclose(first @ axis, -(second @ axis))
    np.testing.assert_allclose(neutralise(first, axis), neutralise(second, axis), atol=1e-12)
    neutral = neutralise(RANDOM.normal(size=(7, 6)), axis)
    np.testing.assert_allclose(
        np.linalg.norm(neutral - first, axis=1), np.linalg.norm(neutral - second, axis=1), rtol=1e-12
    )
    along = unit(vectors) @ axis
    assert (first @ axis > second @ axis) == (along[0] > along[1])


def test_equalising_worked_by_hand():
    """Along (1, 0): (.8, .6) and (0, 1) meet at ν = (0, .8), and √(1 − .64) = .6 to each side."""
    found = equalise(np.array([[1.6, 1.2], [0.0, 3]]), np.array([2.0, 0]))
    np.testing.assert_allclose(found, [[0.6, 0.8], [-0.6, 0.8]], atol=1e-12)


def test_the_bias_axis_of_the_toy_table_is_gender_and_points_to_the_first_of_each_pair():
    axis = bias_axis(TOY, np.array([[WOMAN, MAN], [QUEEN, KING]]))
    assert np.linalg.norm(axis) == pytest.approx(1)
    assert axis[0] == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(bias_axis(TOY, np.array([[MAN, WOMAN], [KING, QUEEN]])), -axis, atol=1e-12)


def test_the_bias_axis_is_found_again_where_it_was_planted():
    axis = unit(RANDOM.normal(size=8))
    middle = unit(RANDOM.normal(size=(12, 8)))
    vectors = np.concatenate([middle + 0.7 * axis, middle - 0.7 * axis])
    pairs = np.stack([np.arange(12), np.arange(12, 24)], 1)
    found = bias_axis(vectors, pairs)
    assert cosine(found, axis) > 0.95
    one = bias_axis(vectors, pairs[:1])
    np.testing.assert_allclose(one, unit(unit(vectors[0]) - unit(vectors[12])), atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: neighbours(TOY, np.array([6])), "row 6: expected 0 to 5"),
        (lambda: neighbours(TOY, np.array([0]), k=6), "6 neighbours among 6 rows, 1 left out: expected 1 to 5"),
        (lambda: nearest(TOY, TOY, 0), "0 neighbours among 6"),
        (lambda: nearest(TOY, TOY[:1], 1, np.array([[-1]])), "row -1: expected 0 to 5"),
        (lambda: analogies(TOY, np.array([[0, 1, 9]])), "row 9"),
        (lambda: analogy_accuracy(TOY, np.array([[0, 1, 2, 9]])), "row 9"),
        (lambda: analogy_accuracy(TOY, np.zeros((0, 4), int)), "no analogies"),
        (lambda: bias_axis(TOY, np.array([[1, 1]])), "1 pairs without a difference"),
        (lambda: bias_axis(TOY, np.zeros((0, 2), int)), "0 pairs without a difference"),
        (lambda: neutralise(TOY, np.zeros(4)), "the axis is zero or not finite"),
        (lambda: equalise(TOY[[0, 0]], np.array([1.0, 0, 0, 0])), "row 0 lies at the mean of its set"),
    ],
)
def test_what_has_no_answer_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
