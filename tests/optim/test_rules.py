"""The textbook rules against loops in plain NumPy, Optax's own rules, worked numbers and limiting cases."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdl.optim import rules

STEPS = 100
RATE = 0.01


def descend(rule, params, gradient, steps, rate=RATE):
    """The parameters after each step, stacked; gradient(params, step)."""
    transformation = optax.chain(rule, optax.scale_by_learning_rate(rate))

    def step(carry, t):
        params, state = carry
        updates, state = transformation.update(gradient(params, t), state, params)
        params = optax.apply_updates(params, updates)
        return (params, state), params

    return jax.jit(lambda start: jax.lax.scan(step, start, jnp.arange(steps))[1])((params, transformation.init(params)))


# The rules as the papers print them, with the step size in front: w and gradient g of step t, memory s.


def np_gradient_descent(w, g, s, t):
    return w - RATE * g


def np_momentum(w, g, s, t):
    s["step"] = 0.9 * s.get("step", 0) - RATE * g
    return w + s["step"]


def np_momentum_average(w, g, s, t):
    s["v"] = 0.9 * s.get("v", 0) + 0.1 * g
    return w - RATE * s["v"]


def np_corrected_average(w, g, s, t):
    """The average as its definition has it: all past gradients, weighted by .9 to the power of their age."""
    s.setdefault("past", []).append(g)
    weights = [0.9 ** (t - 1 - i) for i in range(t)]
    return w - RATE * sum(a * past for a, past in zip(weights, s["past"], strict=True)) / sum(weights)


def np_nesterov(w, g, s, t):
    """Sutskever's form: the gradient is taken at w = θ + .9·step; θ moves by step ← .9·step − α·g."""
    theta = w - 0.9 * s.get("step", 0)
    s["step"] = 0.9 * s.get("step", 0) - RATE * g
    return theta + s["step"] + 0.9 * s["step"]


def np_adagrad(w, g, s, t):
    s["v"] = s.get("v", 0) + g**2
    return w - RATE * g / (np.sqrt(s["v"]) + 1e-8)


def np_rmsprop(w, g, s, t):
    s["v"] = 0.9 * s.get("v", 0) + 0.1 * g**2
    return w - RATE * g / (np.sqrt(s["v"]) + 1e-8)


def np_adadelta(w, g, s, t):
    def rms(x):
        return np.sqrt(x + 1e-6)

    s["v"] = 0.95 * s.get("v", 0) + 0.05 * g**2
    change = -rms(s.get("d", 0)) / rms(s["v"]) * g
    s["d"] = 0.95 * s.get("d", 0) + 0.05 * change**2
    return w + RATE * change


def np_adam(w, g, s, t):
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g**2
    return w - RATE * (s["m"] / (1 - 0.9**t)) / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8)


def np_adamw(w, g, s, t):
    return np_adam(w, g, s, t) - RATE * 0.01 * w


def np_nadam(w, g, s, t):
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g**2
    ahead = 0.9 * s["m"] / (1 - 0.9 ** (t + 1)) + 0.1 * g / (1 - 0.9**t)
    return w - RATE * ahead / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8)


EVERY = {
    "gradient_descent": (rules.gradient_descent(), np_gradient_descent),
    "momentum": (rules.momentum(), np_momentum),
    "momentum_average": (rules.momentum_average(), np_momentum_average),
    "corrected_average": (rules.momentum_average(bias_correction=True), np_corrected_average),
    "nesterov": (rules.nesterov(), np_nesterov),
    "adagrad": (rules.adagrad(), np_adagrad),
    "rmsprop": (rules.rmsprop(), np_rmsprop),
    "adadelta": (rules.adadelta(), np_adadelta),
    "adam": (rules.adam(), np_adam),
    "adamw": (rules.adamw(), np_adamw),
    "nadam": (rules.nadam(), np_nadam),
}

random = np.random.default_rng(0)
START = {"kernel": random.normal(size=(3, 4)), "bias": random.normal(size=4)}
NOISE = {name: random.normal(size=(STEPS, *leaf.shape)) for name, leaf in START.items()}
CURVATURE = {name: np.logspace(-2, 1, leaf.size).reshape(leaf.shape) for name, leaf in START.items()}


def noisy_bowl(params, t):
    """The gradient of a quadratic whose curvatures span three decades, with noise that is the same for all."""
    return {name: CURVATURE[name] * leaf + jnp.asarray(NOISE[name])[t] for name, leaf in params.items()}


@pytest.mark.parametrize("name", EVERY)
def test_each_rule_follows_a_loop_in_numpy_for_100_steps(name):
    rule, textbook = EVERY[name]
    with jax.enable_x64():
        path = descend(rule, jax.tree.map(jnp.asarray, START), noisy_bowl, STEPS)
    for leaf, w in START.items():
        one = np_adam if (name, leaf) == ("adamw", "bias") else textbook  # biases don't decay
        state = {}
        for t in range(1, STEPS + 1):
            w = one(w, CURVATURE[leaf] * w + NOISE[leaf][t - 1], state, t)
            np.testing.assert_allclose(path[leaf][t - 1], w, rtol=1e-11, atol=1e-12, err_msg=f"{leaf}, step {t}")


@pytest.mark.parametrize("name", EVERY)
def test_float32_stays_within_a_millionth_of_float64_or_so(name):
    rule, _ = EVERY[name]
    single = descend(rule, jax.tree.map(jnp.float32, START), noisy_bowl, STEPS)
    with jax.enable_x64():
        double = descend(rule, jax.tree.map(jnp.asarray, START), noisy_bowl, STEPS)
    for leaf in START:
        assert single[leaf].dtype == jnp.float32
        np.testing.assert_allclose(single[leaf], double[leaf], atol=5e-6)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("gradient_descent", optax.identity()),
        ("momentum", optax.trace(0.9)),
        ("momentum_average", optax.ema(0.9, debias=False)),
        ("corrected_average", optax.ema(0.9, debias=True)),
        ("nesterov", optax.trace(0.9, nesterov=True)),
        ("adagrad", optax.scale_by_rss(initial_accumulator_value=0.0, eps=0.0)),
        ("rmsprop", optax.scale_by_rms(0.9, eps=1e-8, eps_in_sqrt=False)),
        ("adadelta", optax.scale_by_adadelta(0.95, eps=1e-6)),
        ("adam", optax.scale_by_adam()),
        ("adamw", optax.chain(optax.scale_by_adam(), optax.add_decayed_weights(0.01, {"kernel": True, "bias": False}))),
        ("nadam", optax.scale_by_adam(nesterov=True)),
    ],
)
def test_each_rule_is_optaxs(name, theirs):
    with jax.enable_x64():
        params = jax.tree.map(jnp.asarray, START)
        ours, theirs = (descend(rule, params, noisy_bowl, STEPS) for rule in (EVERY[name][0], theirs))
    for leaf in START:
        # Optax's AdaGrad has its ε under the root: without one, the two differ by ours, 1e-8 of a gradient of size 1.
        tolerance = 1e-7 if name == "adagrad" else 1e-11
        np.testing.assert_allclose(ours[leaf], theirs[leaf], rtol=tolerance, atol=tolerance)


def test_adam_solves_the_worked_parabola():
    """J = w² − 10w + 25 from w = 0 with α = .1: w = .1 after one step and 5.0000 after a thousand."""
    path = descend(rules.adam(), jnp.array(0.0), lambda w, _: 2 * w - 10, 1000, rate=0.1)
    assert float(path[0]) == pytest.approx(0.1, abs=1e-6)
    assert float(path[-1]) == pytest.approx(5.0, abs=5e-5)


def test_the_averages_of_10_and_10_are_5_and_7_point_5_and_corrected_10_and_10():
    def averages(rule):
        return descend(rule, jnp.array(0.0), lambda *_: jnp.array(10.0), 2, rate=1.0)

    plain, corrected = averages(rules.momentum_average(0.5)), averages(rules.momentum_average(0.5, True))
    np.testing.assert_allclose(-np.diff(plain, prepend=0.0), [5.0, 7.5])
    np.testing.assert_allclose(-np.diff(corrected, prepend=0.0), [10.0, 10.0])


def test_averaged_momentum_is_classical_momentum_at_a_tenth_of_the_rate():
    params = jax.tree.map(jnp.float32, START)
    averaged = descend(rules.momentum_average(0.9), params, noisy_bowl, STEPS, rate=0.1)
    classical = descend(rules.momentum(0.9), params, noisy_bowl, STEPS, rate=0.01)
    for leaf in START:
        np.testing.assert_allclose(averaged[leaf], classical[leaf], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", EVERY)
def test_no_gradient_is_no_step(name):
    steps = descend(EVERY[name][0], {"bias": jnp.ones(2)}, lambda p, _: jax.tree.map(jnp.zeros_like, p), 3)
    np.testing.assert_array_equal(steps["bias"], 1.0)


def test_under_a_constant_gradient_adagrads_step_falls_as_one_over_the_root_of_t():
    path = descend(rules.adagrad(), jnp.array(0.0), lambda *_: jnp.array(-7.0), 16, rate=1.0)
    np.testing.assert_allclose(np.diff(path, prepend=0.0), np.arange(1, 17) ** -0.5, rtol=1e-5)


@pytest.mark.parametrize("name", ["adagrad", "rmsprop", "adam", "nadam"])
def test_the_size_of_the_loss_does_not_matter_to_a_scale_free_rule(name):
    params = jax.tree.map(jnp.float32, START)

    def gradient(size):
        return lambda params, t: jax.tree.map(lambda noise: size * jnp.asarray(noise, jnp.float32)[t], NOISE)

    small, large = (descend(EVERY[name][0], params, gradient(size), 20) for size in (1.0, 1e4))
    np.testing.assert_allclose(small["kernel"], large["kernel"], rtol=1e-4, atol=1e-5)
