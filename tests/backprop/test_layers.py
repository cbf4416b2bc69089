"""Convolution, pooling, flattening, batch normalisation and dropout as nodes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.backprop.layers import average_pool, batch_norm, convolution, dropout, flatten, max_pool
from jaxdl.errors import InputError

random = np.random.default_rng(0)
CYCLIC = jnp.array([[1.0, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1]])


def image(values):
    return jnp.asarray(values, jnp.float32)[None, :, :, None]


def test_the_convolution_of_the_worked_example():
    kernel = jnp.array([[2.0, 0, 1], [0, 1, 2], [1, 0, 2]])[:, :, None, None]
    y, _ = convolution.forward(image(CYCLIC), kernel, jnp.zeros(1))
    np.testing.assert_array_equal(y[0, :, :, 0], [[15, 16], [6, 15]])
    y, _ = convolution.forward(image(CYCLIC), kernel, jnp.full(1, 3.0))
    np.testing.assert_array_equal(y[0, :, :, 0], [[18, 19], [9, 18]])


@pytest.mark.parametrize(
    ("place", "channels"), [((3, 3), (2, 4)), ((2, 3), (3, 1)), ((5, 4), (1, 2)), ((1, 1), (3, 2))]
)
def test_the_convolution_is_the_library_s_and_its_backward_the_vjp(place, channels, backward_is_vjp):
    x, kernel = random.normal(size=(2, 5, 6, channels[0])), random.normal(size=(*place, *channels))
    with jax.enable_x64():
        x, kernel, b = jnp.asarray(x), jnp.asarray(kernel), jnp.asarray(random.normal(size=channels[1]))
        library = jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        np.testing.assert_allclose(convolution.forward(x, kernel, b)[0], library + b, atol=1e-12)
    backward_is_vjp(convolution, x, kernel, b)


@pytest.mark.parametrize("pool", [max_pool, average_pool])
@pytest.mark.parametrize(
    ("size", "shape"), [(2, (2, 4, 6, 3)), (2, (2, 5, 7, 1)), (3, (1, 7, 6, 2)), (1, (1, 2, 2, 1))]
)
def test_the_backward_of_pooling_is_the_vjp_and_what_is_left_over_gets_nothing(pool, size, shape, backward_is_vjp):
    (dx,) = backward_is_vjp(pool(size), random.normal(size=shape))
    high, wide = shape[1] // size * size, shape[2] // size * size
    assert not dx[:, high:].any()
    assert not dx[:, :, wide:].any()
    assert dx[:, :high, :wide].any()


def test_maximum_and_average_of_two_by_two_windows_and_where_their_gradients_go():
    upstream = image([[4, 8], [12, 16]])
    y, cache = max_pool(2).forward(image(CYCLIC))
    np.testing.assert_array_equal(y[0, :, :, 0], [[2, 3], [3, 2]])
    (dx,) = max_pool(2).backward(cache, upstream)
    np.testing.assert_array_equal(dx[0, :, :, 0], [[0, 4, 4, 0], [0, 0, 0, 4], [6, 0, 0, 16], [0, 6, 0, 0]])
    y, cache = average_pool(2).forward(image(CYCLIC))
    np.testing.assert_array_equal(y[0, :, :, 0], [[1, 2], [2, 1]])
    (dx,) = average_pool(2).backward(cache, upstream)
    np.testing.assert_array_equal(dx[0, :, :, 0], np.kron([[1, 2], [3, 4]], np.ones((2, 2))))


def test_flattening_keeps_the_batch_and_its_gradient_has_the_images_shape(backward_is_vjp):
    x = random.normal(size=(3, 2, 4, 5))
    (dx,) = backward_is_vjp(flatten, x)
    assert dx.shape == x.shape
    np.testing.assert_allclose(flatten.forward(jnp.asarray(x))[0], x.reshape(3, 40), rtol=1e-6)


@pytest.mark.parametrize("shape", [(6, 3), (4, 2, 5, 3)])
def test_batch_norm_standardises_each_channel_and_its_backward_is_the_vjp(shape, backward_is_vjp):
    x, gamma, beta = random.normal(2, 3, size=shape), np.array([1.0, 2.0, -0.5]), np.array([0.0, 1.0, 5.0])
    backward_is_vjp(batch_norm(), x, gamma, beta)
    y, _ = batch_norm().forward(jnp.asarray(x, jnp.float32), jnp.asarray(gamma), jnp.asarray(beta))
    axes = tuple(range(len(shape) - 1))
    np.testing.assert_allclose(y.mean(axes), beta, atol=1e-5)
    np.testing.assert_allclose(y.std(axes), np.abs(gamma), rtol=1e-4)


@pytest.mark.parametrize("shape", [(6, 3), (6, 2, 2, 3)])
def test_masked_examples_do_not_move_the_moments_of_batch_norm_and_its_backward_is_the_vjp(shape, backward_is_vjp):
    x, mask = random.normal(size=shape), np.array([1.0, 0, 1, 1, 0, 1])
    gamma, beta = np.array([1.0, 2.0, -0.5]), np.array([0.0, 1.0, 5.0])
    gradients = backward_is_vjp(batch_norm(), x, gamma, beta, mask)
    assert gradients[3] is None
    x, gamma, beta, mask = (jnp.asarray(value, jnp.float32) for value in (x, gamma, beta, mask))
    real = mask > 0
    alone, _ = batch_norm().forward(x[real], gamma, beta)
    np.testing.assert_allclose(batch_norm().forward(x, gamma, beta, mask)[0][real], alone, atol=1e-5)


def test_a_constant_channel_is_normalised_to_beta():
    y, cache = batch_norm().forward(jnp.full((4, 1), 7.0), jnp.ones(1), jnp.full(1, 3.0))
    np.testing.assert_array_equal(y, 3.0)
    assert np.isfinite(batch_norm().backward(cache, jnp.ones((4, 1)))[0]).all()


def test_the_backward_of_dropout_is_the_vjp_with_the_mask_of_the_forward_pass(backward_is_vjp):
    dx, none = backward_is_vjp(dropout(0.6), random.normal(size=(5, 8)), jax.random.key(1))
    assert none is None
    with jax.enable_x64():
        y, _ = dropout(0.6).forward(jnp.ones((5, 8)), jax.random.key(1))
    np.testing.assert_array_equal(dx != 0, np.asarray(y) != 0)


def test_dropout_keeps_the_expectation_and_drops_the_share_that_it_should():
    y, _ = dropout(0.8).forward(jnp.ones(100_000), jax.random.key(0))
    np.testing.assert_allclose(np.unique(y), [0, 1.25])
    assert abs(float(y.mean()) - 1) < 5 * np.sqrt(0.2 / 0.8 / 100_000)


def test_keeping_everything_changes_nothing():
    x = jnp.asarray(random.normal(size=(3, 4)), jnp.float32)
    np.testing.assert_array_equal(dropout(1.0).forward(x, jax.random.key(0))[0], x)


@pytest.mark.parametrize("keep", [0.0, -0.1, 1.01, float("nan")])
def test_a_keep_probability_outside_0_to_1_is_refused(keep):
    with pytest.raises(InputError, match=f"keep probability {keep}: expected above 0 and up to 1"):
        dropout(keep)
