"""The nodes that end a network."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.backprop.losses import l2_penalty, sigmoid_with_loss, softmax_with_loss
from jaxdl.errors import InputError

random = np.random.default_rng(0)


def test_the_backward_of_softmax_with_loss_is_the_vjp_and_labels_have_no_gradient(backward_is_vjp):
    _, none = backward_is_vjp(softmax_with_loss, random.normal(size=(5, 4)), np.array([0, 3, 1, 1, 2], np.int32))
    assert none is None


def test_the_backward_of_sigmoid_with_loss_is_the_vjp_and_labels_have_no_gradient(backward_is_vjp):
    targets = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    _, none = backward_is_vjp(sigmoid_with_loss, random.normal(size=(3, 2)), targets)
    assert none is None


def test_softmax_with_loss_gives_back_probability_minus_one_hot_over_m():
    """Probabilities [.3, .2, .1, .4] and [.25, …]: J = (−log .2 + log 4) / 2 and dz = (ŷ − y) / 2."""
    z = jnp.log(jnp.array([[0.3, 0.2, 0.1, 0.4], [0.25, 0.25, 0.25, 0.25]]))
    cost, cache = softmax_with_loss.forward(z, jnp.array([1, 3]))
    np.testing.assert_allclose(cost, (1.6094379 + np.log(4)) / 2, rtol=1e-6)
    dz, _ = softmax_with_loss.backward(cache, jnp.float32(1))
    np.testing.assert_allclose(dz, [[0.15, -0.4, 0.05, 0.2], [0.125, 0.125, 0.125, -0.375]], atol=1e-6)


def test_sigmoid_with_loss_of_zero_is_log_two_and_gives_back_probability_minus_label_over_m():
    cost, cache = sigmoid_with_loss.forward(jnp.zeros((4, 1)), jnp.array([[1.0], [0.0], [0.0], [1.0]]))
    np.testing.assert_allclose(cost, np.log(2), rtol=1e-6)
    np.testing.assert_allclose(
        sigmoid_with_loss.backward(cache, jnp.float32(1))[0][:, 0], [-0.125, 0.125, 0.125, -0.125]
    )


@pytest.mark.parametrize(
    ("node", "z", "labels"),
    [
        (softmax_with_loss, [[1e4, -1e4], [-1e4, 1e4]], jnp.array([1, 1])),
        (sigmoid_with_loss, [[1e4], [-1e4]], jnp.array([[0.0], [0.0]])),
    ],
)
def test_logits_of_ten_thousand_give_a_finite_cost_and_gradient(node, z, labels):
    cost, cache = node.forward(jnp.array(z), labels)
    assert float(cost) in (1e4 / 2, 2e4 / 2)
    assert np.isfinite(node.backward(cache, jnp.float32(1))[0]).all()


def test_the_penalty_is_half_lambda_times_the_squares_and_its_gradient_lambda_times_the_weights(backward_is_vjp):
    W, V = jnp.array([[1.0, -2.0]]), jnp.array([[3.0]])
    penalty, cache = l2_penalty(0.1).forward(W, V)
    np.testing.assert_allclose(penalty, 0.05 * (1 + 4 + 9), rtol=1e-6)
    dW, dV = l2_penalty(0.1).backward(cache, jnp.float32(1))
    np.testing.assert_allclose(dW, [[0.1, -0.2]], rtol=1e-6)
    np.testing.assert_allclose(dV, [[0.3]], rtol=1e-6)
    backward_is_vjp(l2_penalty(0.1), W, V)


@pytest.mark.parametrize("strength", [-1.0, float("nan")])
def test_a_negative_penalty_is_refused(strength):
    with pytest.raises(InputError, match=f"L2 penalty {strength}: expected 0 or more"):
        l2_penalty(strength)
