"""Cross-entropy from logits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.losses.classification import cross_entropy, graded


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
