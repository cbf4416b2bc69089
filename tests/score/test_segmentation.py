"""Scores of a segmentation from the counts of its pixels."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.losses.segmentation import soft_dice, soft_iou
from jaxdl.score.segmentation import dice, iou, mean_dice, mean_iou, pixel_counts

TRUE = np.array([[[0, 0, 1], [2, 1, 1]]])
SAID = np.array([[[0, 0, 1], [2, 1, 2]]])
RANDOM = np.random.default_rng(0)


def test_the_worked_overlap():
    """Class 0 is right, class 1 has 2 of 3 pixels, class 2 its one and another: IoU 2/2, 2/3, 1/2."""
    counts = pixel_counts(TRUE, SAID, 3)
    np.testing.assert_array_equal(counts, [[2, 0, 0], [0, 2, 1], [0, 0, 1]])
    np.testing.assert_allclose(iou(counts), [1, 2 / 3, 1 / 2])
    np.testing.assert_allclose(dice(counts), [1, 4 / 5, 2 / 3])
    assert mean_iou(counts) == pytest.approx(13 / 18)
    assert mean_dice(counts) == pytest.approx(37 / 45)


def test_a_class_that_is_neither_there_nor_said_does_not_count():
    counts = pixel_counts(TRUE, SAID, 5)
    assert np.isnan(iou(counts)[3:]).all()
    assert np.isnan(dice(counts)[3:]).all()
    assert mean_iou(counts) == pytest.approx(13 / 18)


def test_a_class_that_is_said_and_is_not_there_has_0():
    counts = pixel_counts(0 * TRUE, SAID, 3)
    np.testing.assert_allclose(iou(counts), [2 / 6, 0, 0])


def test_it_is_the_intersection_over_the_union_of_sets_of_pixels():
    true, said = RANDOM.integers(0, 4, (2, 3, 5, 5))
    counts = pixel_counts(true, said, 4)
    for label, found in enumerate(iou(counts)):
        one, other = ({*np.flatnonzero(of == label).tolist()} for of in (true, said))
        assert found == pytest.approx(len(one & other) / len(one | other))


def test_dice_is_2_iou_over_1_plus_iou():
    counts = RANDOM.integers(0, 50, (4, 4))
    np.testing.assert_allclose(dice(counts), 2 * iou(counts) / (1 + iou(counts)))


def test_pixels_that_nobody_knows_do_not_count():
    known = TRUE != 2
    np.testing.assert_array_equal(pixel_counts(TRUE, SAID, 3, known), [[2, 0, 0], [0, 2, 1], [0, 0, 0]])
    unknown = np.where(known, TRUE, 255)
    np.testing.assert_array_equal(pixel_counts(unknown, SAID, 3, known), [[2, 0, 0], [0, 2, 1], [0, 0, 0]])


def test_for_a_sure_prediction_it_is_one_minus_the_unsmoothed_soft_loss():
    """Score and loss were written apart."""
    true, said = RANDOM.integers(0, 3, (2, 6, 6))
    counts, logits = pixel_counts(true, said, 3), 1e4 * jnp.eye(3)[said]
    assert mean_iou(counts) == pytest.approx(1 - float(soft_iou(logits, jnp.asarray(true), 0.0)), rel=1e-5)
    assert mean_dice(counts) == pytest.approx(1 - float(soft_dice(logits, jnp.asarray(true), 0.0)), rel=1e-5)


def test_images_of_another_shape_and_classes_out_of_range_are_refused():
    with pytest.raises(InputError, match="expected the same shape"):
        pixel_counts(TRUE, SAID[:, :1], 3)
    with pytest.raises(InputError, match="true labels from 0 to 2: expected 0 to 1"):
        pixel_counts(TRUE, SAID, 2)
