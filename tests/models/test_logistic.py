"""Logistic and softmax regression."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.losses.classification import graded, graded_binary
from jaxdl.models.logistic import LogisticRegression, SoftmaxRegression
from jaxdl.task import map_loss
from jaxdl.typing import Mean

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(20, 3)), RANDOM.integers(0, 2, 20)


@pytest.mark.parametrize(
    ("model", "outputs"), [(SoftmaxRegression(3, event_axes=2), 3), (LogisticRegression(event_axes=2), 1)]
)
def test_it_starts_at_knowing_nothing_and_is_affine_in_its_input(model, outputs):
    x = jax.random.normal(jax.random.key(0), (5, 4, 2))
    variables = model.init(jax.random.key(0), x)
    np.testing.assert_array_equal(model.apply(variables, x), np.zeros((5, outputs)))
    variables = jax.tree.map(lambda leaf: jnp.arange(leaf.size, dtype=jnp.float32).reshape(leaf.shape), variables)

    def f(x):
        return model.apply(variables, x)

    np.testing.assert_allclose(f(x[0] + x[1]) - f(x[1]), f(x[0]) - f(jnp.zeros((4, 2))), atol=1e-3)
    np.testing.assert_allclose(f(x)[2], f(x[2]), atol=1e-4)


def cost(model, grade, params):
    """The mean loss over X, Y."""

    def loss(params, model_state, example, key):
        return grade(model.apply({"params": params}, example["x"]), example)["loss"], (model_state, {})

    batch = {"x": jnp.asarray(X), "label": jnp.asarray(Y), "mask": jnp.ones(20), "row": jnp.arange(20)}
    each, _ = map_loss(loss, params, {}, batch, jax.random.key(0))
    return Mean.of(each.total, each.weight).value


def test_its_first_cost_is_ln_2_and_its_gradient_is_the_mean_error_times_the_input():
    """dw = Xᵀ(a − y)/m and db = mean(a − y), at zero weights and elsewhere."""
    with jax.enable_x64():
        for w, b in ((np.zeros(3), 0.0), (np.array([0.5, -1.0, 2.0]), 0.3)):
            params = {"output": {"kernel": jnp.asarray(w)[:, None], "bias": jnp.asarray([b])}}
            value, gradient = jax.value_and_grad(cost, 2)(LogisticRegression(), graded_binary, params)
            error = 1 / (1 + np.exp(-(X @ w + b))) - Y
            np.testing.assert_allclose(gradient["output"]["kernel"][:, 0], X.T @ error / 20, rtol=1e-12)
            np.testing.assert_allclose(gradient["output"]["bias"], [error.mean()], rtol=1e-12)
            if not w.any():
                np.testing.assert_allclose(value, np.log(2), rtol=1e-12)


def descended(model, grade, learning_rate, steps=50):
    """The parameters after gradient descent from zero."""
    params = model.init(jax.random.key(0), jnp.zeros(3))["params"]
    slope = jax.jit(lambda params: jax.grad(cost, 2)(model, grade, params))
    for _ in range(steps):
        params = jax.tree.map(lambda p, g: p - learning_rate * g, params, slope(params))
    return params


def test_softmax_over_two_classes_is_logistic_regression_at_twice_the_learning_rate():
    """The difference of the two logits has the gradient (a − y)x of each, once with either sign."""
    with jax.enable_x64():
        two = descended(SoftmaxRegression(2), graded, 0.2)["output"]
        one = descended(LogisticRegression(), graded_binary, 0.4)["output"]
        np.testing.assert_allclose(two["kernel"][:, 1] - two["kernel"][:, 0], one["kernel"][:, 0], rtol=1e-12)
        probabilities = jax.nn.softmax(X @ two["kernel"] + two["bias"])[:, 1]
        np.testing.assert_allclose(probabilities, jax.nn.sigmoid(X @ one["kernel"] + one["bias"])[:, 0], rtol=1e-12)
        assert float(jnp.abs(probabilities - 0.5).max()) > 0.1
