"""CTC against all alignments counted one by one, and what padding and the impossible do to it."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.test_util import check_grads

from jaxdl.errors import InputError
from jaxdl.losses.ctc import check_feasible, ctc, log_sum


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def collapsed(path):
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != 0)


def by_brute_force(logits, labels):
    """−log of the sum over every path that collapses to the labels."""
    p = np.asarray(jax.nn.softmax(logits), np.float64)
    paths = itertools.product(range(p.shape[1]), repeat=len(p))
    total = sum(np.prod(p[range(len(p)), path]) for path in paths if collapsed(path) == tuple(labels))
    return -np.log(total)


@pytest.mark.parametrize(
    ("time", "labels"),
    [(0, []), (1, [2]), (3, [1]), (4, [1, 2]), (4, [1, 1]), (3, [1, 1]), (6, [2, 1, 2]), (5, []), (6, [1, 1, 1])],
)
def test_it_is_the_sum_over_all_alignments(time, labels):
    logits = normal(time + 2, 3, seed=time)
    expected = by_brute_force(logits[:time], labels)
    for limit in (len(labels), 3):
        padded = jnp.array(labels + [0] * (limit - len(labels)), jnp.int32)
        np.testing.assert_allclose(ctc(logits, padded, time, len(labels)), expected, rtol=1e-5, atol=1e-6)


def test_it_is_optax_s_with_lengths():
    logits, labels = normal(5, 12, 6), jnp.asarray(np.random.default_rng(1).integers(1, 6, (5, 4)))
    times, lengths = jnp.array([12, 9, 12, 10, 8]), jnp.array([4, 3, 1, 2, 4])
    mine = jax.vmap(ctc)(logits, labels, times, lengths)
    padding = [
        (jnp.arange(size) >= length[:, None]).astype(jnp.float32) for size, length in ((12, times), (4, lengths))
    ]
    np.testing.assert_allclose(mine, optax.ctc_loss(logits, padding[0], labels, padding[1]), rtol=1e-4)


@pytest.mark.parametrize(("length", "expected"), [(0, 0.0), (1, jnp.inf)])
def test_in_no_time_only_no_labels_have_a_place_and_padding_gets_no_gradient(length, expected):
    value, slope = jax.value_and_grad(ctc)(normal(3, 4), jnp.array([1, 3]), 0, length)
    assert value == expected
    np.testing.assert_array_equal(slope, 0)


def test_a_logit_that_is_no_number_gives_none_and_not_the_loss_of_the_impossible():
    logits = normal(3, 4).at[0, 0].set(jnp.nan)
    assert jnp.isnan(ctc(logits, jnp.array([1, 2]), 3, 2))


def test_padding_changes_neither_value_nor_gradient():
    logits, labels = normal(5, 4), jnp.array([1, 3])
    longer = jnp.concatenate([logits, 50 * normal(3, 4, seed=1)])
    value, slope = jax.value_and_grad(ctc)(logits, labels, 5, 2)
    more, slopes = jax.value_and_grad(ctc)(longer, jnp.array([1, 3, 2]), 5, 2)
    np.testing.assert_allclose(more, value, rtol=1e-6)
    np.testing.assert_allclose(slopes[:5], slope, atol=1e-6)
    np.testing.assert_array_equal(slopes[5:], 0)


def test_gradients_are_checked_and_sum_to_zero_over_the_classes():
    with jax.enable_x64():
        logits = jnp.asarray(normal(6, 4), jnp.float64)
        check_grads(jax.jit(lambda logits: ctc(logits, jnp.array([1, 1, 2]), 6, 3)), (logits,), order=2)
        slope = jax.grad(ctc)(logits, jnp.array([1, 1, 2]), 6, 3)
        np.testing.assert_allclose(slope.sum(-1), 0, atol=1e-12)


@pytest.mark.parametrize("labels", [[1, 2, 3, 1], [1, 1, 1]])
def test_what_can_t_be_placed_costs_infinity_and_has_no_gradient(labels):
    """Three steps hold three labels, and two where they are equal."""
    value, slope = jax.value_and_grad(ctc)(normal(3, 4), jnp.array(labels), 3, len(labels))
    assert value == jnp.inf
    np.testing.assert_array_equal(slope, 0)


def test_a_certain_path_costs_nothing_however_large_the_logits():
    logits = 1e4 * jax.nn.one_hot(jnp.array([1, 1, 0, 1, 2]), 3)
    value, slope = jax.value_and_grad(ctc)(logits, jnp.array([1, 1, 2]), 5, 3)
    assert float(value) == pytest.approx(0, abs=1e-3)
    assert jnp.isfinite(slope).all()


def test_a_sum_of_nothing_is_minus_infinity_without_a_gradient_of_nan():
    x = jnp.array([-jnp.inf, -jnp.inf])
    assert log_sum(x) == -jnp.inf
    np.testing.assert_array_equal(jax.grad(log_sum)(x), 0)


@pytest.mark.parametrize("time", [0, 1, 2, 3])
@pytest.mark.parametrize("labels", [[], [1], [1, 2], [1, 1]])
def test_feasible_is_what_has_a_finite_loss(time, labels):
    line = np.array(labels + [0] * (2 - len(labels)))
    finite = bool(jnp.isfinite(ctc(normal(3, 3), jnp.asarray(line), time, len(labels))))
    try:
        check_feasible(line[None], np.array([time]), np.array([len(labels)]), 3)
    except InputError:
        assert not finite
    else:
        assert finite


def test_rows_that_can_t_be_placed_are_named():
    labels = np.array([[1, 2, 0], [1, 1, 0], [3, 3, 3]])
    check_feasible(labels, np.array([2, 3, 5]), np.array([2, 2, 3]), 4)
    with pytest.raises(InputError, match="row 1: 2 labels need 3 steps of time, and there are 2"):
        check_feasible(labels, np.array([2, 2, 5]), np.array([2, 2, 3]), 4)
    with pytest.raises(InputError, match=r"row 2: labels \[3, 3, 3\]: expected 3 of 1 to 2"):
        check_feasible(labels, np.array([2, 3, 5]), np.array([2, 2, 3]), 3)
