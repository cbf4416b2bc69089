"""L1, L2 and MSE of one example."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.losses.regression import l1, l2, mse
from jaxdl.typing import Mean

PREDICTION, TARGET = jnp.array([0.9, 0.2, 0.1, 0.4, 0.9]), jnp.array([1.0, 0, 0, 1, 1])


@pytest.mark.parametrize(("loss", "value"), [(l1, 1.1), (l2, 0.43), (mse, 0.086)])
def test_the_worked_example(loss, value):
    np.testing.assert_allclose(loss(PREDICTION, TARGET), value, rtol=1e-6)


@pytest.mark.parametrize(("first", "value"), [((0.9, 0.2, 0.1), 1.1), ((0.9, 0.02, 0.01), 0.83)])
def test_the_notes_l1_of_1_1_belongs_to_the_larger_predictions(first, value):
    np.testing.assert_allclose(l1(jnp.array([*first, 0.4, 0.9]), TARGET), value, rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "gradient"), [(l1, [1, -1, 0]), (l2, [4, -1, 0]), (mse, [4 / 3, -1 / 3, 0])], ids=["l1", "l2", "mse"]
)
def test_its_gradient_by_hand_which_is_zero_where_the_prediction_is_right(loss, gradient):
    found = jax.grad(loss)(jnp.array([3.0, 0.5, 7.0]), jnp.array([1.0, 1.0, 7.0]))
    np.testing.assert_allclose(found, gradient, rtol=1e-6)


@pytest.mark.parametrize("loss", [l1, l2, mse])
def test_the_shape_of_the_event_does_not_matter_and_the_numerical_gradient_agrees(loss):
    with jax.enable_x64():
        k_prediction, k_target = jax.random.split(jax.random.key(0))
        prediction, target = jax.random.normal(k_prediction, (2, 3)), jax.random.normal(k_target, (2, 3))
        np.testing.assert_allclose(loss(prediction, target), loss(prediction.ravel(), target.ravel()), rtol=1e-14)
        check_grads(lambda p: loss(jnp.asarray(p), target), (prediction,), order=1)


@pytest.mark.parametrize("loss", [l1, l2, mse])
def test_ten_thousand_gives_a_finite_loss_and_bfloat16_is_summed_in_float32(loss):
    value, gradient = jax.value_and_grad(loss)(jnp.array([1e4, -1e4]), jnp.array([-1e4, 1e4]))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert loss(jnp.full(1000, 0.5, jnp.bfloat16), jnp.zeros(1000, jnp.bfloat16)).dtype == jnp.float32


def test_masks_and_weights_enter_through_the_mean():
    """Examples that cost 1, 4 and 9, weighed 1, 2 and 0."""
    losses = jax.vmap(l2)(jnp.array([[1.0], [2.0], [3.0]]), jnp.zeros((3, 1)))
    np.testing.assert_allclose(Mean.of(losses, jnp.array([1.0, 2.0, 0.0])).value, (1 + 2 * 4) / 3, rtol=1e-6)
