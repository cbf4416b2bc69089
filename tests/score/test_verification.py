"""Error rates of pairs, where they are equal, and one-shot recognition."""

import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.score.classification import roc_auc
from jaxdl.score.verification import equal_error, error_rates, one_shot, pairs, squared_distances

RANDOM = np.random.default_rng(0)
SAME = np.array([True, True, True, False, False, False, False])
DISTANCES = np.array([0.1, 0.2, 0.6, 0.3, 0.7, 0.8, 0.9])


def test_squared_distances_are_those_of_every_pair():
    u, v = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(5, 3))
    np.testing.assert_allclose(squared_distances(u, v), ((u[:, None] - v) ** 2).sum(-1))
    assert (squared_distances(u, u) >= 0).all()


def test_every_pair_of_two_images_counts_once():
    distances = squared_distances(RANDOM.normal(size=(6, 3)), RANDOM.normal(size=(6, 3)))
    same, found = pairs(distances, np.array([0, 0, 1, 1, 1, 2]))
    assert len(same) == 15
    assert same.sum() == 1 + 3
    np.testing.assert_array_equal(found[same], distances[[0, 2, 2, 3], [1, 3, 4, 4]])


@pytest.mark.parametrize(
    ("threshold", "rates"), [(0.0, (0, 1)), (0.2, (0, 1 / 3)), (0.3, (1 / 4, 1 / 3)), (0.6, (1 / 4, 0)), (1.0, (1, 0))]
)
def test_error_rates_worked_by_hand(threshold, rates):
    np.testing.assert_allclose(error_rates(SAME, DISTANCES, threshold), rates)


def test_the_equal_error_rate_worked_by_hand():
    """From distance .3 on false accepts are 1/4; at .6 false rejects fall from 1/3 to 0: in between both are 1/4."""
    assert equal_error(SAME, DISTANCES) == pytest.approx((1 / 4, 0.6))


def test_pairs_that_are_all_as_far_apart_are_wrong_half_of_the_time():
    """The ROC curve is one slanted line then, and the rates are equal in its middle."""
    assert equal_error(SAME, np.full(7, 0.3)) == pytest.approx((1 / 2, 0.3))


def test_pairs_that_lie_apart_have_no_error_and_a_threshold_without_one():
    rate, threshold = equal_error(SAME, np.where(SAME, 0.1, 0.5))
    assert rate == 0
    assert error_rates(SAME, np.where(SAME, 0.1, 0.5), threshold) == (0, 0)


def test_at_the_equal_error_threshold_both_rates_are_nearly_that():
    same = RANDOM.random(4000) < 0.3
    distances = RANDOM.normal(np.where(same, 0.0, 2.0))
    rate, threshold = equal_error(same, distances)
    np.testing.assert_allclose(error_rates(same, distances, threshold), rate, atol=1e-3)
    assert 0.13 < rate < 0.19  # Φ(−1) = .159


def test_distances_that_say_nothing_are_wrong_half_of_the_time():
    same = RANDOM.random(4000) < 0.5
    distances = RANDOM.random(4000)
    assert abs(equal_error(same, distances).rate - 0.5) < 0.03
    assert abs(roc_auc(same, -distances) - 0.5) < 0.03


def test_one_shot_is_perfect_where_identities_lie_apart_and_chance_where_they_do_not():
    labels = np.repeat(np.arange(6), 20)
    apart = squared_distances(np.eye(6)[labels], np.eye(6)[labels])
    assert one_shot(apart, labels, 4) == 1
    noise = squared_distances(RANDOM.normal(size=(120, 8)), np.zeros((120, 8)))
    assert abs(one_shot(noise, labels, 4, 200) - 1 / 4) < 0.03


def test_one_shot_worked_by_hand():
    """Places 0, 1 and 4, 3.9 on a line: whichever is known, 1 is nearer to 0 than to 3.9, and 3.9 to 4."""
    labels, at = np.array([0, 0, 1, 1]), np.array([[0.0], [1.0], [4.0], [3.9]])
    assert one_shot(squared_distances(at, at), labels, 2, 50) == 1
    crossed = np.array([[0.0], [4.0], [1.0], [3.9]])  # 0 knows 4 only where 1 is known of the other
    assert 0 < one_shot(squared_distances(crossed, crossed), labels, 2, 400) < 0.5


def test_an_identity_with_a_single_image_is_asked_for_nothing():
    labels = np.array([0, 0, 1, 1, 2])
    assert one_shot(squared_distances(np.eye(5)[labels], np.eye(5)[labels]), labels, 2) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pairs(np.zeros((3, 3)), np.zeros(3, int)), "3 pairs, 3 of one identity"),
        (lambda: pairs(np.zeros((3, 3)), np.arange(3)), "3 pairs, 0 of one identity"),
        (lambda: error_rates(SAME[:3], DISTANCES[:3], 0.1), "3 pairs, 3 of one identity"),
        (lambda: one_shot(np.zeros((4, 4)), np.array([0, 0, 1, 2]), 2), "expected .* of 2 to 1 identities"),
        (lambda: one_shot(np.zeros((4, 4)), np.array([0, 0, 1, 1]), 3), "episodes of 3 ways"),
    ],
)
def test_what_cannot_be_scored_is_explained(call, message):
    with pytest.raises(InputError, match=message):
        call()
