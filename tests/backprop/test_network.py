"""The L-layer network that trains itself on the computation graph."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.backprop.graph import graph
from jaxdl.backprop.network import HIDDEN, Network, train
from jaxdl.check.gradients import check_gradients, hand_written
from jaxdl.check.parameters import count
from jaxdl.errors import InputError


def problem(network, m=12, seed=0):
    """(parameters moved away from their zero biases, inputs, labels), in float64. For use in `jax.enable_x64()`."""
    random = np.random.default_rng(seed)
    params = jax.tree.map(
        lambda value: jnp.asarray(value + 0.1 * random.normal(size=value.shape)), network.init(jax.random.key(seed))
    )
    x = jnp.asarray(random.normal(size=(m, network.widths[0])))
    return params, x, jnp.asarray(random.integers(max(network.widths[-1], 2), size=m))


def plain_cost(network, params, x, labels):
    """J written out with jax.nn and differentiated by nobody but jax.grad."""
    functions = {
        "sigmoid": jax.nn.sigmoid,
        "tanh": jnp.tanh,
        "relu": jax.nn.relu,
        "leaky_relu": lambda z: jax.nn.leaky_relu(z, 0.1),
        "elu": jax.nn.elu,
    }
    a = x
    for layer in range(1, network.depth + 1):
        z = a @ params[f"W{layer}"] + params[f"b{layer}"]
        a = functions[network.activation](z)
    if network.widths[-1] == 1:
        p = jax.nn.sigmoid(z[:, 0])
        loss = -(labels * jnp.log(p) + (1 - labels) * jnp.log(1 - p)).mean()
    else:
        loss = -jnp.log(jax.nn.softmax(z))[jnp.arange(len(labels)), labels].mean()
    return loss + network.l2 / 2 * sum((params[f"W{layer}"] ** 2).sum() for layer in range(1, network.depth + 1))


def test_widths_2_3_5_4_2_1_have_66_parameters_of_the_shapes_n_in_n_out():
    params = Network((2, 3, 5, 4, 2, 1)).init(jax.random.key(0))
    assert count(params) == 66
    assert [params[f"W{layer}"].shape for layer in range(1, 6)] == [(2, 3), (3, 5), (5, 4), (4, 2), (2, 1)]
    assert [params[f"b{layer}"].shape for layer in range(1, 6)] == [(3,), (5,), (4,), (2,), (1,)]


@pytest.mark.parametrize(("activation", "variance"), [("relu", 2 / 400), ("elu", 2 / 400), ("tanh", 1 / 400)])
def test_weights_start_with_he_s_or_xavier_s_variance_and_biases_at_zero(activation, variance):
    params = Network((400, 300, 2), activation).init(jax.random.key(0))
    np.testing.assert_allclose(np.var(params["W1"]), variance, rtol=5 * np.sqrt(2 / 120_000))
    assert not params["b1"].any()


def test_without_a_hidden_layer_it_is_logistic_regression_which_costs_log_two_at_zero():
    network = Network((3, 1))
    x, labels = jnp.array([[1.0, 2, 3], [0, -1, 1]]), jnp.array([1, 0])
    cost, gradients = network.gradients({"W1": jnp.zeros((3, 1)), "b1": jnp.zeros(1)}, x, labels)
    np.testing.assert_allclose(cost, np.log(2), rtol=1e-6)
    np.testing.assert_allclose(gradients["W1"], x.T @ np.array([[-0.5], [0.5]]) / 2, rtol=1e-6)
    np.testing.assert_allclose(gradients["b1"], 0, atol=1e-7)


@pytest.mark.parametrize(("widths", "activation"), [*(((4, 5, 4, 3), name) for name in HIDDEN), ((4, 6, 1), "tanh")])
def test_cost_and_gradients_are_those_of_autodiff(widths, activation):
    network = Network(widths, activation, l2=0.3)
    with jax.enable_x64():
        params, x, labels = problem(network)
        cost, gradients = jax.jit(network.gradients)(params, x, labels)
        expected = jax.jit(jax.value_and_grad(lambda params: plain_cost(network, params, x, labels)))(params)
        np.testing.assert_allclose(cost, expected[0], rtol=1e-12)
        np.testing.assert_allclose(jax.jit(network.cost)(params, x, labels), cost, rtol=1e-12)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12), gradients, expected[1])


@pytest.mark.parametrize("network", [Network((5, 6, 4, 3), "tanh", l2=0.1), Network((2, 3, 5, 4, 2, 1), "relu", 0.01)])
def test_the_hand_written_gradients_pass_the_gradient_check(network):
    with jax.enable_x64():
        params, x, labels = problem(network)
    report = check_gradients(hand_written(lambda params: network.gradients(params, x, labels)), params)
    assert report.ok, str(report)
    assert report.difference < 1e-8
    assert sum(leaf.checked for leaf in report.leaves) == count(params)


def test_the_gradients_with_dropout_are_those_of_autodiff_through_the_same_masks():
    network = Network((4, 30, 20, 3), "relu", l2=0.1, keep=0.7)
    with jax.enable_x64():
        params, x, labels = problem(network)
        _, gradients = jax.jit(network.gradients)(params, x, labels, jax.random.key(5))
        expected = jax.jit(jax.grad(network.cost))(params, x, labels, jax.random.key(5))
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12), gradients, expected)
        cost = jax.jit(network.cost)
        costs = {float(cost(params, x, labels, jax.random.key(seed))) for seed in (5, 5, 6)}
        assert len(costs) == 2


def test_dropout_acts_on_the_cost_and_not_on_the_forward_pass():
    dropped, whole = Network((4, 30, 3), keep=0.5), Network((4, 30, 3))
    params, x, labels = problem(whole)
    np.testing.assert_array_equal(dropped.forward(params, x), whole.forward(params, x))
    assert float(dropped.cost(params, x, labels, jax.random.key(0))) != float(whole.cost(params, x, labels))


@pytest.mark.parametrize("network", [Network((4, 5, 4, 3), "tanh", l2=0.1), Network((4, 8, 1), "elu")])
def test_training_by_backprop_follows_training_by_autodiff_for_50_steps(network):
    with jax.enable_x64():
        params, x, labels = problem(network)
        trained, costs = train(network, params, itertools.repeat((x, labels), 50), learning_rate=0.5)
        step = jax.jit(jax.value_and_grad(lambda params: plain_cost(network, params, x, labels)))
        for cost in costs:
            expected, gradients = step(params)
            np.testing.assert_allclose(cost, expected, rtol=0, atol=1e-10)
            params = jax.tree.map(lambda value, gradient: value - 0.5 * gradient, params, gradients)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-10), trained, params)
    assert costs[-1] < 0.9 * costs[0]


def test_it_learns_the_exclusive_or_that_no_line_separates():
    network = Network((2, 8, 1), "tanh")
    x, labels = jnp.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), jnp.array([0, 1, 1, 0])
    params, costs = train(network, network.init(jax.random.key(0)), itertools.repeat((x, labels), 500), 1.0)
    np.testing.assert_array_equal(network.forward(params, x)[:, 0] > 0, labels == 1)
    assert costs[0] > 0.5
    assert costs[-1] < 0.1


def test_each_batch_is_one_step_and_each_step_has_dropout_of_its_own():
    network = Network((3, 20, 2), keep=0.5)
    params, x, labels = problem(network, m=4)
    _, costs = train(network, params, [(x[:2], labels[:2]), (x[2:], labels[2:])], 0.1, jax.random.key(0))
    assert costs.shape == (2,)
    _, still = train(network, params, itertools.repeat((x, labels), 5), 0.0, jax.random.key(0))
    assert len(set(still.tolist())) == 5


def test_the_whole_network_is_a_node():
    network = Network((3, 4, 2), l2=0.1)
    params, x, labels = problem(network)
    node = graph(("x", "labels", *params), network.steps())
    cost, cache = node.forward(x, labels, *params.values())
    _, none, *gradients = node.backward(cache, jnp.ones(()))
    assert none is None
    expected_cost, expected = network.gradients(params, x, labels)
    np.testing.assert_array_equal(cost, expected_cost)
    jax.tree.map(np.testing.assert_array_equal, dict(zip(params, gradients, strict=True)), expected)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"widths": (5,)}, r"widths \(5,\): expected two or more"),
        ({"widths": ()}, r"widths \(\): expected two or more"),
        ({"widths": (5, 0, 2)}, r"widths \(5, 0, 2\): expected two or more, each at least 1"),
        ({"widths": (5, 2), "activation": "rely"}, "unknown activation 'rely': did you mean relu"),
        ({"widths": (5, 2), "l2": -0.1}, r"L2 penalty -0.1: expected 0 or more"),
        ({"widths": (5, 2), "keep": 0.0}, r"keep probability 0.0: expected above 0"),
        ({"widths": (5, 2), "keep": 1.5}, r"keep probability 1.5: expected above 0"),
    ],
)
def test_a_network_that_can_not_be_is_refused(given, complaint):
    with pytest.raises(InputError, match=complaint):
        Network(**given)


@pytest.mark.parametrize(
    ("units", "labels", "complaint"),
    [
        (3, [0, 3, 1], "label 3: expected 0 to 2 for 3 output units"),
        (3, [0, -1, 1], "label -1: expected 0 to 2"),
        (1, [0, 2, 1], "label 2: expected 0 to 1 for 1 output units"),
    ],
)
def test_labels_out_of_range_are_refused(units, labels, complaint):
    network = Network((2, units))
    with pytest.raises(InputError, match=complaint):
        train(network, network.init(jax.random.key(0)), [(jnp.zeros((3, 2)), jnp.array(labels))], 0.1)


def test_dropout_without_a_key_is_refused():
    network = Network((2, 3, 2), keep=0.5)
    with pytest.raises(InputError, match="needs a key"):
        train(network, network.init(jax.random.key(0)), [(jnp.zeros((1, 2)), jnp.zeros(1, jnp.int32))], 0.1)


@pytest.mark.parametrize(
    ("x", "labels", "complaint"),
    [
        ([[1.0, np.nan]], [0], "hold a NaN"),
        ([[1.0, 2.0]], [1.0], "expected one whole number"),
        ([[1.0, 2.0]], [[0, 1]], "expected one whole number"),
    ],
)
def test_a_batch_that_can_not_be_learned_from_is_refused(x, labels, complaint):
    network = Network([2, 2])
    with pytest.raises(InputError, match=complaint):
        train(network, network.init(jax.random.key(0)), [(jnp.array(x), jnp.array(labels))], 0.1)
