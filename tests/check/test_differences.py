"""Laws of finite differences: the notes' worked numbers, exactness on parabolas, the order of the error."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.differences import Differences, differences, flatten, numerical_gradient
from jaxdl.errors import InputError


def at(f, theta, epsilon, **options):
    """Differences of a scalar function along all coordinates of a vector."""
    with jax.enable_x64():
        theta = jnp.asarray(theta, jnp.float64)
        return differences(lambda theta: f(theta)[None], theta, np.arange(theta.size), epsilon, **options)


def test_the_cube_at_1_gives_the_worked_slopes():
    found = at(lambda theta: theta[0] ** 3, [1.0], 0.01)
    assert found.central.item() == pytest.approx(3.0001, abs=1e-12)
    assert found.forward.item() == pytest.approx(3.0301, abs=1e-12)
    assert found.backward.item() == pytest.approx(2.9701, abs=1e-12)


def test_ten_times_smaller_steps_make_the_central_error_100_and_the_one_sided_10_times_smaller():
    coarse, fine = (at(lambda theta: jnp.exp(theta[0]), [0.0], epsilon) for epsilon in (1e-2, 1e-3))
    assert (coarse.central.item() - 1) / (fine.central.item() - 1) == pytest.approx(100, rel=1e-3)
    assert (coarse.forward.item() - 1) / (fine.forward.item() - 1) == pytest.approx(10, rel=1e-2)


def test_the_central_difference_of_a_parabola_is_exact():
    rng = np.random.default_rng(0)
    a, b, theta = rng.normal(size=(5, 5)), rng.normal(size=5), rng.normal(size=5)
    found = at(lambda theta: theta @ a @ theta + b @ theta, theta, 0.1)
    np.testing.assert_allclose(found.central[:, 0], (a + a.T) @ theta + b, rtol=1e-12)


def test_the_bend_is_half_the_jump_of_the_slope_at_a_kink_and_vanishes_with_epsilon_elsewhere():
    found = at(lambda theta: jnp.where(theta > 0, 5 * theta, 2 * theta).sum(), [0.0, 1.0], 1e-5)
    np.testing.assert_allclose(found.bend[:, 0], [1.5, 0.0], atol=1e-9)
    assert at(lambda theta: theta[0] ** 2, [3.0], 1e-3).bend.item() == pytest.approx(1e-3, rel=1e-6)


def test_rounding_covers_the_error_of_a_sum_that_is_exact_on_paper():
    weights = np.random.default_rng(0).normal(size=1000)
    found = at(lambda theta: 100 + jnp.sum(theta * weights), np.ones(1000), 1e-5)
    error = np.abs(found.central[:, 0] - weights)
    assert 0 < error.max() < found.rounding.item() < 1e-7


@pytest.mark.parametrize("chunk", [1, 3, 64])
def test_the_size_of_a_chunk_changes_nothing(chunk):
    theta = np.linspace(-1, 1, 7)
    one, other = (at(lambda theta: jnp.sin(theta).prod(), theta, 1e-5, chunk=size) for size in (4, chunk))
    np.testing.assert_allclose(one.central, other.central, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(one.centre, other.centre, rtol=1e-15)


def test_several_functions_are_differenced_at_once():
    with jax.enable_x64():
        found = differences(
            lambda theta: jnp.stack([theta[0] * theta[1], theta[0]]), jnp.array([2.0, 3.0]), np.arange(2), 0.1
        )
    assert isinstance(found, Differences)
    np.testing.assert_allclose(found.central, [[3.0, 1.0], [2.0, 0.0]], atol=1e-12)
    np.testing.assert_allclose(found.centre, [6.0, 2.0])


def test_a_numerical_gradient_has_the_shape_of_the_parameters_in_float64():
    params = {"b": jnp.array(2.0), "w": jnp.arange(6, dtype=jnp.bfloat16).reshape(2, 3), "classes": np.array([1, 2])}
    gradient = numerical_gradient(lambda p: p["b"] * (p["w"] ** 2).sum(), params)
    assert gradient["b"] == pytest.approx(55.0)
    np.testing.assert_allclose(gradient["w"], 4.0 * np.arange(6).reshape(2, 3), rtol=1e-9, atol=1e-9)
    assert gradient["w"].dtype == np.float64
    np.testing.assert_array_equal(gradient["classes"], [1, 2])


def test_flattening_and_rebuilding_gives_the_parameters_back_and_leaves_integers_and_keys_alone():
    params = {"a": {"kernel": np.ones((2, 3), np.float32)}, "key": jax.random.key(3), "n": np.int32(7), "z": 0.5}
    with jax.enable_x64():
        flat = flatten(params)
        back = flat.rebuild(flat.theta)
        assert [tuple(leaf) for leaf in flat.leaves] == [("a/kernel", (2, 3), 6, 0), ("z", (), 1, 6)]
        assert flat.theta.dtype == back["a"]["kernel"].dtype == jnp.float64
        assert back["n"].dtype == jnp.int32
        assert back["n"] == 7
        assert jax.random.key_data(back["key"]).tolist() == jax.random.key_data(params["key"]).tolist()
        np.testing.assert_array_equal(back["a"]["kernel"], params["a"]["kernel"])
        assert float(back["z"]) == 0.5


def test_parameters_without_a_real_number_are_refused():
    with pytest.raises(InputError, match="nothing to check"):
        numerical_gradient(lambda p: 0.0, {"n": jnp.arange(3)})
