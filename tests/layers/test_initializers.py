"""Initialisers: their moments, and the property that each exists for."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.layers import initializers
from jaxdl.layers.activations import relu, tanh
from jaxdl.layers.initializers import fans, glorot, he, named, normal, orthogonal, scaled, xavier, zeros

KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("shape", "expected"), [((300, 100), (300, 100)), ((3, 3, 64, 128), (576, 1152)), ((5, 2, 7), (10, 35))]
)
def test_fans_count_what_goes_into_an_output_and_out_of_an_input(shape, expected):
    assert fans(shape) == expected


@pytest.mark.parametrize("shape", [(300, 100), (5, 5, 12, 100)])
@pytest.mark.parametrize(
    ("name", "std"),
    [
        ("large", lambda n_in, n_out: 1.0),
        ("small", lambda n_in, n_out: 0.01),
        ("xavier", lambda n_in, n_out: math.sqrt(1 / n_in)),
        ("glorot", lambda n_in, n_out: math.sqrt(2 / (n_in + n_out))),
        ("he", lambda n_in, n_out: math.sqrt(2 / n_in)),
    ],
)
def test_its_mean_spread_and_tails_are_the_normal_ones(name, std, shape):
    """30,000 draws: the mean is within 4 σ/√n of 0, the deviation within 4 σ/√(2n) of σ, and 4.55 % lie beyond 2σ."""
    n_in, n_out = math.prod(shape[:-1]), math.prod(shape[:-2]) * shape[-1]
    expected, weights = std(n_in, n_out), np.asarray(named(name)(KEY, shape))
    assert weights.shape == shape
    assert abs(weights.mean()) < 4 * expected / math.sqrt(weights.size)
    assert abs(weights.std() / expected - 1) < 4 / math.sqrt(2 * weights.size)
    assert abs(np.mean(abs(weights) > 2 * expected) - 0.0455) < 0.006


def test_normal_takes_any_scale():
    np.testing.assert_allclose(normal(10.0)(KEY, (9, 9)), 10 * normal(1.0)(KEY, (9, 9)), rtol=1e-6)


@pytest.mark.parametrize("shape", [(40, 10), (10, 40), (16, 16), (3, 3, 4, 5)])
@pytest.mark.parametrize("gain", [1.0, 1.5])
def test_orthogonal_keeps_every_length_and_angle_of_its_smaller_side_times_the_gain(shape, gain):
    w = np.asarray(scaled(orthogonal, gain)(KEY, shape)).reshape(-1, shape[-1])
    small = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(small, gain**2 * np.eye(min(w.shape)), atol=1e-5)


def test_orthogonal_has_no_preferred_direction():
    """Over many draws the mean is 0, which without the signs of R it is not: LAPACK's Q has a fixed sign."""
    draws = jax.vmap(lambda key: orthogonal(key, (3, 3)))(jax.random.split(KEY, 2000))
    np.testing.assert_allclose(draws.mean(0), 0, atol=4 * math.sqrt(1 / 3 / 2000))


def through(init, activation, layers=20, width=256):
    """Mean squares of the activations of each layer, for unit normal inputs."""

    def layer(x, key):
        x = activation(x @ init(key, (width, width)))
        return x, (x**2).mean()

    x = jax.random.normal(KEY, (64, width))
    return np.asarray(jax.lax.scan(layer, x, jax.random.split(jax.random.key(1), layers))[1])


def test_he_keeps_the_mean_square_of_relu_through_twenty_layers_and_xavier_halves_it():
    kept, halved = through(he, relu), through(xavier, relu)
    assert 1 / 3 < kept[-1] / kept[0] < 3
    assert 1 / 3 < halved[-1] / halved[0] * 2**19 < 3


def test_xavier_keeps_the_mean_square_of_a_linear_stack_and_of_tanh_near_zero():
    linear = through(xavier, lambda z: z)
    assert 1 / 2 < linear[-1] / linear[0] < 2
    near_zero = through(xavier, lambda z: tanh(1e-3 * z) / 1e-3)
    np.testing.assert_allclose(near_zero, linear, rtol=1e-3)


def test_glorot_is_xavier_where_a_layer_is_square_and_its_gradients_shrink_as_its_values_grow():
    np.testing.assert_array_equal(glorot(KEY, (50, 50)), xavier(KEY, (50, 50)))
    w = np.asarray(glorot(KEY, (400, 100)))
    forward, backward = (w**2).sum(0).mean(), (w**2).sum(1).mean()
    np.testing.assert_allclose([forward, backward], [1.6, 0.4], rtol=0.02)


@pytest.mark.parametrize(("gain", "end"), [(1.5, 1.5**20), (0.5, 0.5**20)])
def test_a_gain_other_than_one_grows_or_vanishes_as_its_power(gain, end):
    squares = through(scaled(orthogonal, gain), lambda z: z)
    np.testing.assert_allclose(math.sqrt(squares[-1]), end, rtol=0.02)


@pytest.mark.parametrize(("init", "alike"), [(zeros, True), (he, False)])
def test_units_that_start_at_zero_stay_alike_in_training(init, alike):
    """Also with a bias and an output layer that differ: what a unit gets depends on its own weights alone."""
    x = jax.random.normal(KEY, (32, 3))
    y = jnp.sin(x.sum(-1))
    params = {"hidden": init(jax.random.key(1), (3, 4)), "output": jnp.full((4,), 0.5)}

    def cost(params):
        return ((jnp.tanh(x @ params["hidden"]) @ params["output"] - y) ** 2).mean()

    @jax.jit
    def step(params):
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, jax.grad(cost)(params))

    for _ in range(50):
        params = step(params)
    hidden = np.asarray(params["hidden"])
    assert np.abs(hidden).max() > 0.05
    assert (np.ptp(hidden, axis=1).max() == 0) == alike


@pytest.mark.parametrize("name", ["zeros", "large", "small", "xavier", "glorot", "he", "orthogonal"])
def test_linen_takes_it_in_any_precision_and_under_jit(name):
    layer = nn.Dense(4, kernel_init=named(name), param_dtype=jnp.bfloat16)
    kernel = jax.jit(layer.init)(KEY, jnp.zeros(8))["params"]["kernel"]
    assert (kernel.shape, kernel.dtype) == ((8, 4), jnp.bfloat16)
    assert bool(jnp.isfinite(kernel).all())


@pytest.mark.parametrize("init", [xavier, glorot, he, orthogonal])
def test_a_vector_has_no_fans(init):
    with pytest.raises(InputError, match=r"shape \(4,\) have no n_in"):
        init(KEY, (4,))


def test_an_unknown_name_is_answered_with_the_closest():
    with pytest.raises(InputError, match=r"unknown initialiser 'Xavir': did you mean xavier\?"):
        initializers.named("Xavir")
