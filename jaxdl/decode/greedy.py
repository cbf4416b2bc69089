"""The most probable token at each step: not always the most probable sequence, see `beam`."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxdl.decode.sampling import Sample, Step, filtered, log_probabilities
from jaxdl.errors import InputError


def greedy(
    step: Step, carry: Any, prompt: Int[Array, " prompt"], limit: int, *, end: int, banned: tuple[int, ...] = ()
) -> Sample:
    """y_t = argmax_y P(y | prompt, y_1 … y_{t−1}), until that is `end` or there are `limit` tokens.

    prompt  one token or more, such as <SOS> alone
    banned  tokens that never come

    Of equals the first comes. Under `vmap` it runs until the longest is done. InputError for an empty prompt, a limit
    below 1 and banned tokens outside the vocabulary.
    """
    start = _Decoding(
        carry=before_last(step, carry, prompt, limit),
        token=prompt[-1].astype(jnp.int32),
        tokens=jnp.full(limit, end, jnp.int32),
        length=jnp.int32(0),
        log_p=jnp.zeros(()),
        ended=jnp.bool_(False),
    )

    def extend(now: _Decoding) -> _Decoding:
        logits, carry = step(now.carry, now.token)
        token = filtered(logits, banned=banned).argmax().astype(jnp.int32)
        log_p = now.log_p + log_probabilities(logits)[token]
        return _Decoding(carry, token, now.tokens.at[now.length].set(token), now.length + 1, log_p, token == end)

    done = jax.lax.while_loop(lambda now: ~now.ended & (now.length < limit), extend, start)
    return Sample(done.tokens, done.length, done.log_p)


def before_last(step: Step, carry: Any, prompt: Int[Array, " prompt"], limit: int) -> Any:
    """The carry after the prompt but for its last token. InputError for an empty prompt and a limit below 1."""
    if prompt.size < 1 or limit < 1:
        raise InputError(f"a prompt of {prompt.size} tokens and a limit of {limit}: expected 1 or more of both")
    return jax.lax.scan(lambda carry, token: (step(carry, token)[1], None), carry, prompt[:-1])[0]


class _Decoding(NamedTuple):
    """A sequence while it grows; `token` is the last of it, not read yet."""

    carry: Any
    token: Int[Array, ""]
    tokens: Int[Array, " limit"]
    length: Int[Array, ""]
    log_p: Float[Array, ""]
    ended: Bool[Array, ""]
