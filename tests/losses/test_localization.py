"""Localisation and landmarks: what counts where something is there, and where nothing is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.losses.localization import landmarks, localization

OUTPUT = jnp.array([0.0, 0.5, 0.5, 0.2, 0.4, 1.0, 1.0, 1.0])
BOX = jnp.array([0.4, 0.5, 0.2, 0.7])


def total(output, box, label, present):
    return sum(localization(output, box, jnp.array(label), jnp.array(present)))


def test_what_is_there_costs_presence_box_and_class():
    parts = localization(OUTPUT, BOX, jnp.array(2), jnp.array(True), 2.0)
    np.testing.assert_allclose(parts, [np.log(2), 2 * (0.01 + 0.09), np.log(3)], rtol=1e-6)


def test_where_nothing_is_there_only_presence_counts():
    parts = localization(OUTPUT, BOX, jnp.array(2), jnp.array(False))
    np.testing.assert_allclose(parts, [np.log(2), 0, 0], rtol=1e-6)
    gradient = jax.grad(total)(OUTPUT, jnp.full(4, jnp.nan), -7, 0.0)
    np.testing.assert_allclose(gradient, [0.5] + [0] * 7)


@pytest.mark.parametrize("present", [0.0, 1.0])
def test_the_gradient_is_that_of_finite_differences(present):
    with jax.enable_x64():
        output = jnp.linspace(-1.0, 2.0, 9)
        gradient = jax.grad(total)(output, jnp.array([0.3, 0.1, 0.2, 0.9]), 3, present)
        steps = 1e-5 * jnp.eye(9)
        ahead, behind = (
            jax.vmap(lambda at: total(at, jnp.array([0.3, 0.1, 0.2, 0.9]), 3, present))(output + sign * steps)
            for sign in (1, -1)
        )
        np.testing.assert_allclose(gradient, (ahead - behind) / 2e-5, atol=1e-9)


def test_a_perfect_answer_costs_nothing():
    output = jnp.array([1e4, *BOX, 0.0, 1e4])
    assert total(output, BOX, 1, True) == 0
    assert total(-output, BOX, 0, False) == 0


def test_landmarks_cost_their_squared_distance_where_they_are_present():
    points = jnp.array([[1.0, 2], [3, 4], [5, 6]])
    target = jnp.array([[1.0, 0], [jnp.nan, jnp.nan], [4, 5]])
    present = jnp.array([True, False, True])
    assert landmarks(points, target, present) == 4 + 2
    np.testing.assert_array_equal(jax.grad(landmarks)(points, target, present), [[0, 4], [0, 0], [2, 2]])


def test_in_bfloat16_errors_are_taken_and_summed_in_float32():
    """Of 1 + 2⁻⁷, squared, and of 68 of them bfloat16 keeps 8 bits."""
    error, points = 1 + 2**-7, jnp.ones((68, 2), jnp.bfloat16)
    cost = landmarks(points, -jnp.full((68, 2), 2**-7, jnp.bfloat16), jnp.ones(68))
    np.testing.assert_allclose(cost, 136 * error**2, rtol=1e-6)
    parts = localization(
        jnp.ones(8, jnp.bfloat16), -jnp.full(4, 2**-7, jnp.bfloat16), jnp.array(0), jnp.array(True, jnp.bfloat16)
    )
    np.testing.assert_allclose(parts.box, 4 * error**2, rtol=1e-6)


def test_an_output_without_a_class_is_refused():
    with pytest.raises(InputError, match="5 numbers: expected p_c, four for the box and one for each class"):
        localization(OUTPUT[:5], BOX, jnp.array(0), jnp.array(True))
