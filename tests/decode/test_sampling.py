"""Sampling draws what it says it draws from."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.decode.greedy import greedy
from jaxdl.decode.sampling import filtered, sample
from jaxdl.errors import InputError

LOGITS = jnp.log(jnp.array([0.1, 0.4, 0.2, 0.3]))
TABLE = jnp.log(jnp.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1], [0.25, 0.25, 0.25, 0.25], [0.5, 0.2, 0.2, 0.1]]))


def markov(carry, token):
    """The next token depends on this one alone; the carry counts the steps."""
    return TABLE[token], carry + 1


def draws(count, **options):
    keys = jax.random.split(jax.random.key(0), count)
    return jax.jit(jax.vmap(lambda key: sample(markov, jnp.int32(0), jnp.array([0]), key, 6, end=0, **options)))(keys)


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
        ({"banned": (1,), "temperature": 1e9}, [1 / 3, 0, 1 / 3, 1 / 3]),
        ({"temperature": 0.5, "top_p": 0.5}, [0, 1, 0, 0]),  # 0.16 of 0.30; without the temperature 0.4
        ({"temperature": 2.0, "top_p": 0.4}, np.sqrt([0, 0.4, 0, 0.3]) / np.sqrt([0.4, 0.3]).sum()),
    ],
)
def test_what_is_drawn_from_is_worked_out_by_hand(options, expected):
    np.testing.assert_allclose(jax.nn.softmax(filtered(LOGITS, **options)), expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("temperature", [1e-4, 1e-45])
def test_towards_a_temperature_of_0_the_most_probable_token_is_drawn_alone(dtype, temperature):
    logits = filtered(jnp.array([19, 20, -20], dtype), temperature=temperature)
    np.testing.assert_array_equal(jax.nn.softmax(logits), [0, 1, 0])


def test_top_k_keeps_k_of_equal_logits():
    assert int(jnp.isfinite(filtered(jnp.zeros(5), top_k=2)).sum()) == 2


@pytest.mark.parametrize(
    "options",
    [{"temperature": 0.5}, {"top_k": 2}, {"top_p": 0.6}, {"banned": (3,)}, {"temperature": 2.0, "top_p": 0.6}],
)
def test_what_is_drawn_comes_as_often_as_what_it_is_drawn_from_says(options):
    first = np.bincount(np.asarray(draws(2000, **options).tokens[:, 0]), minlength=4) / 2000
    expected = jax.nn.softmax(filtered(TABLE[0], **options))
    np.testing.assert_allclose(first, expected, atol=4 * np.sqrt(0.25 / 2000))


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_a_model_in_half_precision_is_drawn_from_and_counted_in_float32(dtype):
    """1000 tokens, all as probable: the first hundred come a tenth of the time, and log P = −1000 log 1000 does not
    stop growing.
    """

    def step(carry, token):
        return jnp.zeros(1001, dtype), carry

    prompt = jnp.array([0])
    drawn = jax.jit(lambda key: sample(step, 0, prompt, key, 1000, end=1000, banned=(1000,)))(jax.random.key(0))
    assert np.mean(np.asarray(drawn.tokens) < 100) == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 1000))
    most_probable = greedy(step, 0, prompt, 1000, end=1000, banned=(1000,))
    for found in (drawn, most_probable):
        np.testing.assert_allclose(found.log_probability, -1000 * np.log(1001), rtol=1e-4)


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
