"""Laws of the L1 proximal step: the minimiser by brute force, exact zeros, the optimality conditions of the lasso."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdl.errors import InputError
from jaxdl.optim.proximal import proximal_l1, soft_threshold


def test_soft_threshold_shrinks_towards_zero_and_stops_there():
    x = jnp.array([-2.0, -0.5, -0.1, 0.0, 0.3, 1.5])
    np.testing.assert_allclose(soft_threshold(x, 0.5), [-1.5, 0.0, 0.0, 0.0, 0.0, 1.0])


@pytest.mark.parametrize("x", [-1.3, -0.2, 0.0, 0.4, 2.0])
def test_soft_threshold_is_the_minimiser_of_its_definition(x):
    candidates = np.linspace(-3.0, 3.0, 60_001)
    best = candidates[np.argmin(0.5 * (candidates - x) ** 2 + 0.4 * np.abs(candidates))]
    np.testing.assert_allclose(soft_threshold(jnp.array(x), 0.4), best, atol=1e-4)


def descend(last_link, params, gradient, steps):
    transformation = optax.chain(optax.scale_by_learning_rate(0.1), *last_link)
    state = transformation.init(params)

    def step(_, carry):
        params, state = carry
        updates, state = transformation.update(gradient(params), state, params)
        return optax.apply_updates(params, updates), state

    return jax.lax.fori_loop(0, steps, step, (params, state))[0]


def test_the_lasso_ends_with_exact_zeros_and_its_optimality_conditions_hold():
    """At the minimum of J + λ‖W‖₁: dJ/dw = −λ·sign(w) where w ≠ 0, and |dJ/dw| ≤ λ where w = 0."""
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 8))
    y = x @ np.array([3.0, -2.0, 1.0, 0, 0, 0, 0, 0])[:, None] + 0.5 * random.normal(size=(40, 1))
    penalty = 0.4
    with jax.enable_x64():
        cost = jax.grad(lambda p: 0.5 * jnp.mean((x @ p["kernel"] - y) ** 2))
        sparse = descend([proximal_l1(0.1, penalty)], {"kernel": jnp.ones((8, 1))}, cost, 800)
        slope = np.asarray(cost(sparse)["kernel"])
        dense = descend([], {"kernel": jnp.ones((8, 1))}, cost, 800)
    w = np.asarray(sparse["kernel"])
    zero = w == 0
    assert 3 <= zero.sum() <= 5
    np.testing.assert_allclose(slope[~zero], -penalty * np.sign(w[~zero]), atol=1e-8)
    assert np.abs(slope[zero]).max() < penalty
    assert np.all(np.asarray(dense["kernel"]))


def test_biases_and_scales_are_left_alone():
    params = {
        "Dense_0": {"kernel": jnp.full((2, 2), 0.01), "bias": jnp.full(2, 0.01)},
        "Norm_0": {"scale": jnp.ones(2)},
    }
    still = descend([proximal_l1(0.1, 1.0)], params, lambda p: jax.tree.map(jnp.zeros_like, p), 1)
    assert np.all(still["Dense_0"]["kernel"] == 0)
    np.testing.assert_array_equal(still["Dense_0"]["bias"], params["Dense_0"]["bias"])
    np.testing.assert_array_equal(still["Norm_0"]["scale"], 1.0)


def test_the_threshold_follows_the_learning_rates_schedule():
    schedule = optax.piecewise_constant_schedule(0.1, {1: 0.5})  # 0.1 at the first step, 0.05 from the second
    w = descend([proximal_l1(schedule, 2.0)], {"kernel": jnp.ones((1, 1))}, lambda p: {"kernel": jnp.zeros((1, 1))}, 3)
    np.testing.assert_allclose(w["kernel"], 1.0 - 2.0 * (0.1 + 0.05 + 0.05), rtol=1e-5)


def test_without_penalty_it_does_nothing():
    params, gradient = {"kernel": jnp.array([[1.0, -0.5]])}, {"kernel": jnp.array([[0.3, 0.2]])}
    with_link = descend([proximal_l1(0.1, 0.0)], params, lambda _: gradient, 5)
    np.testing.assert_allclose(with_link["kernel"], descend([], params, lambda _: gradient, 5)["kernel"], rtol=1e-6)


@pytest.mark.parametrize("weight", [-0.1, float("nan")])
def test_a_negative_penalty_is_refused(weight):
    with pytest.raises(InputError, match=r"L1 weight .*: expected a number ≥ 0"):
        proximal_l1(0.1, weight)
