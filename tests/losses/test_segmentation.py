"""Losses of a segmentation: worked numbers, what they are for hard predictions, and what cannot fool them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.losses.classification import cross_entropy
from jaxdl.losses.segmentation import graded_pixels, pixel_cross_entropy, soft_dice, soft_iou

SEGMENTS = jnp.array([[0, 0, 1], [2, 1, 1]])
LOGITS = jax.random.normal(jax.random.key(0), (2, 3, 3))


def sure_of(segments):
    """Logits whose softmax is one-hot."""
    return 1e4 * jax.nn.one_hot(segments, 3)


def test_the_cross_entropy_is_the_mean_over_pixels():
    pixels = [cross_entropy(LOGITS[i, j], SEGMENTS[i, j]) for i in range(2) for j in range(3)]
    np.testing.assert_allclose(pixel_cross_entropy(LOGITS, SEGMENTS), np.mean(pixels), rtol=1e-6)
    np.testing.assert_allclose(pixel_cross_entropy(0 * LOGITS, SEGMENTS), np.log(3), rtol=1e-6)


def test_pixels_of_weight_0_have_no_part_and_a_weight_of_2_counts_twice():
    weights = jnp.array([[1.0, 0, 0], [2, 0, 0]])
    worked = (cross_entropy(LOGITS[0, 0], SEGMENTS[0, 0]) + 2 * cross_entropy(LOGITS[1, 0], SEGMENTS[1, 0])) / 3
    np.testing.assert_allclose(pixel_cross_entropy(LOGITS, SEGMENTS, weights), worked, rtol=1e-6)
    gradient = jax.grad(pixel_cross_entropy)(LOGITS, SEGMENTS, weights)
    assert not gradient[0, 1:].any()
    assert gradient[0, 0].any()
    assert float(pixel_cross_entropy(LOGITS, SEGMENTS, 0 * weights)) == 0


def test_the_worked_overlap():
    """Of class 1 two of three pixels are said, of class 2 its own and one more, of class 0 all: unsmoothed

    IoU is 2/2, 2/3 and 1/2, Dice 2·2/4, 2·2/5 and 2·1/3.
    """
    said = jnp.array([[0, 0, 1], [2, 1, 2]])
    np.testing.assert_allclose(soft_iou(sure_of(said), SEGMENTS, 0.0), 1 - np.mean([1, 2 / 3, 1 / 2]), rtol=1e-6)
    np.testing.assert_allclose(soft_dice(sure_of(said), SEGMENTS, 0.0), 1 - np.mean([1, 4 / 5, 2 / 3]), rtol=1e-6)


@pytest.mark.parametrize("loss", [soft_dice, soft_iou])
def test_being_right_costs_nothing_even_of_a_class_that_is_not_there(loss):
    assert float(loss(sure_of(SEGMENTS), SEGMENTS)) == 0
    without = jnp.where(SEGMENTS == 2, 0, SEGMENTS)
    assert float(loss(sure_of(without), without)) == 0
    assert float(loss(sure_of(SEGMENTS), without)) > 0


def test_dice_never_costs_more_than_iou():
    """D = 2J / (1 + J) of each class, which is J or more."""
    for seed in range(5):
        logits = 3 * jax.random.normal(jax.random.key(seed), (2, 3, 3))
        assert float(soft_dice(logits, SEGMENTS)) < float(soft_iou(logits, SEGMENTS))


def test_more_background_makes_cross_entropy_forget_a_small_thing_and_dice_not():
    """Who says background everywhere is right about nearly all pixels of a large image."""

    def lost(loss, side):
        segments = jnp.zeros((side, side), int).at[0, 0].set(1)
        return float(loss(3.0 * jax.nn.one_hot(0 * segments, 2), segments))

    assert lost(pixel_cross_entropy, 32) < 0.3 * lost(pixel_cross_entropy, 2)
    assert lost(soft_dice, 32) > lost(soft_dice, 2) > 0.2


@pytest.mark.parametrize("loss", [pixel_cross_entropy, soft_dice, soft_iou])
def test_its_gradient_is_the_numerical_one(loss):
    with jax.enable_x64():
        logits = jnp.asarray(np.asarray(LOGITS, np.float64))
        check_grads(lambda z: loss(jnp.asarray(z), SEGMENTS), (logits,), order=2)


@pytest.mark.parametrize("loss", [pixel_cross_entropy, soft_dice, soft_iou])
def test_logits_of_ten_thousand_give_a_finite_loss_and_gradient(loss):
    value, gradient = jax.value_and_grad(loss)(sure_of(2 - SEGMENTS), SEGMENTS)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_a_masked_image_is_graded_with_weight_zero_and_another_by_the_share_of_its_pixels_that_are_right():
    example = {"segments": SEGMENTS, "mask": jnp.float32(0)}
    assert all(float(grade.weight) == float(grade.total) == 0 for grade in graded_pixels(LOGITS, example).values())
    grades = graded_pixels(sure_of(SEGMENTS.at[0, 0].set(2)), example | {"mask": jnp.float32(1)})
    np.testing.assert_allclose(grades["accuracy"].value, 5 / 6, rtol=1e-6)
    np.testing.assert_allclose(grades["loss"].value, 1e4 / 6, rtol=1e-6)
