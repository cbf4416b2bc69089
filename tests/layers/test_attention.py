"""Attention: weights are a distribution over what may be seen, positions are what they promise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.errors import InputError
from jaxdl.layers.attention import (
    Cache,
    MultiHeadAttention,
    additive_attention,
    dot_product_attention,
    look_ahead_mask,
    masked_softmax,
    rotary,
    sinusoidal_positions,
)


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def test_dot_product_attention_by_hand():
    """One query (1, 0) and keys (1, 0), (0, 1): scores 1/√2 and 0."""
    mixed, weights = dot_product_attention(jnp.array([[1.0, 0]]), jnp.eye(2), jnp.array([[10.0], [20.0]]))
    first = np.exp(1 / np.sqrt(2)) / (np.exp(1 / np.sqrt(2)) + 1)
    np.testing.assert_allclose(weights, [[first, 1 - first]], rtol=1e-6)
    np.testing.assert_allclose(mixed, [[20 - 10 * first]], rtol=1e-6)


def test_additive_attention_by_hand():
    q, k, v, w = normal(2, 3), normal(4, 3, seed=1), normal(4, 5, seed=2), normal(3, seed=3)
    mixed, weights = additive_attention(q, k, v, w)
    scores = np.array([[np.tanh(np.asarray(q[i] + k[j])) @ np.asarray(w) for j in range(4)] for i in range(2)])
    expected = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(weights, expected, rtol=1e-5)
    np.testing.assert_allclose(mixed, expected @ np.asarray(v), rtol=1e-5, atol=1e-6)


def test_weights_sum_to_one_and_are_zero_where_the_mask_is():
    mask = jnp.array([[True, False, True], [True, True, True], [False, False, False]])
    weights = masked_softmax(normal(3, 3), mask)
    np.testing.assert_allclose(weights.sum(-1), [1, 1, 0], atol=1e-6)
    assert (np.asarray(weights)[~np.asarray(mask)] == 0).all()


def test_gradients_are_finite_and_checked_where_a_query_may_look_at_nothing():
    mask = jnp.array([[True, False, True], [True, True, True], [False, False, False]])
    with jax.enable_x64():
        q, k, v = (jnp.asarray(normal(3, 4, seed=seed), jnp.float64) for seed in range(3))
        check_grads(jax.jit(lambda *x: dot_product_attention(*x, mask)[0]), (q, k, v), order=2)


def test_nothing_comes_back_from_the_future():
    x = normal(5, 8)
    layer = MultiHeadAttention(8, 2)
    params = layer.init(jax.random.key(0), x)
    slopes = jax.jacrev(lambda x: layer.apply(params, x, look_ahead_mask(5))[0].sum(-1))(x)
    seen = np.abs(np.asarray(slopes)).sum(-1) > 0
    np.testing.assert_array_equal(seen, np.tril(np.ones((5, 5), bool)))


@pytest.mark.parametrize("turned", [False, True])
def test_step_by_step_with_a_cache_is_the_full_pass(turned):
    x = normal(6, 8)
    layer = MultiHeadAttention(8, 2, turned)
    params = layer.init(jax.random.key(0), x)
    full, _ = layer.apply(params, x, look_ahead_mask(6))
    cache, outputs = Cache.empty(2, 9, 4), []
    for piece in (x[:1], x[1:4], x[4:5], x[5:]):
        out, cache = layer.apply(params, piece, cache, method="step")
        outputs.append(out)
    np.testing.assert_allclose(jnp.concatenate(outputs), full, atol=1e-5)
    assert int(cache.size) == 6


def test_without_positions_order_is_lost_and_rotary_brings_it_back():
    x = normal(5, 8)
    for turned, same in [(False, True), (True, False)]:
        layer = MultiHeadAttention(8, 2, turned)
        params = layer.init(jax.random.key(0), x)
        one, other = layer.apply(params, x)[0], layer.apply(params, x[::-1])[0][::-1]
        assert np.allclose(one, other, atol=1e-5) == same


def test_sinusoidal_positions_are_the_formula_s_and_their_distance_depends_on_k_alone():
    positions = sinusoidal_positions(50, 16)
    np.testing.assert_allclose(positions[7, 6], np.sin(7 / 10000 ** (6 / 16)), rtol=1e-5)
    np.testing.assert_allclose(positions[7, 7], np.cos(7 / 10000 ** (6 / 16)), rtol=1e-5)
    for k in (1, 5, 20):
        distances = np.linalg.norm(np.asarray(positions[k:] - positions[:-k]), axis=-1)
        np.testing.assert_allclose(distances, distances[0], rtol=1e-4)


def test_rotary_products_depend_on_the_distance_alone_and_keep_lengths():
    q, k = normal(8), normal(8, seed=1)
    at = lambda x, p: rotary(x[None], jnp.array([p]))[0]  # noqa: E731
    np.testing.assert_allclose(at(q, 3) @ at(k, 5), at(q, 13) @ at(k, 15), rtol=1e-4)
    np.testing.assert_allclose(jnp.linalg.norm(at(q, 9)), jnp.linalg.norm(q), rtol=1e-5)
    assert not np.allclose(at(q, 3) @ at(k, 5), at(q, 3) @ at(k, 6), rtol=1e-2)


def test_in_half_precision_too_rotary_products_depend_on_the_distance_alone():
    """Of 512 copies of one vector, neighbours: what is left is the rounding of a product, 2⁻⁸ of each term."""
    turned = rotary(jnp.tile(normal(24), (512, 1)).astype(jnp.bfloat16)).astype(jnp.float32)
    neighbours = (turned[1:] * turned[:-1]).sum(-1)
    np.testing.assert_allclose(neighbours, neighbours.mean(), rtol=0.01)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="3 heads of a width of 8"):
        MultiHeadAttention(8, 3).init(jax.random.key(0), normal(2, 8))
    with pytest.raises(InputError, match="even width"):
        sinusoidal_positions(4, 5)
