"""Sampling draws what it says it draws from."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.decode.sampling import filtered, sample
from jaxdl.errors import InputError

LOGITS = jnp.log(jnp.array([0.1, 0.4, 0.2, 0.3]))
TABLE = jnp.log(jnp.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1], [0.25, 0.25, 0.25, 0.25], [0.5, 0.2, 0.2, 0.1]]))


def markov(carry, token):
    """The next token depends on this one alone; the carry counts the steps."""
    return TABLE[token], carry + 1


def draws(count, **options):
    keys = jax.random.split(jax.random.key(0), count)
    one = lambda key: sample(markov, jnp.int32(0), jnp.array([0]), key, 6, end=0, **options)  # noqa: E731
    return jax.jit(jax.vmap(one))(keys)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.1, 0.4, 0.2, 0.3]),
        ({"temperature": 0.5}, np.array([0.01, 0.16, 0.04, 0.09]) / 0.30),
        ({"top_k": 2}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_p": 0.7}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_p": 0.71}, [0, 4 / 9, 2 / 9, 3 / 9]),
        ({"top_p": 1e-6}, [0, 1, 0, 0]),
        ({"banned": (1,)}, [1 / 6, 0, 2 / 6, 3 / 6]),
        ({"banned": (1,), "top_k": 1}, [0, 0, 0, 1]),
    ],
)
def test_what_is_drawn_from_is_worked_out_by_hand(options, expected):
    np.testing.assert_allclose(jax.nn.softmax(filtered(LOGITS, **options)), expected, atol=1e-6)


def test_top_k_keeps_k_of_equal_logits():
    assert int(jnp.isfinite(filtered(jnp.zeros(5), top_k=2)).sum()) == 2


def test_frequencies_are_the_model_s():
    found = draws(4000)
    first = np.bincount(np.asarray(found.tokens[:, 0]), minlength=4) / 4000
    np.testing.assert_allclose(first, [0.1, 0.2, 0.3, 0.4], atol=4 * np.sqrt(0.25 / 4000))
    after_one = np.asarray(found.tokens[:, 1])[np.asarray(found.tokens[:, 0]) == 1]
    np.testing.assert_allclose((after_one == 0).mean(), 0.7, atol=4 * np.sqrt(0.25 / len(after_one)))


def test_a_sequence_ends_with_the_first_end_or_at_the_limit():
    found = draws(200)
    for tokens, length in zip(np.asarray(found.tokens), np.asarray(found.length), strict=True):
        ends = np.flatnonzero(tokens[:length] == 0)
        assert ends.tolist() == [length - 1] or (length == 6 and len(ends) == 0)
        assert (tokens[length:] == 0).all()
    assert {1, 6} <= set(np.asarray(found.length).tolist())


def test_the_log_probability_is_the_model_s_own_whatever_is_left_out():
    found = draws(20, temperature=0.7, top_k=3)
    for tokens, length, log_p in zip(*(np.asarray(field) for field in found), strict=True):
        before = [0, *tokens[: length - 1]]
        np.testing.assert_allclose(log_p, np.asarray(TABLE)[before, tokens[:length]].sum(), rtol=1e-5)


def test_a_banned_token_never_comes():
    assert not (np.asarray(draws(500, banned=(3,)).tokens) == 3).any()


def test_companions_of_the_batch_and_the_limit_change_nothing():
    keys = jax.random.split(jax.random.key(0), 8)
    alone = sample(markov, jnp.int32(0), jnp.array([0]), keys[5], 3, end=0)
    together = draws(8)
    np.testing.assert_array_equal(alone.tokens, together.tokens[5, :3])


def test_the_prompt_is_read_before_anything_is_drawn():
    found = sample(lambda seen, token: (30.0 * jax.nn.one_hot(seen + token, 9), seen + token), jnp.int32(0),
                   jnp.array([1, 2]), jax.random.key(0), 2, end=8)  # fmt: skip
    assert found.tokens.tolist() == [3, 6]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature 0.0"),
        ({"top_k": 5}, "top_k 5: expected 1 to 4"),
        ({"top_p": 0.0}, "top_p 0.0"),
        ({"banned": (4,)}, r"banned tokens \[4\]: expected some of 0 to 3"),
        ({"banned": (0, 1, 2, 3)}, "banned tokens all"),
    ],
)
def test_what_can_t_be_drawn_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        filtered(LOGITS, **options)


def test_an_empty_prompt_and_no_room_are_refused():
    with pytest.raises(InputError, match="prompt of 0"):
        sample(markov, jnp.int32(0), jnp.zeros(0, jnp.int32), jax.random.key(0), 3, end=0)
    with pytest.raises(InputError, match="limit of 0"):
        sample(markov, jnp.int32(0), jnp.array([0]), jax.random.key(0), 0, end=0)
