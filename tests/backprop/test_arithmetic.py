"""Sums, products, maxima and the affine map."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.backprop.arithmetic import add, affine, maximum, multiply

random = np.random.default_rng(0)


@pytest.mark.parametrize("node", [add, multiply], ids=["add", "multiply"])
@pytest.mark.parametrize(
    "shapes", [((), ()), ((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (3, 4)), ((), (2, 3)), ((2, 1, 4), (3, 1))]
)
def test_the_backward_is_the_vjp_and_a_broadcast_value_gets_its_gradients_summed(node, shapes, backward_is_vjp):
    x, y = (random.normal(size=shape) for shape in shapes)
    dx, dy = backward_is_vjp(node, x, y)
    assert (dx.shape, dy.shape) == shapes


def test_a_product_s_gradient_is_the_other_factor():
    output, cache = multiply.forward(3.0, 5.0)
    assert (output, *multiply.backward(cache, 2.0)) == (15.0, 10.0, 6.0)


def test_the_affine_formulas():
    """Y = XW + b, ∂X = ∂Y Wᵀ, ∂W = Xᵀ ∂Y and ∂b = Σ ∂Y, worked by hand."""
    x, W = jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([[1.0, 0.0, -1.0], [2.0, 1.0, 0.0]])
    y, cache = affine.forward(x, W, jnp.array([10.0, 20.0, 30.0]))
    np.testing.assert_array_equal(y, [[15, 22, 29], [21, 24, 27]])
    dx, dW, db = affine.backward(cache, jnp.array([[1.0, 0.0, 2.0], [0.0, 1.0, 3.0]]))
    np.testing.assert_array_equal(dx, [[-1, 2], [-3, 1]])
    np.testing.assert_array_equal(dW, [[1, 3, 11], [2, 4, 16]])
    np.testing.assert_array_equal(db, [1, 1, 5])


def test_the_affine_backward_is_the_vjp(backward_is_vjp):
    backward_is_vjp(affine, random.normal(size=(5, 4)), random.normal(size=(4, 3)), random.normal(size=3))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_the_backward_of_a_maximum_is_the_vjp(axis, backward_is_vjp):
    backward_is_vjp(maximum(axis), random.normal(size=(3, 4, 2)))


def test_equal_maxima_share_the_gradient(backward_is_vjp):
    (dx,) = backward_is_vjp(maximum(1), jnp.array([[1.0, 2.0, 2.0], [0.0, -1.0, -2.0]]))
    np.testing.assert_array_equal(dx[0, 1], dx[0, 2])
    assert float(dx[0, 0]) == 0


def test_forward_and_backward_are_jitted_one_by_one():
    output, cache = jax.jit(affine.forward)(jnp.ones((2, 3)), jnp.ones((3, 1)), jnp.zeros(1))
    np.testing.assert_array_equal(output, [[3], [3]])
    np.testing.assert_array_equal(jax.jit(affine.backward)(cache, output)[1], [[6], [6], [6]])
