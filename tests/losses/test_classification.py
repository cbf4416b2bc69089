"""Cross-entropy from logits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.errors import InputError
from jaxdl.losses.classification import (
    binary_cross_entropy,
    cross_entropy,
    graded,
    graded_binary,
    multi_label,
    smoothed,
    soft_cross_entropy,
)


def test_the_worked_example():
    """ŷ = [.3, .2, .1, .4] and class 1: −log .2 = 1.6094."""
    np.testing.assert_allclose(cross_entropy(jnp.log(jnp.array([0.3, 0.2, 0.1, 0.4])), jnp.array(1)), 1.6094, atol=5e-5)


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_knowing_nothing_costs_log_of_the_number_of_classes(classes):
    np.testing.assert_allclose(cross_entropy(jnp.zeros(classes), jnp.array(1)), np.log(classes), rtol=1e-6)


def test_adding_the_same_to_every_logit_changes_nothing():
    logits = jnp.array([0.5, -1.0, 2.0])
    np.testing.assert_allclose(
        cross_entropy(logits + 100, jnp.array(0)), cross_entropy(logits, jnp.array(0)), rtol=1e-5
    )


@pytest.mark.parametrize(("label", "loss"), [(0, 0.0), (1, 2e4)])
def test_logits_of_ten_thousand_give_a_finite_loss_and_gradient(label, loss):
    value, gradient = jax.value_and_grad(cross_entropy)(jnp.array([1e4, -1e4]), jnp.array(label))
    assert float(value) == loss
    np.testing.assert_array_equal(gradient, np.array([1.0, 0.0]) - np.eye(2)[label])


def test_the_gradient_is_the_probability_minus_one_at_the_label():
    logits = jnp.array([0.3, -0.2, 1.1, 0.0])
    gradient = jax.grad(cross_entropy)(logits, jnp.array(2))
    np.testing.assert_allclose(gradient, jax.nn.softmax(logits) - np.eye(4)[2], atol=1e-6)
    with jax.enable_x64():
        check_grads(lambda z: cross_entropy(jnp.asarray(z), jnp.array(2)), (jnp.array([0.3, -0.2, 1.1]),), order=3)


def test_bfloat16_logits_are_summed_in_float32():
    logits = jnp.zeros(1000, jnp.bfloat16)
    loss = cross_entropy(logits, jnp.array(3))
    assert loss.dtype == jnp.float32
    np.testing.assert_allclose(loss, np.log(1000), rtol=1e-6)


def test_a_masked_example_is_graded_with_weight_zero():
    example = {"label": jnp.array(1), "mask": jnp.float32(0)}
    grades = graded(jnp.array([0.0, 5.0]), example)
    assert all(float(grade.total) == float(grade.weight) == 0 for grade in grades.values())
    grades = graded(jnp.array([0.0, 5.0]), example | {"mask": jnp.float32(1)})
    assert float(grades["accuracy"].value) == 1
    np.testing.assert_allclose(grades["loss"].value, np.log1p(np.exp(-5)), rtol=1e-5)


def test_a_one_hot_target_costs_what_its_label_does():
    logits = jnp.array([0.3, -0.2, 1.1, 0.0])
    for label in range(4):
        np.testing.assert_allclose(
            soft_cross_entropy(logits, jnp.eye(4)[label]), cross_entropy(logits, jnp.array(label)), rtol=1e-6
        )


def test_a_soft_target_costs_least_where_the_prediction_equals_it_and_then_its_entropy():
    target = jnp.array([0.7, 0.2, 0.1, 0.0])
    entropy = -(0.7 * np.log(0.7) + 0.2 * np.log(0.2) + 0.1 * np.log(0.1))
    logits = jnp.array([0.7, 0.2, 0.1, 1e-9])
    np.testing.assert_allclose(soft_cross_entropy(jnp.log(logits), target), entropy, rtol=1e-6)
    np.testing.assert_allclose(jax.grad(soft_cross_entropy)(jnp.log(logits), target), 0, atol=1e-6)
    assert float(soft_cross_entropy(jnp.log(logits) + jnp.array([0, 0.1, 0, 0]), target)) > entropy


def test_a_class_ruled_out_by_an_infinite_logit_costs_nothing_where_the_target_agrees():
    value, gradient = jax.value_and_grad(soft_cross_entropy)(
        jnp.array([0.0, 0.0, -jnp.inf]), jnp.array([0.5, 0.5, 0.0])
    )
    np.testing.assert_allclose(value, np.log(2), rtol=1e-6)
    np.testing.assert_allclose(gradient, 0, atol=1e-7)


def test_smoothing_moves_a_share_evenly_to_all_classes():
    np.testing.assert_allclose(smoothed(jnp.eye(4)[1], 0.1), [0.025, 0.925, 0.025, 0.025], rtol=1e-6)
    with pytest.raises(InputError, match=r"label smoothing -0.1: expected 0 to 1"):
        smoothed(jnp.eye(4)[1], -0.1)


@pytest.mark.parametrize("logit", [-3.0, -0.1, 0.0, 2.0])
@pytest.mark.parametrize("label", [0, 1, 0.3])
def test_binary_cross_entropy_is_minus_the_log_of_the_bernoulli_likelihood(logit, label):
    """ŷʸ(1−ŷ)¹⁻ʸ with ŷ = σ(z); its gradient is ŷ − y."""
    likely = 1 / (1 + np.exp(-logit))
    value, gradient = jax.value_and_grad(binary_cross_entropy)(jnp.float32(logit), jnp.asarray(label))
    np.testing.assert_allclose(value, -np.log(likely**label * (1 - likely) ** (1 - label)), rtol=1e-5)
    np.testing.assert_allclose(gradient, likely - label, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("logit", "label", "loss"), [(1e4, 1, 0), (1e4, 0, 1e4), (-1e4, 1, 1e4), (-1e4, 0, 0)])
def test_a_binary_logit_of_ten_thousand_gives_a_finite_loss_and_gradient(logit, label, loss):
    value, gradient = jax.value_and_grad(binary_cross_entropy)(jnp.float32(logit), jnp.array(label))
    assert float(value) == loss
    assert float(gradient) == (logit > 0) - label


def test_a_nearly_right_binary_prediction_keeps_its_digits():
    np.testing.assert_allclose(binary_cross_entropy(jnp.float32(20), jnp.array(True)), np.exp(-20.0), rtol=1e-4)


def test_knowing_nothing_of_two_classes_costs_log_2_and_softmax_over_0_and_z_costs_the_same():
    np.testing.assert_allclose(binary_cross_entropy(jnp.float32(0), jnp.array(1)), np.log(2), rtol=1e-6)
    for label in (0, 1):
        np.testing.assert_allclose(
            binary_cross_entropy(jnp.float32(1.7), jnp.array(label)),
            cross_entropy(jnp.array([0.0, 1.7]), jnp.array(label)),
            rtol=1e-6,
        )


def test_the_cost_of_logistic_regression_is_convex():
    """Its Hessian Xᵀ diag(ŷ(1−ŷ)) X / m has no negative eigenvalue at any w; so it has one optimum, not several."""
    random = np.random.default_rng(0)
    with jax.enable_x64():
        x, y = jnp.asarray(random.normal(size=(30, 4))), jnp.asarray(random.integers(0, 2, 30))

        def cost(w):
            return jax.vmap(binary_cross_entropy)(x @ w, y).mean()

        hessians = jax.vmap(jax.hessian(cost))(jnp.asarray(random.normal(0, 5, size=(40, 4))))
        lowest = np.linalg.eigvalsh(hessians)[:, 0]
    assert (lowest > -1e-12).all()
    assert (lowest > 1e-6).any()


def test_multi_label_is_the_sum_over_labels_and_skips_those_not_known():
    logits, labels = jnp.array([0.5, -1.0, 2.0]), jnp.array([1.0, 0.0, jnp.nan])
    each = [binary_cross_entropy(z, y) for z, y in zip(logits[:2], labels[:2], strict=True)]
    known = jnp.array([1, 1, 0])
    value, gradient = jax.value_and_grad(multi_label)(logits, labels, known)
    np.testing.assert_allclose(value, sum(each), rtol=1e-6)
    np.testing.assert_allclose(gradient, [1 / (1 + np.exp(-0.5)) - 1, 1 / (1 + np.e), 0], rtol=1e-5)
    np.testing.assert_allclose(multi_label(logits[:2], labels[:2]), sum(each), rtol=1e-6)


@pytest.mark.parametrize(("dtype", "summed"), [(jnp.bfloat16, jnp.float32), (jnp.float32, jnp.float32)])
def test_every_loss_is_summed_in_float32(dtype, summed):
    logits, labels = jnp.zeros(4, dtype), jnp.ones(4, dtype)
    assert soft_cross_entropy(logits, labels).dtype == summed
    assert multi_label(logits, labels).dtype == summed


@pytest.mark.parametrize("shape", [(), (1,)])
@pytest.mark.parametrize(("logit", "label", "right"), [(0.1, 1, 1), (0.1, 0, 0), (-0.1, 0, 1), (-0.1, 1, 0)])
def test_one_logit_means_class_1_where_its_probability_is_above_one_half(shape, logit, label, right):
    example = {"label": jnp.array(label), "mask": jnp.float32(1)}
    grades = graded_binary(jnp.full(shape, logit, jnp.float32), example)
    assert float(grades["accuracy"].value) == right
    np.testing.assert_allclose(grades["loss"].value, np.log1p(np.exp(-logit if label else logit)), rtol=1e-6)
    grades = graded_binary(jnp.full(shape, logit, jnp.float32), example | {"mask": jnp.float32(0)})
    assert all(float(grade.total) == float(grade.weight) == 0 for grade in grades.values())


def test_one_logit_is_graded_as_two_whose_difference_it_is():
    example = {"label": jnp.array(0), "mask": jnp.float32(1)}
    one, two = graded_binary(jnp.float32(1.7), example), graded(jnp.array([-0.5, 1.2]), example)
    np.testing.assert_allclose(one["loss"].value, two["loss"].value, rtol=1e-6)
    assert float(one["accuracy"].value) == float(two["accuracy"].value) == 0
