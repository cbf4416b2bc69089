"""Greedy decoding takes the most probable token, each time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.decode.greedy import greedy
from jaxdl.decode.sampling import sample
from jaxdl.errors import InputError

TABLE = jnp.log(jnp.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1], [0.1, 0.6, 0.2, 0.1], [0.2, 0.2, 0.5, 0.1]]))


def markov(seen, token):
    """The next token depends on this one alone; the carry counts the steps."""
    return TABLE[token], seen + 1


def decoded(start, limit=5, **options):
    return greedy(markov, jnp.int32(0), jnp.array([start]), limit, end=0, **options)


def test_each_token_is_the_most_probable_and_the_end_is_the_last():
    found = decoded(0)  # 0 → 3 (.4) → 2 (.5) → 1 (.6) → 0 (.7)
    assert (found.tokens.tolist(), int(found.length)) == ([3, 2, 1, 0, 0], 4)
    np.testing.assert_allclose(found.log_probability, np.log(0.4 * 0.5 * 0.6 * 0.7), rtol=1e-6)


def test_at_the_limit_it_stops_without_an_end():
    found = decoded(0, limit=2)
    assert (found.tokens.tolist(), int(found.length)) == ([3, 2], 2)
    np.testing.assert_allclose(found.log_probability, np.log(0.4 * 0.5), rtol=1e-6)


def test_a_banned_token_never_comes_and_the_others_keep_the_model_s_own_probability():
    found = decoded(0, limit=3, banned=(2,))  # 0 → 3 (.4) → 0 (.2)
    assert found.tokens.tolist() == [3, 0, 0]
    np.testing.assert_allclose(found.log_probability, np.log(0.4 * 0.2), rtol=1e-6)


def test_of_equals_the_first_comes():
    found = greedy(lambda seen, token: (jnp.zeros(4), seen), (), jnp.array([1]), 2, end=0, banned=(0,))
    assert found.tokens.tolist() == [1, 1]


def test_the_whole_prompt_is_read_once():
    def summing(total, token):
        return 9.0 * jax.nn.one_hot(total + token, 40), total + token

    found = greedy(summing, jnp.int32(0), jnp.array([1, 2, 4]), 3, end=39)
    assert found.tokens.tolist() == [7, 14, 28]


def test_it_is_what_sampling_becomes_when_only_the_first_token_is_left():
    tables = jax.random.normal(jax.random.key(0), (20, 6, 6))

    def both(table):
        step, start = lambda seen, token: (table[token], seen), jnp.array([1])
        drawn = sample(step, (), start, jax.random.key(0), 7, end=0, top_k=1, banned=(3,))
        return greedy(step, (), start, 7, end=0, banned=(3,)), drawn

    ours, drawn = jax.jit(jax.vmap(both))(tables)
    np.testing.assert_array_equal(ours.tokens, drawn.tokens)
    np.testing.assert_array_equal(ours.length, drawn.length)
    np.testing.assert_allclose(ours.log_probability, drawn.log_probability, rtol=1e-5)
    assert len(set(np.asarray(ours.length).tolist())) > 2


def test_companions_of_the_batch_change_nothing():
    together = jax.jit(jax.vmap(lambda start: decoded(start)))(jnp.arange(4))
    assert len(set(together.length.tolist())) > 2
    for start in range(4):
        alone = decoded(start)
        assert alone.tokens.tolist() == together.tokens[start].tolist()
        np.testing.assert_allclose(alone.log_probability, together.log_probability[start], rtol=1e-6)


def test_an_empty_prompt_no_room_and_a_banned_token_that_is_none_are_refused():
    with pytest.raises(InputError, match="prompt of 0"):
        greedy(markov, jnp.int32(0), jnp.zeros(0, jnp.int32), 3, end=0)
    with pytest.raises(InputError, match="limit of 0"):
        decoded(0, limit=0)
    with pytest.raises(InputError, match=r"banned tokens \[4\]"):
        decoded(0, banned=(4,))
