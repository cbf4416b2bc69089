"""Box arithmetic by hand, by counting pixels, and at its edges: touching, empty, degenerate, the wrong way round."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl import boxes
from jaxdl.errors import InputError

EMPTY = [0.0, 0.0, 0.0, 0.0]


def some(count, seed=0):
    """Boxes with corners on whole pixels of a 20 × 20 image."""
    random = np.random.default_rng(seed)
    corners = np.sort(random.integers(0, 21, (count, 2, 2)), axis=1)
    return corners.reshape(count, 4).astype(np.float64)


def pixels(box):
    """The pixels of a 20 × 20 image that a box covers."""
    image = np.zeros((20, 20), bool)
    x1, y1, x2, y2 = box.astype(int)
    image[y1:y2, x1:x2] = True
    return image


@pytest.mark.parametrize(
    ("a", "b", "iou", "generalized"),
    [
        ([0, 0, 2, 2], [1, 1, 3, 3], 1 / 7, 1 / 7 - 2 / 9),
        ([0, 0, 2, 2], [0, 0, 2, 2], 1.0, 1.0),
        ([0, 0, 4, 4], [1, 1, 3, 3], 0.25, 0.25),  # one inside the other
        ([0, 0, 2, 2], [2, 0, 4, 2], 0.0, 0.0),  # they touch along an edge
        ([0, 0, 2, 2], [2, 2, 4, 4], 0.0, -0.5),  # they touch in a corner
        ([0, 0, 1, 1], [9, 0, 10, 1], 0.0, -0.8),
        ([0, 0, 2, 2], [1, 1, 1, 1], 0.0, 0.0),  # a point inside a box
        ([1, 1, 1, 5], [1, 1, 1, 5], 0.0, 0.0),  # a line and itself
        (EMPTY, EMPTY, 0.0, 0.0),
        ([0, 0, 2, 2], [2, 2, 0, 0], 0.0, 0.0),  # the wrong way round: empty
    ],
)
@pytest.mark.parametrize("array", [np.array, jnp.array])
def test_iou_by_hand_of_boxes_that_overlap_touch_or_have_no_area(array, a, b, iou, generalized):
    a, b = array(a, dtype=np.float32), array(b, dtype=np.float32)
    for one, other in ((a, b), (b, a)):
        np.testing.assert_allclose(boxes.iou(one, other), iou, atol=1e-6)
        np.testing.assert_allclose(boxes.generalized_iou(one, other), generalized, atol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
@pytest.mark.parametrize("array", [np.array, jnp.array])
def test_areas_are_multiplied_and_divided_in_float32_where_boxes_are_not(array, dtype):
    """A square of 300 has more pixels than float16 can count, and bfloat16 counts them in steps of 512."""
    a, b = ([0, 0, 300, 300], [0, 0, 300, 130])
    a, b = array(a, dtype=dtype), array(b, dtype=dtype)
    exact = [np.asarray(of, np.float32) for of in (a, b)]
    for measure in (boxes.iou, boxes.generalized_iou):
        np.testing.assert_array_equal(measure(a, a), 1)
        np.testing.assert_allclose(measure(a, b), measure(*exact), rtol=1e-6)
    np.testing.assert_allclose(boxes.shape_iou(a[2:], b[2:]), boxes.shape_iou(*(of[2:] for of in exact)), rtol=1e-6)


def test_iou_counts_pixels():
    a, b = some(40), some(30, seed=1)
    found = boxes.iou(a[:, None], b)
    for row, one in enumerate(a):
        for column, other in enumerate(b):
            both, either = (pixels(one) & pixels(other)).sum(), (pixels(one) | pixels(other)).sum()
            np.testing.assert_allclose(found[row, column], both / max(either, 1))


def test_pairs_are_the_diagonal_of_the_table():
    a, b = some(12), some(12, seed=1)
    np.testing.assert_array_equal(boxes.iou(a, b), np.diag(boxes.iou(a[:, None], b)))
    np.testing.assert_array_equal(boxes.generalized_iou(a, b), np.diag(boxes.generalized_iou(a[:, None], b)))


def test_generalized_iou_is_at_most_iou_and_falls_with_the_distance():
    a, b = some(50), some(50, seed=1)
    assert (boxes.generalized_iou(a, b) <= boxes.iou(a, b) + 1e-12).all()
    here = np.array([0.0, 0, 2, 2])
    away = here + np.arange(2.0, 9)[:, None] * [1, 0, 1, 0]
    assert (boxes.iou(here, away) == 0).all()
    assert (np.diff(boxes.generalized_iou(here, away)) < 0).all()


@pytest.mark.parametrize("measure", [boxes.iou, boxes.generalized_iou])
def test_a_common_shift_scale_or_reflection_changes_no_iou(measure):
    a, b = some(50), some(50, seed=1)
    moved = [7 * one + np.array([3, 5, 3, 5]) for one in (a, b)]
    turned = [20 - one[:, [2, 3, 0, 1]] for one in (a, b)]
    mirrored = [one[:, [1, 0, 3, 2]] for one in (a, b)]
    for pair in (moved, turned, mirrored):
        np.testing.assert_allclose(measure(*pair), measure(a, b), atol=1e-12)


@pytest.mark.parametrize("measure", [boxes.iou, boxes.generalized_iou])
def test_gradients_are_finite_for_empty_touching_and_equal_boxes(measure):
    a = jnp.array([EMPTY, [0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 2, 2]])
    b = jnp.array([EMPTY, [2, 0, 4, 2], [0, 0, 2, 2], EMPTY])
    gradient = jax.grad(lambda a: measure(a, b).sum())(a)
    assert jnp.isfinite(gradient).all()


def test_the_gradient_of_generalized_iou_pulls_distant_boxes_together():
    gradient = jax.grad(boxes.generalized_iou)(jnp.array([0.0, 0, 2, 2]), jnp.array([5.0, 0, 7, 2]))
    assert gradient[2] > 0
    assert not jax.grad(boxes.iou)(jnp.array([0.0, 0, 2, 2]), jnp.array([5.0, 0, 7, 2])).any()


def test_shapes_are_compared_as_boxes_around_one_centre():
    a, b = some(30)[:, 2:] + 1, some(30, seed=1)[:, 2:] + 1
    around = [np.concatenate([-sizes / 2, sizes / 2], -1) for sizes in (a, b)]
    np.testing.assert_allclose(boxes.shape_iou(a, b), boxes.iou(*around))


def test_centres_by_hand_and_back():
    np.testing.assert_array_equal(boxes.to_centers(np.array([1.0, 2, 5, 10])), [3, 6, 4, 8])
    np.testing.assert_array_equal(boxes.from_centers(boxes.to_centers(some(20))), some(20))


def test_what_is_clipped_lies_in_the_image():
    given = np.array([[-3.0, 2, 5, 30], [1, 1, 2, 2], [12, 22, 15, 25]])
    np.testing.assert_array_equal(boxes.clip(given, 20, 10), [[0, 2, 5, 20], [1, 1, 2, 2], [10, 20, 10, 20]])
    assert boxes.area(boxes.clip(given, 20, 10))[2] == 0


def test_boxes_with_their_corners_the_wrong_way_round_are_refused_where_they_are_present():
    good = np.array([[[0.0, 0, 2, 2], EMPTY], [[1, 1, 1, 1], [5, 3, 4, 9]]])
    with pytest.raises(InputError, match=r"box 1, 1 is \(5, 3, 4, 9\): expected x1 ≤ x2 and y1 ≤ y2"):
        boxes.check_boxes(good)
    with pytest.raises(InputError, match=r"box 0 is \(0, 0, 1, nan\)"):
        boxes.check_boxes(np.array([[0.0, 0, 1, np.nan]]))
    boxes.check_boxes(good, np.array([[True, True], [True, False]]))
