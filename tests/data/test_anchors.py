"""Anchors: planted shapes are found, whatever the unit, and small boxes count as much as large ones."""

import numpy as np
import pytest

from jaxdl.data.anchors import find_anchors, mean_iou
from jaxdl.errors import InputError

PLANTED = np.array([[4.0, 6], [12, 9], [30, 60]])


def around(shapes, count=200, spread=0.05, seed=0):
    random = np.random.default_rng(seed)
    return (shapes[random.integers(0, len(shapes), count)] * np.exp(random.normal(0, spread, (count, 2)))).astype(float)


def test_planted_shapes_are_found():
    np.testing.assert_allclose(find_anchors(around(PLANTED), 3), PLANTED, rtol=0.03)


def test_equal_boxes_give_their_own_shape():
    np.testing.assert_array_equal(find_anchors(np.tile([[3.0, 5]], (7, 1)), 1), [[3, 5]])


def test_one_anchor_is_the_mean():
    sizes = around(PLANTED)
    np.testing.assert_allclose(find_anchors(sizes, 1), sizes.mean(0, keepdims=True))


def test_the_unit_of_length_does_not_matter_nor_which_side_is_which():
    sizes = around(PLANTED, spread=0.4)
    found = find_anchors(sizes, 3)
    np.testing.assert_allclose(find_anchors(7 * sizes, 3), 7 * found)
    np.testing.assert_allclose(find_anchors(sizes[:, ::-1], 3), found[:, ::-1])


def test_a_box_joins_the_anchor_of_the_higher_iou_not_the_nearer_one():
    sizes = np.repeat([[10.0, 10], [40, 40], [100, 100]], 4, 0)
    # 40 is nearer to 10 than to 100, but 10²/40² < 40²/100².
    np.testing.assert_allclose(find_anchors(sizes, 2), [[10, 10], [70, 70]])


def test_no_anchor_is_closer_to_a_box_than_its_own_and_each_is_the_mean_of_its_boxes():
    sizes = around(PLANTED, spread=0.6)
    anchors = find_anchors(sizes, 4)
    low = np.minimum(sizes[:, None], anchors).prod(-1)
    nearest = (low / (sizes.prod(1)[:, None] + anchors.prod(1) - low)).argmax(1)
    np.testing.assert_allclose(anchors, [sizes[nearest == place].mean(0) for place in range(4)])


def test_the_mean_iou_by_hand():
    np.testing.assert_allclose(mean_iou(np.array([[2.0, 2], [4, 4]]), np.array([[2.0, 2], [4, 2]])), (1 + 0.5) / 2)


@pytest.mark.parametrize(
    ("count", "message"), [(0, "0 anchors for 5 boxes: expected 1 or more"), (6, "6 anchors for 5 boxes")]
)
def test_no_anchors_and_more_than_boxes_are_refused(count, message):
    with pytest.raises(InputError, match=message):
        find_anchors(np.ones((5, 2)), count)


def test_a_box_without_an_area_is_refused():
    with pytest.raises(InputError, match="a box without a width or a height"):
        find_anchors(np.array([[1.0, 2], [0, 3]]), 1)
