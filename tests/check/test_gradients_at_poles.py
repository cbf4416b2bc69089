"""Laws of the gradient checker where the value is infinite or NaN: that does not pass, and excuses nothing else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_examples, check_gradients


@jax.custom_vjp
def wrong(w):
    """Σ w², with seven times its gradient."""
    return (w**2).sum()


wrong.defvjp(lambda w: ((w**2).sum(), w), lambda w, g: (7 * 2 * w * g,))


def failed(report):
    assert not report.ok
    return {leaf.path for leaf in report.leaves if not leaf.ok}


@pytest.mark.parametrize(
    ("pole", "x"),
    [
        (lambda x: -jnp.log(jnp.maximum(x, 0)), 1e-5),  # infinite at x − ε
        (lambda x: -jnp.log(x), 5e-6),  # NaN there
        (lambda x: 1e-200 / jnp.maximum(x, 1e-300), 1e-5),  # 1e100 there
    ],
    ids=["infinite", "nan", "huge"],
)
def test_a_wrong_gradient_fails_whatever_the_value_does_along_another_parameter(pole, x):
    params = {"w": np.ones((3, 2)), "x": np.float64(x)}
    assert "w" in failed(check_gradients(lambda p: wrong(p["w"]) + pole(p["x"]), params))
    report = check_examples(lambda p, e: e * wrong(p["w"]) + pole(p["x"]), params, np.array([1.0, 2.0]))
    assert "w" in failed(report)


@pytest.mark.parametrize(
    ("f", "at"),
    [(lambda x: 1 / x, "these parameters"), (lambda x: -jnp.log(jnp.abs(x)), "these parameters"), (jnp.sqrt, "x[]")],
    ids=["1/x", "log", "sqrt"],
)
def test_a_gradient_at_a_pole_or_at_the_edge_of_what_is_defined_fails_and_is_said_to_be_infinite(f, at):
    params = {"w": np.linspace(1, 2, 100), "x": np.float64(0)}
    report = check_gradients(lambda p: (p["w"] ** 2).sum() + f(p["x"]), params)
    assert "x" in failed(report)
    assert any(f"infinite or NaN at {at}" in warning for warning in report.warnings)
    assert not any("too small beside the value" in warning for warning in report.warnings)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_an_example_without_a_finite_value_fails_and_leaves_the_others_their_verdict(bad):
    report = check_examples(lambda p, e: e + (p["w"] ** 2).sum(), {"w": np.ones(3)}, np.array([1.0, bad]))
    assert failed(report) == {"w"}
    assert report.leaves[0].example == 1
    assert any("infinite or NaN at these parameters" in warning for warning in report.warnings)


def test_a_right_gradient_passes_beside_a_pole_within_epsilon_that_a_smaller_step_does_not_reach():
    params = {"w": np.linspace(0.5, 1.5, 100), "x": np.float64(0)}
    report = check_gradients(lambda p: (p["w"] ** 2).sum() + jnp.where(p["x"] > -1e-6, 3 * p["x"], jnp.inf), params)
    assert report.ok
    assert report.kinks == ()
    assert any("x[]: compared at ε/100" in warning for warning in report.warnings)
