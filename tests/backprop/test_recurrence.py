"""Backward passes through time, written by hand."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.backprop.recurrence import gru, lstm, rnn
from jaxdl.check.gradients import check_gradients, hand_written
from jaxdl.layers.cells import CELLS
from jaxdl.layers.recurrence import length_mask, scan

NODES = {"rnn": rnn, "gru": gru, "lstm": lstm}
NAMES = ("x", "W", "U", "b", "a", "c")


def problem(name, m=3, time=5, features=2, hidden=4):
    """{x, W, U, b, a} and, for an LSTM, c: drawn at random."""
    random, width = np.random.default_rng(1), CELLS[name].parts * hidden
    shapes = [(m, time, features), (features, width), (hidden, width), (width,), (m, hidden), (m, hidden)]
    drawn = {key: random.normal(size=shape) for key, shape in zip(NAMES, shapes, strict=True)}
    return dict(list(drawn.items())[: 4 + CELLS[name].states])


def both_ways(name, inputs, upstream, mask=None):
    """(activations, gradients): those of the node, and of the scan in layers/recurrence.py by autodiff."""

    def layer(x, W, U, b, *start):
        return scan(CELLS[name], {"kernel": W, "recurrent_kernel": U, "bias": b}, x, start, mask)[0]

    activations, cache = NODES[name].forward(*inputs)
    known, pull = jax.vjp(layer, *inputs)
    return (activations, NODES[name].backward(cache, upstream)), (known, pull(upstream))


@pytest.mark.parametrize("name", NODES)
def test_the_backward_pass_through_time_is_the_vjp_of_its_own_forward_pass_and_of_the_layer(name, backward_is_vjp):
    inputs = problem(name).values()
    gradients = backward_is_vjp(NODES[name], *inputs)
    with jax.enable_x64():
        inputs = [jnp.asarray(value) for value in inputs]
        upstream = jnp.asarray(np.random.default_rng(0).normal(size=(3, 5, 4)))
        (own, _), (known, expected) = jax.jit(partial(both_ways, name))(inputs, upstream)
        np.testing.assert_allclose(own, known, atol=1e-12)
        for own, known in zip(gradients, expected, strict=True):
            np.testing.assert_allclose(own, known, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", NODES)
def test_the_hand_written_gradients_through_time_pass_the_gradient_check(name):
    with jax.enable_x64():
        params = jax.tree.map(jnp.asarray, problem(name, m=2, time=4, hidden=2))

        def cost_and_gradients(params):
            names = [key for key in NAMES if key in params]
            activations, cache = NODES[name].forward(*(params[key] for key in names))
            gradients = NODES[name].backward(cache, activations)
            return (activations**2).sum() / 2, dict(zip(names, gradients, strict=True))

    report = check_gradients(hand_written(cost_and_gradients), params)
    assert report.ok, str(report)
    assert report.difference < 1e-8
    assert sum(leaf.checked for leaf in report.leaves) == sum(leaf.size for leaf in params.values())


@pytest.mark.parametrize("name", NODES)
def test_steps_that_the_loss_leaves_out_at_the_end_send_nothing_back_as_if_they_were_masked(name):
    with jax.enable_x64():
        inputs = [jnp.asarray(value) for value in problem(name).values()]
        real = length_mask(jnp.asarray([5, 2, 0]), 5)
        upstream = jnp.asarray(np.random.default_rng(0).normal(size=(3, 5, 4))) * real[..., None]
        (outputs, gradients), (masked, expected) = jax.jit(partial(both_ways, name))(inputs, upstream, real)
        np.testing.assert_allclose(outputs * real[..., None], masked, atol=1e-12)
        for own, known in zip(gradients, expected, strict=True):
            np.testing.assert_allclose(own, known, atol=1e-10)
        assert not gradients[0][1, 2:].any()


def test_one_step_of_the_plain_network_by_hand():
    """a_t = tanh(1·2 + 3·0.5 − 3.5) = 0, so ∂z = ∂a_t = 10."""
    x, W, U, b, a = np.ones((1, 1, 1)), [[2.0]], [[0.5]], [-3.5], [[3.0]]
    y, cache = rnn.forward(*map(jnp.asarray, (x, W, U, b, a)))
    np.testing.assert_array_equal(y, 0)
    gradients = rnn.backward(cache, jnp.full((1, 1, 1), 10.0))
    np.testing.assert_array_equal([float(gradient.sum()) for gradient in gradients], [20, 10, 30, 10, 5])
