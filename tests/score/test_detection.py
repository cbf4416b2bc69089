"""Mean average precision by hand; and what may not change it."""

import numpy as np
import pytest

from jaxdl.boxes import Detections
from jaxdl.errors import InputError
from jaxdl.score.detection import average_precision, mean_average_precision, precision_recall

HERE, THERE, AWAY = [0.0, 0, 10, 10], [20.0, 0, 30, 10], [50.0, 50, 60, 60]


def images(*rows):
    """Each image a list of (box, label, score)."""
    size = max(map(len, rows))
    empty = (np.zeros(4), 0, 0.0)
    padded = [[*row, *[empty] * (size - len(row))] for row in rows]
    boxes, labels, scores = (np.array([[place[field] for place in row] for row in padded]) for field in range(3))
    valid = np.array([[place < len(row) for place in range(size)] for row in rows], bool)
    return Detections(boxes.reshape(len(rows), size, 4), labels.astype(int), scores, valid)


TWO = images([(HERE, 0, 1), (THERE, 0, 1)])
HALF = np.array([0.5])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([(HERE, 0, 0.9), (THERE, 0, 0.8)], 1.0),
        ([(HERE, 0, 0.9)], 51 / 101),  # precision 1 up to a recall of .5
        ([(AWAY, 0, 0.9), (HERE, 0, 0.8), (THERE, 0, 0.7)], 2 / 3),  # 0/1, 1/2, 2/3: the highest to the right
        ([(HERE, 0, 0.9), (AWAY, 0, 0.8), (THERE, 0, 0.7)], (51 + 50 * 2 / 3) / 101),
        ([(HERE, 0, 0.9), (HERE, 0, 0.8), (THERE, 0, 0.7)], (51 + 50 * 2 / 3) / 101),  # found twice: once wrong
        ([(HERE, 0, 0.9), (THERE, 0, 0.8), (AWAY, 0, 0.7)], 1.0),  # what is wrong and least sure costs nothing
        ([(AWAY, 0, 0.9)], 0.0),
        ([], 0.0),
        ([(HERE, 1, 0.9), (THERE, 1, 0.8)], 0.0),  # another class
    ],
)
def test_average_precision_by_hand(said, expected):
    found = average_precision(TWO, images(said), 2, HALF)
    np.testing.assert_allclose(found, [[expected], [np.nan]])


def test_a_detection_is_right_from_the_threshold_on():
    said = images([([0.0, 0, 10, 8], 0, 0.9), ([20.0, 0, 30, 6], 0, 0.8)])  # IoUs .8 and .6
    found = average_precision(TWO, said, 1, np.array([0.6, 0.61, 0.8, 0.81]))
    np.testing.assert_allclose(found[0], [1, 51 / 101, 51 / 101, 0])
    whole = mean_average_precision(TWO, said, 1)
    np.testing.assert_allclose(whole, (1.0, (3 + 4 * 51 / 101) / 10))


def test_a_detection_takes_the_object_that_it_covers_best():
    near = images([(HERE, 0, 1), ([4.0, 0, 14, 10], 0, 1)])
    said = images([([3.0, 0, 13, 10], 0, 0.9), ([-4.0, 0, 6, 10], 0, 0.8)])  # the second covers only the first object
    np.testing.assert_allclose(average_precision(near, said, 1, np.array([0.4])), 1.0)


def test_an_object_of_one_image_is_not_found_in_another():
    true = images([(HERE, 0, 1)], [])
    np.testing.assert_allclose(average_precision(true, images([], [(HERE, 0, 0.9)]), 1, HALF), 0)


def test_classes_that_do_not_occur_are_left_out_of_the_mean():
    said = images([(HERE, 0, 0.9), (THERE, 0, 0.8), (AWAY, 2, 0.9)])
    assert mean_average_precision(TWO, said, 3) == (1.0, 1.0)


def test_neither_a_monotonic_change_of_the_scores_nor_the_order_matters():
    random = np.random.default_rng(0)
    corners = np.sort(random.integers(0, 12, (2, 8, 9, 2, 2)), axis=3).reshape(2, 8, 9, 4).astype(float)
    labels, valid = random.integers(0, 3, (2, 8, 9)), random.random((2, 8, 9)) < 0.8
    scores = random.permutation(72).reshape(8, 9) / 72
    true, said = (Detections(corners[i], labels[i], scores, valid[i]) for i in range(2))
    found = average_precision(true, said, 3)
    assert 0 < np.nanmean(found) < 1
    np.testing.assert_allclose(average_precision(true, said._replace(scores=scores**3 - 5), 3), found)
    turned = Detections(*(of[::-1, ::-1] for of in said))
    np.testing.assert_allclose(average_precision(Detections(*(of[::-1] for of in true)), turned, 3), found)


def test_precision_and_recall_by_hand():
    said = images([(HERE, 0, 0.9), (HERE, 0, 0.8), (AWAY, 1, 0.7)])
    assert precision_recall(TWO, said, 2) == (1 / 3, 1 / 2)
    assert precision_recall(TWO, images([]), 2) == (0.0, 0.0)
    lower = images([([0.0, 0, 10, 8], 0, 0.9)])
    assert [precision_recall(TWO, lower, 1, threshold).recall for threshold in (0.8, 0.81)] == [0.5, 0.0]


@pytest.mark.parametrize(
    ("said", "change", "message"),
    [
        (images([]), {"true": images([])}, "no object is there"),
        (images([], []), {}, "1 images with objects, 2 with detections"),
        (images([([5.0, 0, 4, 1], 0, 0.9)]), {}, r"box 0, 0 is \(5, 0, 4, 1\): expected x1 ≤ x2"),
        (images([(HERE, 7, 0.9)]), {}, "said labels from 7 to 7: expected 0 to 1"),
        (images([(HERE, 0, np.nan)]), {}, "a score is NaN"),
    ],
)
def test_what_can_not_be_scored_is_refused(said, change, message):
    with pytest.raises(InputError, match=message):
        mean_average_precision(**{"true": TWO, "said": said, "classes": 2, **change})


def test_thresholds_out_of_range_are_refused():
    with pytest.raises(InputError, match=r"IoU thresholds \[50.0\]: expected each above 0, up to 1"):
        average_precision(TWO, TWO, 1, np.array([50.0]))
