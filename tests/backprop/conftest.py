"""The law that every node obeys: its backward is the vector-Jacobian product of its forward."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest


def float64(tree):
    """The tree in float64; integers and keys stay what they are. For use in `jax.enable_x64()`."""

    def cast(leaf):
        real = isinstance(leaf, float) or jnp.issubdtype(leaf.dtype, jnp.floating)
        return jnp.asarray(leaf, jnp.float64) if real else jnp.asarray(leaf)

    return jax.tree.map(cast, tree)


@pytest.fixture
def backward_is_vjp():
    """(node, *inputs) -> the node's gradients, jitted, after holding all that are not None against jax.vjp."""

    def check(node, *inputs):
        def vjp(inputs, upstream):
            y, pull = jax.vjp(lambda *inputs: node.forward(*inputs)[0], *inputs)
            return y, pull(upstream)

        with jax.enable_x64():
            inputs = float64(inputs)
            output, cache = jax.jit(node.forward)(*inputs)
            upstream = jnp.asarray(np.random.default_rng(0).normal(size=output.shape))
            y, expected = jax.jit(vjp)(inputs, upstream)
            np.testing.assert_allclose(output, y, rtol=1e-12, atol=1e-12)
            gradients = jax.jit(node.backward)(cache, upstream)
            assert len(gradients) == len(inputs)
            leaves = jax.tree.leaves(gradients, is_leaf=lambda leaf: leaf is None)
            for own, known in zip(leaves, jax.tree.leaves(expected), strict=True):
                if own is not None:
                    np.testing.assert_allclose(own, known, rtol=1e-10, atol=1e-10)
        return jax.tree.map(np.asarray, gradients)

    return check
