"""Laws of the gradient checker where the slope jumps: a kink is no error, and no excuse for one either."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_gradients


def test_relu_kinks_within_epsilon_are_warned_of_and_do_not_fail_the_check():
    theta = np.linspace(-1, 1, 100)
    theta[[3, 70]] = [4e-6, -7e-6]
    report = check_gradients(lambda p: jax.nn.relu(p["w"]).sum() + 0.1 * (p["w"] ** 2).sum(), {"w": theta})
    assert report.ok
    assert report.kinks == ()
    assert any("kink" in warning and "w[3], w[70]" in warning for warning in report.warnings)


def test_coordinates_right_at_a_kink_are_named_and_left_out():
    theta = np.linspace(0.5, 1.5, 100)
    theta[[7, 8]] = [0.0, 3e-8]
    report = check_gradients(lambda p: (jax.nn.relu(p["w"]) * jnp.arange(1.0, 101.0)).sum(), {"w": theta})
    assert report.ok
    assert report.kinks == ("w[7]", "w[8]")
    assert report.leaves[0].checked == 98
    assert any("right at w[7], w[8]" in warning and "left out" in warning for warning in report.warnings)


def test_a_tie_in_a_maximum_passes_since_both_share_its_gradient():
    params = {"w": np.array([1.0, 2.0, 2.0]), "v": np.linspace(1, 2, 100)}
    report = check_gradients(lambda p: jnp.max(p["w"]) * (p["v"] ** 2).sum(), params)
    assert report.ok
    w = next(leaf for leaf in report.leaves if leaf.path == "w")
    assert w.numeric_norm == pytest.approx(0.5**0.5 * (params["v"] ** 2).sum())


def test_too_many_kinks_are_no_verdict_and_fail():
    theta = np.where(np.arange(100) < 6, 0.0, 1.0)
    report = check_gradients(lambda p: jax.nn.relu(p["w"]).sum(), {"w": theta})
    assert not report.ok
    assert any("too many" in warning for warning in report.warnings)


def test_a_wrong_gradient_beside_a_kink_is_found():
    @jax.custom_vjp
    def identity(w):
        return w

    identity.defvjp(lambda w: (w, None), lambda _, g: (g.at[5].multiply(1.001),))
    theta = np.linspace(0.5, 1.5, 100)
    theta[[7, 8]] = [0.0, 4e-6]
    report = check_gradients(lambda p: jax.nn.relu(identity(p["w"])).sum(), {"w": theta})
    assert not report.ok
    assert report.kinks == ("w[7]",)
    assert report.leaves[0].index == (5,)


def test_a_wrong_gradient_where_the_function_bends_strongly_is_not_taken_for_a_kink():
    @jax.custom_vjp
    def identity(w):
        return w

    identity.defvjp(lambda w: (w, None), lambda _, g: (g.at[5].multiply(2.0),))
    theta = np.full(100, 0.01)
    theta[5] = 2.5e-6  # slope 0.001, curvature 400: both one-sided slopes are 0.002 off at ε
    report = check_gradients(lambda p: 200 * (identity(p["w"]) ** 2).sum(), {"w": theta})
    assert not report.ok
    assert report.leaves[0].index == (5,)
    assert report.kinks == ()
