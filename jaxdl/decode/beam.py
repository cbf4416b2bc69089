"""Beam search: the most probable sequences that can be found with so many hypotheses at a time.

Of one sequence; `vmap` over carries and prompts searches for a batch, and `jit` makes one program of it.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxdl.decode.greedy import before_last
from jaxdl.decode.sampling import Step, filtered, log_probabilities
from jaxdl.errors import InputError


class Beams(NamedTuple):
    """Sequences, best first: tokens, padded with `end`; how many there are, `end` included; log P in nats, the model's
    own; and the scores they are ranked by. Where there are fewer sequences than places: length 0, score −∞.
    """

    tokens: Int[Array, "width limit"]
    lengths: Int[Array, " width"]
    log_probabilities: Float[Array, " width"]
    scores: Float[Array, " width"]


def beam_search(
    step: Step,
    carry: Any,
    prompt: Int[Array, " prompt"],
    limit: int,
    width: int,
    *,
    end: int,
    alpha: float = 0.7,
    banned: tuple[int, ...] = (),
) -> Beams:
    """The best of what comes after the prompt by score = log P(y_1 … y_T) / T^α, T counting `end`.

    step    logits or log-probabilities of one sequence; it is mapped over the hypotheses, and every array of the carry
            goes with its hypothesis. What is the same for all, such as the encoder's output, is cheaper in a closure
    prompt  one token or more, such as <SOS> alone
    limit   the most tokens of a sequence; those that have not ended by then compete as they are
    width   hypotheses at a time, B; 1 is `greedy`
    alpha   0 compares log P itself, and so prefers the short; 1 compares the mean of the tokens
    banned  tokens that never come; the others keep the model's own probabilities

    Each step takes the B most probable continuations of the open hypotheses. Those that end are put among the B best
    ended ones, by score, where no open one can displace them; the others stay open. It stops when none is open, at the
    limit, or as soon as B have ended and the worst of them scores at least max log P(open) / limit^α: log P only falls
    as a sentence grows, so what is open could never score more, and going on would change nothing. With B at least the
    number of sentences of the limit nothing is ever dropped, and the best is the best there is.

    InputError for a width below 1 or above the vocabulary, a limit below 1, an empty prompt, α < 0, and banned tokens
    outside the vocabulary. Source: Sutskever, Vinyals and Le (2014), section 3.2; the notes for 1/T^α.
    """
    start = _start(step, before_last(step, carry, prompt, limit), prompt[-1], limit, width, end)
    if not alpha >= 0:
        raise InputError(f"alpha {alpha}: expected 0, which compares log-probabilities, or more; 0.7 is usual")

    def extend(now: _Search) -> _Search:
        logits, carry = jax.vmap(step)(now.carry, now.token)
        vocabulary = logits.shape[-1]
        allowed = jax.vmap(lambda log_p: filtered(log_p, banned=banned))(log_probabilities(logits))
        log_p, place = jax.lax.top_k((now.log_p[:, None] + allowed).ravel(), width)
        parent, token = place // vocabulary, place % vocabulary
        tokens = now.tokens[parent].at[:, now.length].set(token)
        ends, length = token == end, now.length + 1
        ended = _best(now.ended, _scored(tokens, length, jnp.where(ends, log_p, -jnp.inf), alpha))
        carry = jax.tree.map(lambda leaf: leaf[parent], carry)
        return _Search(carry, token, tokens, length, jnp.where(ends, -jnp.inf, log_p), ended)

    def undecided(now: _Search) -> Array:
        settled = now.ended.scores.min() >= now.log_p.max() / limit**alpha  # with nothing open, −∞ ≥ −∞
        return (now.length < limit) & ~settled

    done = jax.lax.while_loop(undecided, extend, start)
    return _best(done.ended, _scored(done.tokens, done.length, done.log_p, alpha))


class _Search(NamedTuple):
    """Where a search is. Of a hypothesis that isn't open, log P is −∞; `token` is its last, not read yet."""

    carry: Any
    token: Int[Array, " width"]
    tokens: Int[Array, "width limit"]
    length: Int[Array, ""]
    log_p: Float[Array, " width"]
    ended: Beams


def _start(step: Step, carry: Any, token: Int[Array, ""], limit: int, width: int, end: int) -> _Search:
    """One open hypothesis, without a token. InputError for a width that can't be."""
    logits, _ = jax.eval_shape(step, carry, token)
    if not 1 <= width <= logits.size:
        raise InputError(f"beam width {width}: expected 1, which is greedy, to {logits.size}, the vocabulary")
    dtype = jnp.promote_types(logits.dtype, jnp.float32)
    impossible = jnp.full(width, -jnp.inf, dtype)
    tokens = jnp.full((width, limit), end, jnp.int32)
    return _Search(
        carry=jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (width, *jnp.shape(leaf))), carry),
        token=jnp.full(width, token, jnp.int32),
        tokens=tokens,
        length=jnp.int32(0),
        log_p=impossible.at[0].set(0),
        ended=Beams(tokens, jnp.zeros(width, jnp.int32), impossible, impossible),
    )


def _scored(
    tokens: Int[Array, "width limit"], length: Int[Array, ""], log_p: Float[Array, " width"], alpha: float
) -> Beams:
    """Hypotheses of one length with their scores."""
    return Beams(tokens, jnp.full(len(log_p), length), log_p, log_p / length.astype(log_p.dtype) ** alpha)


def _best(first: Beams, second: Beams) -> Beams:
    """The best half of both; of equals the first come first."""
    both = jax.tree.map(lambda *parts: jnp.concatenate(parts), first, second)
    _, order = jax.lax.top_k(both.scores, len(first.scores))
    return jax.tree.map(lambda leaf: leaf[order], both)
