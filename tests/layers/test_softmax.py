"""Row normalisation, softmax and hardmax: worked numbers, limits, and inputs of ten thousand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.errors import InputError
from jaxdl.layers.softmax import hardmax, normalize_rows, softmax


def test_the_worked_rows_have_unit_length():
    rows = normalize_rows(jnp.array([[0.0, 3, 4], [1, 6, 4]]))
    np.testing.assert_allclose(rows, [[0, 0.6, 0.8], [0.13736056, 0.82416338, 0.54944226]], atol=1e-7)


def test_a_row_of_zeros_stays_and_has_a_finite_gradient():
    np.testing.assert_array_equal(normalize_rows(jnp.zeros((2, 3))), 0)
    assert np.isfinite(jax.grad(lambda x: normalize_rows(x).sum())(jnp.zeros((2, 3)))).all()


@pytest.mark.parametrize(
    ("dtype", "size"),
    [(jnp.float16, 100), (jnp.float16, 1e-4), (jnp.bfloat16, 1e30), (jnp.float32, 1e20), (jnp.float32, 1e-24)],
)
def test_rows_have_unit_length_where_their_squares_leave_the_numbers(dtype, size):
    rows = normalize_rows(jnp.array([3 * size, 4 * size], dtype))
    assert rows.dtype == dtype
    np.testing.assert_allclose(rows.astype(jnp.float32), [0.6, 0.8], rtol=4 * jnp.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("z", "expected"),
    [
        ([5, 2, -1, 3], [0.842, 0.042, 0.002, 0.114]),
        ([7, 5, 0, 0, 0], [0.87868, 0.118916, 0.000801, 0.000801, 0.000801]),
    ],
)
def test_the_worked_probabilities(z, expected):
    np.testing.assert_allclose(softmax(jnp.array(z, jnp.float32)), expected, atol=5e-4 if len(z) == 4 else 5e-7)


def test_rows_sum_to_one_and_a_shift_of_a_row_changes_nothing():
    z = jax.random.normal(jax.random.key(0), (2, 5, 3))
    np.testing.assert_allclose(softmax(z).sum(-1), 1, rtol=1e-6)
    np.testing.assert_allclose(softmax(z + jnp.arange(5.0)[:, None]), softmax(z), rtol=1e-5)


def test_ten_thousand_gives_probabilities_and_finite_gradients():
    z = jnp.array([[1e4, -1e4, 0], [1e4, 1e4, -1e4], [-1e4, -1e4, -1e4]])
    np.testing.assert_allclose(softmax(z), [[1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3], rtol=1e-6)
    assert np.isfinite(jax.jacobian(softmax)(z)).all()
    assert np.isfinite(normalize_rows(z)).all()


def test_its_gradient_is_the_numerical_one():
    with jax.enable_x64():
        for function in (softmax, normalize_rows, lambda z: softmax(z, 0.5)):
            z = jax.random.normal(jax.random.key(0), (2, 4))
            check_grads(lambda z, f=function: f(jnp.asarray(z)), (z,), order=1)


def test_temperature_leads_from_hardmax_to_a_draw_at_random():
    z = jnp.array([[1.0, 3, 2], [0.5, -1, 0]])
    np.testing.assert_allclose(softmax(z, 0.01), hardmax(z), atol=1e-6)
    np.testing.assert_allclose(softmax(z, 1e6), jnp.full((2, 3), 1 / 3), atol=1e-5)
    np.testing.assert_allclose(softmax(z, 2.0), softmax(z / 2), rtol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
@pytest.mark.parametrize("temperature", [1e-8, 1e-50])
def test_the_least_temperature_gives_hardmax_in_every_type(dtype, temperature):
    z = jnp.array([[1.0, 3, 2], [0.5, -1, 0]], dtype)
    assert softmax(z, temperature).dtype == dtype
    np.testing.assert_array_equal(softmax(z, temperature), hardmax(z))


def test_hardmax_is_one_at_the_largest_and_at_the_first_of_equals():
    np.testing.assert_array_equal(hardmax(jnp.array([[5.0, 2, -1, 3], [1, 4, 4, 0]])), [[1, 0, 0, 0], [0, 1, 0, 0]])


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_not_positive_is_refused(temperature):
    with pytest.raises(InputError, match=r"temperature .*: expected more than 0"):
        softmax(jnp.ones(3), temperature)
