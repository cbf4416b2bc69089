"""Cells of recurrent networks, by hand and in their limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.layers.cells import CELLS

FEATURES, HIDDEN = 3, 2


@pytest.fixture(autouse=True)
def in_float64():
    with jax.enable_x64():
        yield


def drawn(name):
    """(parameters of the cell, a carry, an input of one step), all normal."""
    random, width, cell = np.random.default_rng(0), CELLS[name].parts * HIDDEN, CELLS[name]
    shapes = {"kernel": (FEATURES, width), "recurrent_kernel": (HIDDEN, width), "bias": (width,)}
    shapes |= {further: (*vectors, HIDDEN) for further, vectors in cell.further.items()}
    params = {key: jnp.asarray(random.normal(size=shape)) for key, shape in shapes.items()}
    carry = tuple(jnp.asarray(random.normal(size=HIDDEN)) for _ in range(cell.states))
    return params, carry, jnp.asarray(random.normal(size=FEATURES))


def step(name, params, carry, x):
    return CELLS[name].step(params, carry, x @ params["kernel"] + params["bias"])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def by_hand(name, params, carry, x):
    """One step, gate by gate, in NumPy."""
    params = {key: np.asarray(value) for key, value in params.items()}
    parts = CELLS[name].parts
    W, U = np.split(params["kernel"], parts, 1), np.split(params["recurrent_kernel"], parts, 1)
    b, a = np.split(params["bias"], parts), np.asarray(carry[0])

    def part(i, state, more=0.0):
        return x @ W[i] + state @ U[i] + b[i] + more

    if name == "rnn":
        return (np.tanh(part(0, a)),)
    if "gru" in name:
        update = sigmoid(part(0, a))
        relevance = 1.0 if name == "simplified_gru" else sigmoid(part(1, a))
        candidate = part(parts - 1, relevance * a)
        if name == "reset_after_gru":
            candidate = x @ W[2] + b[2] + relevance * (a @ U[2] + params["recurrent_bias"])
        return (update * np.tanh(candidate) + (1 - update) * a,)
    c = np.asarray(carry[1])
    seen = params["peepholes"] * c if name == "peephole_lstm" else np.zeros((3, HIDDEN))
    update, forget, output = (sigmoid(part(i, a, more)) for i, more in zip((0, 1, 3), seen, strict=True))
    c = update * np.tanh(part(2, a)) + forget * c
    return output * np.tanh(c), c


@pytest.mark.parametrize("name", CELLS)
def test_a_step_is_the_cell_s_equations_gate_by_gate(name):
    params, carry, x = drawn(name)
    expected = by_hand(name, params, carry, np.asarray(x))
    np.testing.assert_allclose(step(name, params, carry, x), expected, atol=1e-12)


def test_one_step_of_an_lstm_whose_gates_are_half_open():
    """All pre-activations 0: Γ = 1/2 and c̃ = 0, so that c = 8/2 and a = tanh(4)/2."""
    params = {"recurrent_kernel": jnp.zeros((HIDDEN, 4 * HIDDEN))}
    a, c = CELLS["lstm"].step(params, (jnp.full(HIDDEN, 5.0), jnp.full(HIDDEN, 8.0)), jnp.zeros(4 * HIDDEN))
    np.testing.assert_allclose(c, 4)
    np.testing.assert_allclose(a, np.tanh(4) / 2)


@pytest.mark.parametrize("name", ["simplified_gru", "gru", "reset_after_gru"])
def test_an_update_gate_of_zero_keeps_the_cell_for_any_length_and_one_of_one_leaves_only_the_candidate(name):
    params, (c,), x = drawn(name)
    shut, open_ = (params | {"bias": params["bias"].at[:HIDDEN].set(value)} for value in (-1e4, 1e4))
    steps = jax.jit(lambda carry: jax.lax.fori_loop(0, 1000, lambda _, carry: step(name, shut, carry, x), carry))
    np.testing.assert_array_equal(steps((c,))[0], c)
    forgetful = open_ | {"recurrent_kernel": jnp.zeros((HIDDEN, len(params["bias"])))}
    forgotten = [step(name, forgetful, (state,), x)[0] for state in (c, 0 * c)]
    np.testing.assert_allclose(*forgotten, atol=1e-12)


@pytest.mark.parametrize("name", ["lstm", "peephole_lstm"])
def test_a_forget_gate_of_one_and_an_update_gate_of_zero_keep_the_cell_of_an_lstm(name):
    params, carry, x = drawn(name)
    bias = params["bias"].at[:HIDDEN].set(-1e4).at[HIDDEN : 2 * HIDDEN].set(1e4)
    np.testing.assert_array_equal(step(name, params | {"bias": bias}, carry, x)[1], carry[1])


def test_peepholes_of_zero_are_an_lstm():
    params, carry, x = drawn("peephole_lstm")
    shut = step("peephole_lstm", params | {"peepholes": jnp.zeros((3, HIDDEN))}, carry, x)
    np.testing.assert_allclose(shut, step("lstm", params, carry, x), atol=1e-12)
    assert np.abs(np.subtract(step("peephole_lstm", params, carry, x), shut)).min() > 1e-3


def test_a_relevance_of_one_makes_all_three_grus_one():
    params, carry, x = drawn("reset_after_gru")
    relevance = jnp.arange(HIDDEN, 2 * HIDDEN)
    params |= {"recurrent_bias": jnp.zeros(HIDDEN), "bias": params["bias"].at[relevance].set(1e4)}
    without = {key: jnp.delete(value, relevance, -1) for key, value in params.items() if key != "recurrent_bias"}
    expected = step("simplified_gru", without, carry, x)
    for name in ("gru", "reset_after_gru"):
        np.testing.assert_allclose(step(name, params, carry, x), expected, atol=1e-12)


def test_the_slopes_of_an_lstm_are_those_of_its_equations():
    """Its derivative is written by hand; here autodiff goes through the equations instead."""
    params, (a, c), x = drawn("lstm")

    def plain(params, a, c, x):
        u, f, new, o = jnp.split(x @ params["kernel"] + params["bias"] + a @ params["recurrent_kernel"], 4)
        c = jax.nn.sigmoid(u) * jnp.tanh(new) + jax.nn.sigmoid(f) * c
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    own = jax.jacrev(lambda params, a, c, x: step("lstm", params, (a, c), x), (0, 1, 2, 3))(params, a, c, x)
    known = jax.jacfwd(plain, (0, 1, 2, 3))(params, a, c, x)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-12), own, known)


def test_a_cell_starts_at_zero():
    a, c = CELLS["lstm"].start((5, HIDDEN), jnp.float64)
    assert a.shape == c.shape == (5, HIDDEN)
    assert not a.any()
    assert not c.any()
