"""The notes' wrong backward passes, each in the smallest form that runs, judged by the gradient checker.

The network has three layers (relu, relu, sigmoid), examples in rows, and every layer is as wide as the input, so that a
wrong product still has the right shape. Each wrong pass makes one of the notes' mistakes and is otherwise right.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_gradients, hand_written

WIDTH, M, LAMBDA = 3, 7, 0.1
RNG = np.random.default_rng(0)
X = RNG.normal(size=(M, WIDTH))
Y = RNG.integers(0, 2, size=(M, WIDTH)).astype(float)
WEIGHTS, BIASES = ("W1", "W2", "W3"), ("b1", "b2", "b3")
PARAMS = {name: RNG.normal(size=(WIDTH, WIDTH)) for name in WEIGHTS} | {name: RNG.normal(size=WIDTH) for name in BIASES}
EVERY = {*WEIGHTS, *BIASES}


def dense(a, w, b, activation):
    """(activation, cache) of one layer; the cache is the layer's input and output."""
    out = activation(a @ w + b)
    return out, (a, out)


def forward(params):
    """(cost, cache): the mean cross-entropy of three independent outputs, plus λ/2·Σ‖W‖²."""
    a1 = jax.nn.relu(X @ params["W1"] + params["b1"])
    a2 = jax.nn.relu(a1 @ params["W2"] + params["b2"])
    z3 = a2 @ params["W3"] + params["b3"]
    penalty = LAMBDA / 2 * sum((params[name] ** 2).sum() for name in WEIGHTS)
    cost = (jnp.logaddexp(0, z3) - Y * z3).sum() / M + penalty
    return cost, {"a1": a1, "a2": a2, "a3": jax.nn.sigmoid(z3)}


def backward(params, cache, m=M):
    """The right gradients of the cost."""
    dz3 = (cache["a3"] - Y) / m
    return backward_from(dz3, params, cache)


def backward_from(dz3, params, cache):
    a1, a2 = cache["a1"], cache["a2"]
    dz2 = dz3 @ params["W3"].T * (a2 > 0)
    dz1 = dz2 @ params["W2"].T * (a1 > 0)
    inputs, upstream = (X, a1, a2), (dz1, dz2, dz3)
    weights = {w: a.T @ dz + LAMBDA * params[w] for w, a, dz in zip(WEIGHTS, inputs, upstream, strict=True)}
    return weights | {b: dz.sum(0) for b, dz in zip(BIASES, upstream, strict=True)}


def differentiated_by(backward):
    """The cost of `forward`, for which JAX takes what `backward` returns as the gradient."""

    def forward_and_backward(params):
        value, cache = forward(params)
        return value, backward(params, cache)

    return hand_written(forward_and_backward)


@functools.cache
def rejected(backward):
    """The names of the leaves that the gradient checker rejects."""
    report = check_gradients(differentiated_by(backward), PARAMS)
    names = {leaf.path for leaf in report.leaves if not leaf.ok}
    assert report.ok == (not names)
    assert all(name in str(report).splitlines()[0] for name in names)
    return names


def test_a_pass_that_returns_weights_for_gradients_is_rejected_there():
    def wrong(params, cache):
        return backward(params, cache) | {"W1": params["W1"]}

    assert rejected(backward) == set()
    assert rejected(wrong) == {"W1"}


def test_a_pass_that_counts_features_as_examples_is_rejected_everywhere():
    def wrong(params, cache):
        return backward(params, cache, m=X.shape[1])

    assert rejected(backward) == set()
    assert rejected(wrong) == EVERY


def test_a_cache_that_lost_a2_spoils_every_gradient_but_the_last_bias():
    def wrong(params, cache):
        return backward(params, {"a1": cache["a1"], "a2": cache["a1"], "a3": cache["a3"]})

    assert rejected(backward) == set()
    assert rejected(wrong) == EVERY - {"b3"}


def test_a_bias_sum_stored_in_dw_leaves_db_undefined_and_dw_wrong():
    def layer_backward(dz, a):
        dw = a.T @ dz
        dw = dz.sum(0)
        return dw, db  # noqa: F821

    def wrong(params, cache):
        dz3 = (cache["a3"] - Y) / M
        return backward(params, cache) | {"W3": jnp.broadcast_to(dz3.sum(0), (WIDTH, WIDTH))}

    with pytest.raises(NameError, match="db"):
        layer_backward(X, X)
    assert rejected(backward) == set()
    assert rejected(wrong) == {"W3"}


def test_keys_that_are_off_by_one_give_each_layer_the_next_one_s_gradient():
    def stored(right):
        return {f"W{number - 1}": right[f"W{number}"] for number in (1, 2, 3)}

    def wrong(params, cache):
        right = backward(params, cache)
        weights = {name: stored(right).get(name, jnp.zeros_like(right[name])) for name in WEIGHTS}
        return right | weights

    with pytest.raises(KeyError):  # the last layer has no gradient to be updated with
        stored(backward(PARAMS, forward(PARAMS)[1]))["W3"]
    assert rejected(backward) == set()
    assert rejected(wrong) == set(WEIGHTS)


def test_an_activation_that_is_a_tuple_can_t_be_subtracted_from():
    a1, _ = dense(X, PARAMS["W1"], PARAMS["b1"], jax.nn.relu)
    a2, _ = dense(a1, PARAMS["W2"], PARAMS["b2"], jax.nn.relu)
    a3 = dense(a2, PARAMS["W3"], PARAMS["b3"], jax.nn.sigmoid)  # (activation, cache), not unpacked
    with pytest.raises(TypeError):
        jnp.subtract(a3, Y)
    np.testing.assert_allclose(a3[0], forward(PARAMS)[1]["a3"], rtol=1e-5)


def test_without_the_hidden_layers_caches_only_the_last_layer_learns():
    def wrong(params, cache):
        caches = {3: (cache["a2"], cache["a3"])}  # the hidden layers' were dropped on the way forward
        gradients = jax.tree.map(jnp.zeros_like, params)
        for number, (a, out) in caches.items():
            dz = (out - Y) / M
            gradients |= {f"W{number}": a.T @ dz + LAMBDA * params[f"W{number}"], f"b{number}": dz.sum(0)}
        return gradients

    assert rejected(backward) == set()
    assert rejected(wrong) == EVERY - {"W3", "b3"}


def test_da_handed_on_unchanged_spoils_every_layer_before_the_last():
    def wrong(params, cache):
        a3 = cache["a3"]
        da = (a3 - Y) / (a3 * (1 - a3)) / M  # dA of the last layer, taken for dA of those before: no Wᵀ
        weights = {"W2": cache["a1"].T @ da, "W1": X.T @ da}  # no σ′
        return backward(params, cache) | weights | {"b2": jnp.zeros(WIDTH), "b1": jnp.zeros(WIDTH)}  # no db

    assert rejected(backward) == set()
    assert rejected(wrong) == EVERY - {"W3", "b3"}


def test_each_of_the_three_mistakes_in_the_regularised_output_layer_is_rejected():
    def masked(params, cache):
        return backward_from((cache["a3"] - Y) / M * (cache["a2"] > 0), params, cache)

    def bias_sum_in_dw(params, cache):
        dz3 = (cache["a3"] - Y) / M
        return backward(params, cache) | {"W3": jnp.broadcast_to(dz3.sum(0), (WIDTH, WIDTH))}

    def without_penalty(params, cache):
        right = backward(params, cache)
        return right | {"W3": right["W3"] - LAMBDA * params["W3"]}

    assert rejected(backward) == set()
    assert rejected(masked) == EVERY
    assert rejected(bias_sum_in_dw) == {"W3"}
    assert rejected(without_penalty) == {"W3"}
