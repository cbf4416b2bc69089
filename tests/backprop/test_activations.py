"""Activations as nodes."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.backprop import activations

NODES = {
    "sigmoid": activations.sigmoid,
    "tanh": activations.tanh,
    "relu": activations.relu,
    "leaky relu": activations.leaky_relu(),
    "elu": activations.elu(),
    "elu, α = .3": activations.elu(0.3),
    "maxout": activations.maxout(3),
}
SMALL = jnp.array([[-2.0, -0.5, 0.0, 0.5, 2.0]])


@pytest.mark.parametrize("name", NODES)
def test_the_backward_is_the_vjp(name, backward_is_vjp):
    z = np.random.default_rng(0).normal(size=(4, 6)) * 2
    assert np.abs(z).min() > 1e-3  # away from the kinks
    backward_is_vjp(NODES[name], z)


@pytest.mark.parametrize(
    ("name", "slope"),
    [("relu", 0.0), ("leaky relu", 1.0), ("elu", 1.0), ("elu, α = .3", 1.0), ("sigmoid", 0.25), ("tanh", 1.0)],
)
def test_the_slope_at_zero_is_as_stated_and_autodiff_gives_the_same(name, slope, backward_is_vjp):
    backward_is_vjp(NODES[name], jnp.zeros((2, 3)))
    _, cache = NODES[name].forward(jnp.zeros((1, 3)))
    np.testing.assert_array_equal(NODES[name].backward(cache, jnp.ones((1, 3)))[0], slope)


@pytest.mark.parametrize(
    ("name", "values", "slopes"),
    [
        ("relu", [0, 0, 0, 0.5, 2], [0, 0, 0, 1, 1]),
        ("leaky relu", [-0.2, -0.05, 0, 0.5, 2], [0.1, 0.1, 1, 1, 1]),
        ("elu", [np.exp(-2) - 1, np.exp(-0.5) - 1, 0, 0.5, 2], [np.exp(-2), np.exp(-0.5), 1, 1, 1]),
        ("tanh", np.tanh([-2, -0.5, 0, 0.5, 2]), 1 / np.cosh([-2, -0.5, 0, 0.5, 2]) ** 2),
        ("sigmoid", 1 / (1 + np.exp([2, 0.5, 0, -0.5, -2])), 0.25 / np.cosh([-1, -0.25, 0, 0.25, 1]) ** 2),
    ],
)
def test_values_and_slopes_are_those_of_the_formula(name, values, slopes):
    a, cache = NODES[name].forward(SMALL)
    np.testing.assert_allclose(a[0], values, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        NODES[name].backward(cache, jnp.full((1, 5), 2.0))[0][0], 2 * np.array(slopes), rtol=1e-5
    )


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "leaky relu", "elu"])
def test_inputs_of_ten_thousand_give_finite_values_and_slopes_by_autodiff_too(name, backward_is_vjp):
    a, cache = NODES[name].forward(jnp.array([[-1e4, 1e4]]))
    assert np.isfinite(a).all()
    assert np.isfinite(NODES[name].backward(cache, jnp.ones((1, 2)))[0]).all()
    backward_is_vjp(NODES[name], jnp.array([[-1e4, 1e4]]))


def test_each_maxout_unit_gives_the_gradient_to_its_largest_piece():
    a, cache = activations.maxout(2).forward(jnp.array([[1.0, 3.0, -1.0, -2.0]]))
    np.testing.assert_array_equal(a, [[3, -1]])
    np.testing.assert_array_equal(activations.maxout(2).backward(cache, jnp.array([[5.0, 7.0]]))[0], [[0, 5, 7, 0]])
