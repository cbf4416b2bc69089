"""Chains and graphs of nodes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.backprop.activations import maxout, relu, tanh
from jaxdl.backprop.arithmetic import add, affine, multiply
from jaxdl.backprop.graph import chain, differentiate, evaluate, graph
from jaxdl.backprop.layers import average_pool, batch_norm, convolution, dropout, flatten, max_pool
from jaxdl.backprop.losses import sigmoid_with_loss, softmax_with_loss
from jaxdl.errors import InputError

random = np.random.default_rng(0)


def test_two_apples_at_100_with_ten_per_cent_tax_cost_220():
    steps = {"apples": (multiply, "price", "count"), "total": (multiply, "apples", "tax")}
    values, caches = evaluate(steps, {"price": 100.0, "count": 2.0, "tax": 1.1})
    assert (float(values["apples"]), float(values["total"])) == (200, pytest.approx(220))
    gradients = differentiate(steps, caches, 1.0)
    assert {name: pytest.approx(float(gradient), rel=1e-6) for name, gradient in gradients.items()} == {
        "total": 1,
        "apples": 1.1,
        "price": 2.2,
        "count": 110,
        "tax": 200,
    }


def test_three_times_a_plus_bc():
    """J = 3(a + bc), a = 5, b = 3, c = 2: J = 33, dJ/dv = 3, dJ/da = 3, dJ/db = 6, dJ/dc = 9."""
    steps = {"u": (multiply, "b", "c"), "v": (add, "a", "u"), "J": (multiply, "3", "v")}
    values, caches = evaluate(steps, {"a": 5.0, "b": 3.0, "c": 2.0, "3": 3.0})
    assert (values["u"], values["v"], values["J"]) == (6, 11, 33)
    gradients = differentiate(steps, caches, 1.0)
    assert {name: float(gradients[name]) for name in "Jvuabc"} == {"J": 1, "v": 3, "u": 3, "a": 3, "b": 6, "c": 9}


def test_a_value_used_twice_sums_its_gradients(backward_is_vjp):
    """z = (x + y)², as the product of a sum with itself: dz/dx = dz/dy = 2(x + y)."""
    square = graph(("x", "y"), {"t": (add, "x", "y"), "z": (multiply, "t", "t")})
    z, cache = square.forward(3.0, 4.0)
    assert (z, *square.backward(cache, 1.0)) == (49, 14, 14)
    backward_is_vjp(square, random.normal(size=(3, 4)), random.normal(size=4))


def test_an_input_and_a_hidden_value_used_by_several_nodes_get_the_sum_over_all_of_them(backward_is_vjp):
    steps = {
        "u": (multiply, "x", "y"),
        "v": (tanh, "u"),
        "w": (add, "u", "x"),
        "r": (multiply, "v", "w"),
        "s": (add, "r", "u"),
    }
    backward_is_vjp(graph(("x", "y"), steps), random.normal(size=(2, 3)), random.normal(size=(2, 3)))


def test_a_chain_is_a_node_whose_backward_is_the_vjp(backward_is_vjp):
    x, labels = random.normal(size=(4, 5)), np.array([0, 2, 1, 0], np.int32)
    first, last = (random.normal(size=(5, 6)), np.ones(6)), (random.normal(size=(6, 3)), np.ones(3))
    network = chain([affine, tanh, affine, softmax_with_loss])
    dx, *others = backward_is_vjp(network, x, first, (), last, (labels,))
    assert dx.shape == x.shape
    assert [[np.shape(gradient) for gradient in gradients] for gradients in others[:3]] == [
        [(5, 6), (6,)],
        [],
        [(6, 3), (3,)],
    ]
    assert others[3] == (None,)


def test_a_chain_of_chains_and_graphs_is_a_chain(backward_is_vjp):
    W, b = random.normal(size=(4, 4)), random.normal(size=4)
    shortcut = graph(("x", "W", "b"), {"z": (affine, "x", "W", "b"), "f": (tanh, "z"), "y": (add, "f", "x")})
    backward_is_vjp(chain([chain([affine, tanh]), shortcut]), random.normal(size=(3, 4)), ((W, b), ()), (W, b))


def test_a_small_convolutional_network_with_everything_in_it(backward_is_vjp):
    """Convolution, batch norm, relu, both poolings, dropout, maxout and a sigmoid at the end, in one chain."""
    images = [convolution, batch_norm(), relu, max_pool(2), average_pool(2), flatten]
    network = chain([*images, dropout(0.7), affine, maxout(2), affine, sigmoid_with_loss])
    backward_is_vjp(
        network,
        random.normal(size=(3, 10, 11, 1)),
        (random.normal(size=(3, 4, 1, 2)), random.normal(size=2)),
        (np.array([1.0, 2.0]), np.array([0.5, -0.5])),
        (),
        (),
        (),
        (),
        (jax.random.key(3),),
        (random.normal(size=(8, 6)), random.normal(size=6)),
        (),
        (random.normal(size=(3, 1)), random.normal(size=1)),
        (np.array([[0.0], [1.0], [1.0]]),),
    )


def test_a_chain_with_the_wrong_number_of_tuples_is_refused():
    with pytest.raises(InputError, match=r"a chain of 2 nodes was given 1 tuples: give one each, \(\) for none"):
        chain([tanh, relu]).forward(jnp.zeros(3), ())
    with pytest.raises(InputError, match="1 inputs for a graph of 2: a, b"):
        graph(("a", "b"), {"y": (add, "a", "b")}).forward(1.0)


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ({}, "a graph without steps"),
        ({"z": (add, "x", "w")}, "'z' uses 'w', which is not made before it: there is x, y"),
        ({"z": (add, "x", "u"), "u": (add, "x", "y")}, "'z' uses 'u', which is not made before it: there is x, y"),
        ({"y": (add, "x", "y")}, "y is given twice"),
        ({"z": (multiply, "x", "x")}, "y does not lead to the output 'z': leave it out"),
        ({"u": (add, "x", "y"), "z": (multiply, "x", "y")}, "u does not lead to the output 'z'"),
    ],
)
def test_a_graph_that_is_no_dag_from_its_inputs_to_its_output_is_refused(steps, complaint):
    with pytest.raises(InputError, match=complaint):
        graph(("x", "y"), steps)
