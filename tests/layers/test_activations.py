"""Activations: limits, kinks, and each hand-written derivative against differences and against autodiff."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.layers import activations
from jaxdl.layers.activations import derivative, maxout, maxout_derivative, named

# At −1, 0, 1: value; and derivative at 0, a kink's by convention.
E = math.e
PHI = (1 + math.erf(1 / math.sqrt(2))) / 2
TABLE = {
    "identity": ([-1, 0, 1], 1),
    "sigmoid": ([1 / (1 + E), 0.5, E / (1 + E)], 0.25),
    "tanh": ([-(E**2 - 1) / (E**2 + 1), 0, (E**2 - 1) / (E**2 + 1)], 1),
    "relu": ([0, 0, 1], 0),
    "relu6": ([0, 0, 1], 0),
    "leaky_relu": ([-0.1, 0, 1], 1),
    "elu": ([1 / E - 1, 0, 1], 1),
    "softplus": ([math.log(1 + 1 / E), math.log(2), math.log(1 + E)], 0.5),
    "swish": ([-1 / (1 + E), 0, E / (1 + E)], 0.5),
    "gelu": ([PHI - 1, 0, PHI], 0.5),
    "gelu_tanh": ([PHI - 1, 0, PHI], 0.5),
}
# What it is, and its slope, at −10⁴ and 10⁴.
FAR = {
    "identity": ([-1e4, 1e4], [1, 1]),
    "sigmoid": ([0, 1], [0, 0]),
    "tanh": ([-1, 1], [0, 0]),
    "relu": ([0, 1e4], [0, 1]),
    "relu6": ([0, 6], [0, 0]),
    "leaky_relu": ([-1e3, 1e4], [0.1, 1]),
    "elu": ([-1, 1e4], [0, 1]),
    "softplus": ([0, 1e4], [0, 1]),
    "swish": ([0, 1e4], [0, 1]),
    "gelu": ([0, 1e4], [0, 1]),
    "gelu_tanh": ([0, 1e4], [0, 1]),
}


@pytest.mark.parametrize("name", TABLE)
def test_its_values_by_hand(name):
    values, _ = TABLE[name]
    tolerance = 2e-4 if name == "gelu_tanh" else 1e-6  # the approximation is that good at 1
    np.testing.assert_allclose(named(name)(jnp.array([-1.0, 0.0, 1.0])), values, atol=tolerance)


@pytest.mark.parametrize("name", TABLE)
def test_at_zero_autodiff_agrees_with_the_convention_for_the_kink(name):
    _, slope = TABLE[name]
    assert float(derivative(name)(jnp.array(0.0))) == slope
    assert float(jax.grad(named(name))(0.0)) == slope


@pytest.mark.parametrize("name", FAR)
def test_ten_thousand_gives_the_limit_and_its_slope_and_no_nan(name):
    z = jnp.array([-1e4, 1e4])
    values, slopes = FAR[name]
    np.testing.assert_allclose(named(name)(z), values, rtol=1e-6)
    np.testing.assert_allclose(derivative(name)(z), slopes, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(jax.grad(named(name)))(z), slopes, rtol=1e-6)
    assert np.isfinite(jax.vmap(jax.hessian(named(name)))(z)).all()


@pytest.mark.parametrize("name", TABLE)
def test_the_derivative_is_the_central_difference_and_autodiff(name):
    with jax.enable_x64():
        z = jax.random.uniform(jax.random.key(0), (5, 8), minval=-4.0, maxval=4.0)
        f, by_hand = named(name), derivative(name)(z)
        np.testing.assert_allclose(by_hand, (f(z + 1e-6) - f(z - 1e-6)) / 2e-6, atol=1e-8)
        np.testing.assert_allclose(by_hand, jax.grad(lambda z: f(z).sum())(z), atol=1e-14)


@pytest.mark.parametrize("name", TABLE)
def test_a_nan_stays_and_a_dtype_stays(name):
    assert np.isnan(named(name)(jnp.array(jnp.nan)))
    for function in (named(name), derivative(name)):
        assert function(jnp.zeros(3, jnp.bfloat16)).dtype == jnp.bfloat16


def test_relu6_is_relu_below_six_and_flat_from_there():
    z = jnp.array([-1.0, 2.0, 5.5, 6.0, 8.0])
    np.testing.assert_array_equal(activations.relu6(z), [0, 2, 5.5, 6, 6])
    np.testing.assert_array_equal(activations.relu6_derivative(z), [0, 1, 1, 0, 0])
    np.testing.assert_array_equal(jax.vmap(jax.grad(activations.relu6))(z), [0, 1, 1, 0, 0])


def test_slope_and_alpha_shape_the_negative_side_and_nothing_else():
    z = jnp.array([-2.0, 0.0, 3.0])
    np.testing.assert_allclose(activations.leaky_relu(z, 0.3), [-0.6, 0, 3], rtol=1e-6)
    np.testing.assert_allclose(activations.leaky_relu_derivative(z, 0.3), [0.3, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(activations.elu(z, 2.0), [2 * (math.exp(-2) - 1), 0, 3], rtol=1e-6)
    np.testing.assert_allclose(activations.elu_derivative(z, 2.0), [2 * math.exp(-2), 1, 1], rtol=1e-6)
    np.testing.assert_allclose(
        jax.vmap(jax.grad(lambda z: activations.elu(z, 2.0)))(z), [2 * math.exp(-2), 1, 1], rtol=1e-6
    )


def test_the_tails_keep_their_digits_in_float32():
    np.testing.assert_allclose(activations.gelu(jnp.array(-6.0)), -3 * math.erfc(6 / math.sqrt(2)), rtol=1e-4)
    np.testing.assert_allclose(activations.sigmoid_derivative(jnp.array(40.0)), math.exp(-40), rtol=1e-5)
    np.testing.assert_allclose(activations.elu(jnp.array(-1e-6)), -1e-6, rtol=1e-5)


def test_maxout_is_the_largest_piece_and_its_gradient_goes_there_alone():
    pieces = jnp.array([[1.0, 3.0, 2.0], [-1.0, -5.0, -2.0], [4.0, 0.0, 4.0]])
    np.testing.assert_array_equal(maxout(pieces), [3, -1, 4])
    shares = [[0, 1, 0], [1, 0, 0], [0.5, 0, 0.5]]
    np.testing.assert_array_equal(maxout_derivative(pieces), shares)
    np.testing.assert_array_equal(jax.grad(lambda pieces: maxout(pieces).sum())(pieces), shares)


def test_maxout_of_z_and_0_is_relu_and_of_z_and_a_tenth_is_leaky_relu():
    z = jnp.linspace(-2.0, 2.0, 9)
    np.testing.assert_array_equal(maxout(jnp.stack([z, 0 * z], -1)), activations.relu(z))
    np.testing.assert_allclose(maxout(jnp.stack([z, 0.1 * z], -1)), activations.leaky_relu(z), rtol=1e-6)


@pytest.mark.parametrize("look_up", [named, derivative])
def test_an_unknown_name_is_answered_with_the_closest_or_with_all(look_up):
    with pytest.raises(InputError, match=r"unknown activation 'ReLu': did you mean relu\?"):
        look_up("ReLu")
    with pytest.raises(InputError, match="expected one of identity, sigmoid, tanh"):
        look_up("qqq")
