"""Scores of classifiers: worked numbers, limiting cases and what is refused."""

from inspect import unwrap

import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.score.classification import (
    accuracy,
    average_precision,
    brier,
    by_group,
    calibration,
    confusion_matrix,
    mean_roc_auc,
    precision_recall,
    roc,
    roc_auc,
    weighted_error,
)

TRUE = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
SAID = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 0])


def test_precision_recall_and_f1_worked_by_hand():
    """3 hits, 1 false alarm, 1 miss: 3/4, 3/4 and their harmonic mean 3/4; said of all, 4/10, 1 and 4/7."""
    counts = confusion_matrix(TRUE, SAID, 2)
    np.testing.assert_array_equal(counts, [[5, 1], [1, 3]])
    assert precision_recall(counts) == (0.75, 0.75, 0.75)
    everything = precision_recall(confusion_matrix(TRUE, np.ones(10, int), 2))
    np.testing.assert_allclose(everything, (0.4, 1, 4 / 7))


def test_the_harmonic_mean_of_95_and_90_is_924_and_of_98_and_85_is_910():
    """The notes' two classifiers: F1 chooses the first."""
    for precision, recall, f1 in ((0.95, 0.90, 0.924), (0.98, 0.85, 0.910)):
        true, hits = 100_000, round(100_000 * recall)
        alarms = round(hits / precision) - hits
        counts = np.array([[10**6, alarms], [true - hits, hits]])
        np.testing.assert_allclose(precision_recall(counts), (precision, recall, f1), atol=5e-4)


def test_micro_is_the_accuracy_and_macro_weighs_a_rare_class_like_a_frequent_one():
    true, said = np.array([0] * 9 + [1]), np.zeros(10, int)
    counts = confusion_matrix(true, said, 2)
    assert precision_recall(counts, "micro") == (0.9, 0.9, 0.9) == (accuracy(true, said),) * 3
    np.testing.assert_allclose(precision_recall(counts, "macro"), (0.45, 0.5, 9 / 19))
    np.testing.assert_allclose(precision_recall(counts, "weighted"), (0.81, 0.9, 0.9 * 18 / 19))


def test_the_errors_of_six_systems_by_country_are_averaged_and_the_third_is_the_best():
    """The notes' table; where they print 5.25 for D it is 5.5."""
    errors = {
        "A": (3, 7, 5, 9), "B": (5, 6, 5, 10), "C": (2, 3, 4, 5),
        "D": (5, 8, 7, 2), "E": (4, 5, 2, 4), "F": (7, 11, 8, 12),
    }  # fmt: skip
    groups = np.repeat(list(errors), 4)
    means = by_group(np.concatenate([*map(np.array, errors.values())]), groups)
    assert means == {"A": 6, "B": 6.5, "C": 3.5, "D": 5.5, "E": 3.75, "F": 9.5}
    assert min(means, key=means.__getitem__) == "C"


def test_a_weight_of_ten_turns_the_choice_between_two_classifiers():
    """100 images, 4 of them unacceptable. A: 3 errors, 2 of them there. B: 5 errors, none there."""
    weights = np.where(np.arange(100) < 4, 10.0, 1.0)
    true = np.zeros(100, int)
    a, b = true.copy(), true.copy()
    a[[0, 1, 50]], b[[50, 51, 52, 53, 54]] = 1, 1
    assert accuracy(true, a) > accuracy(true, b)
    assert weighted_error(true, a, weights) == pytest.approx(21 / 136)
    assert weighted_error(true, b, weights) == pytest.approx(5 / 136)


def test_the_area_counts_pairs_in_the_right_order_and_ties_by_half():
    """Positives .9 .5 .5, negatives .5 .1: of six pairs four are right and two tied."""
    positive, scores = np.array([1, 1, 1, 0, 0]), np.array([0.9, 0.5, 0.5, 0.5, 0.1])
    assert roc_auc(positive, scores) == pytest.approx(5 / 6)
    assert roc_auc(positive, -scores) == pytest.approx(1 / 6)
    assert roc_auc(positive, np.zeros(5)) == 0.5
    curve = roc(positive, scores)
    np.testing.assert_allclose(curve.x, [0, 0, 0.5, 1])
    np.testing.assert_allclose(curve.y, [0, 1 / 3, 1, 1])


def test_average_precision_of_a_perfect_order_is_1_and_of_a_constant_the_share_of_positives():
    assert average_precision(TRUE, TRUE * 1.0) == 1
    assert average_precision(TRUE, np.zeros(10)) == pytest.approx(0.4)


def test_who_is_as_often_right_as_he_is_sure_is_calibrated():
    """Four answers at .75 of which three are right; at .95 they would be overconfident by .2."""
    true = np.array([0, 0, 0, 1])
    sure = np.tile([0.75, 0.25], (4, 1))
    assert calibration(true, sure).error == pytest.approx(0)
    over = calibration(true, np.tile([0.95, 0.05], (4, 1)))
    assert over.error == pytest.approx(0.2)
    assert over.examples.tolist() == [4]


def test_a_bin_counts_as_often_as_it_has_examples_and_what_is_certain_is_in_the_last():
    """Three at .95 and .99 and 1, of which one is wrong, and one at .6, wrong: (3 |2/3 − .98| + |0 − .6|) / 4."""
    found = calibration(np.array([0, 0, 1, 1]), np.array([[0.95, 0.05], [0.99, 0.01], [1.0, 0.0], [0.6, 0.4]]))
    assert found.examples.tolist() == [1, 3]
    assert found.error == pytest.approx((3 * (0.98 - 2 / 3) + 0.6) / 4)


def test_sums_of_half_precision_are_in_float64():
    """70,000 weights of 1 are more than float16 holds; ten times .7998 is 8 in it, another bin."""
    true = np.zeros(70_000, int)
    said = np.where(np.arange(70_000) < 7_000, 1, 0)
    assert weighted_error(true, said, np.ones(70_000, np.float16)) == pytest.approx(0.1)
    half = np.array([0.75, 0.7998], np.float16)
    thirds = np.array([1.0, 0.1, 0.1], np.float16)
    assert by_group(thirds, np.array(["a"] * 3)) == {"a": thirds.astype(float).mean()}
    assert calibration(np.zeros(2, int), np.stack([half, 1 - half], 1)).examples.tolist() == [2]


@pytest.mark.parametrize(
    ("score", "arrays", "message"),
    [
        (accuracy, (TRUE, SAID[:, None]), r"said of shape \(10, 1\): expected one of each example"),
        (accuracy, (TRUE[:, None], SAID), r"true of shape \(10, 1\)"),
        (confusion_matrix, (TRUE, SAID[:, None], 2), r"said of shape \(10, 1\)"),
        (weighted_error, (TRUE, SAID, np.ones((10, 1))), r"weights of shape \(10, 1\)"),
        (roc, (TRUE, SAID[:, None] / 2), r"scores of shape \(10, 1\)"),
        (brier, (TRUE[:, None], np.eye(2)[SAID]), r"true of shape \(10, 1\)"),
        (brier, (TRUE, SAID / 2), r"probabilities of shape \(10,\): expected one of each class of each example"),
    ],
)
def test_a_column_is_refused_where_it_would_be_set_against_every_example(score, arrays, message):
    """Without the checks of shapes that only the tests make."""
    with pytest.raises(InputError, match=message):
        unwrap(score)(*arrays)


def test_scores_may_be_of_any_kind_of_number_and_infinite_and_labels_true_and_false():
    positive = np.array([False, False, True, True])
    assert roc_auc(positive, np.array([0, 1, 2, 3], np.uint8)) == 1
    assert roc_auc(positive, np.array([-np.inf, 0.0, -np.inf, 1.0])) == pytest.approx(2.5 / 4)
    assert brier(np.array([True, False]), np.eye(2)[::-1]) == 0


def test_the_brier_score_is_0_for_the_truth_2_for_its_opposite_and_a_half_for_no_opinion():
    true = np.array([0, 1])
    assert brier(true, np.eye(2)) == 0
    assert brier(true, 1 - np.eye(2)) == 2
    assert brier(true, np.full((2, 2), 0.5)) == 0.5


def test_many_classes_are_each_set_against_the_rest():
    true = np.array([0, 1, 2, 2])
    perfect = np.eye(3)[true]
    assert mean_roc_auc(true, perfect) == 1
    perfect[0] = [0, 0, 1.0]  # of class 0 the only one ties with the rest; of class 2 one negative ties with the top
    assert mean_roc_auc(true, perfect) == pytest.approx((0.5 + 1 + 0.75) / 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: confusion_matrix(TRUE, SAID + 1, 2), "said labels from 1 to 2: expected 0 to 1"),
        (lambda: accuracy(TRUE, SAID[:3]), "10 true, 3 said: expected as many"),
        (lambda: accuracy(TRUE[:0], SAID[:0]), "at least one"),
        (lambda: precision_recall(np.eye(3, dtype=int)), "binary precision of 3 classes"),
        (lambda: roc_auc(np.ones(3, int), np.arange(3.0)), "positive and negative examples"),
        (lambda: average_precision(np.zeros(3, int), np.arange(3.0)), "there is none"),
        (lambda: roc_auc(np.array([0, 2]), np.arange(2.0)), "expected 0 and 1"),
        (lambda: roc_auc(np.array([0, 1]), np.array([0.0, np.nan])), "a score is NaN"),
        (lambda: brier(np.array([0, 1]), np.array([[3.0, -1], [0, 1]])), "are they logits"),
        (lambda: brier(np.array([0, 1]), np.array([[np.nan, np.nan], [0, 1]])), "expected 0 to 1"),
        (lambda: calibration(np.array([0, 1]), np.eye(2), bins=0), "0 bins"),
        (lambda: weighted_error(TRUE, SAID, np.where(TRUE == 1, np.nan, 1.0)), "0 or more"),
        (lambda: calibration(np.array([0, 2]), np.full((2, 2), 0.5)), "labels from 0 to 2"),
        (lambda: weighted_error(TRUE, SAID, np.zeros(10)), "not all 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
