"""Sequences drawn from a model, token by token: temperature, top-k, top-p, tokens that must not come.

A model takes part as `step(carry, token) -> (logits, carry)`, for one sequence; `vmap` over keys draws many.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxdl.errors import InputError
from jaxdl.typing import Key, wide

Step = Callable[[Any, Int[Array, ""]], tuple[Float[Array, " vocabulary"], Any]]
"""step(carry, token) -> (logits of the token after it, carry)."""


class Sample(NamedTuple):
    """A drawn sequence: its tokens, padded with `end`; how many there are, `end` included; and their log-probability,
    in nats, under the model as it is (no temperature, nothing left out).
    """

    tokens: Int[Array, " limit"]
    length: Int[Array, ""]
    log_probability: Float[Array, ""]


def filtered(
    logits: Float[Array, " vocabulary"],
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    banned: tuple[int, ...] = (),
) -> Float[Array, " vocabulary"]:
    """The logits of what is drawn from: z/τ up to a constant, and −∞ for every token that is left out. float32 or
    better, for in half precision what is drawn of a large vocabulary would be mostly its first tokens.

    temperature  τ: towards 0 the most probable token alone, above 1 flatter than the model
    top_k        only the k most probable tokens (Fan et al., 2018); 0 for all
    top_p        only the fewest tokens that have probability p together (Holtzman et al., 2020)
    banned       these are never drawn; the others share their probability

    They act in the order banned, temperature, top-k, top-p. InputError for τ ≤ 0, k outside 0 to V, p outside (0, 1],
    and for banned tokens outside the vocabulary.
    """
    check(logits.size, temperature, top_k, top_p, banned)
    logits = wide(logits)
    if banned:
        logits = logits.at[jnp.array(banned)].set(-jnp.inf)
    if temperature != 1:
        # Less the largest, which stays 0 however small τ is; the smallest τ would be 0 itself.
        logits = (logits - logits.max()) / max(temperature, float(jnp.finfo(logits.dtype).tiny))
    if top_k:
        logits = jnp.where(_rank(logits) < top_k, logits, -jnp.inf)
    if top_p < 1:
        order = jnp.argsort(-logits)
        sorted_p = jax.nn.softmax(logits)[order]
        before = jnp.cumsum(sorted_p) - sorted_p  # the probability of all that come before it
        logits = jnp.where(jnp.zeros(logits.size, bool).at[order].set(before < top_p), logits, -jnp.inf)
    return logits


def check(vocabulary: int, temperature: float, top_k: int, top_p: float, banned: tuple[int, ...]) -> None:
    """InputError for what `filtered` can't do."""
    if not temperature > 0:
        raise InputError(f"temperature {temperature}: expected more than 0; 1 draws from the model as it is")
    if not 0 <= top_k <= vocabulary:
        raise InputError(f"top_k {top_k}: expected 1 to {vocabulary}, the size of the vocabulary, or 0 for all of it")
    if not 0 < top_p <= 1:
        raise InputError(f"top_p {top_p}: expected more than 0, up to 1, which leaves nothing out")
    outside = [token for token in banned if not 0 <= token < vocabulary]
    if outside or len(set(banned)) == vocabulary:
        raise InputError(f"banned tokens {outside or 'all'}: expected some of 0 to {vocabulary - 1}")


def sample(
    step: Step,
    carry: Any,
    prompt: Int[Array, " prompt"],
    key: Key,
    limit: int,
    *,
    end: int,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    banned: tuple[int, ...] = (),
) -> Sample:
    """What comes after the prompt, token by token, until `end` is drawn or there are `limit` tokens.

    prompt  one token or more, such as <SOS> alone
    key     token t is drawn with fold_in(key, t): the same whatever the limit is

    The arguments after these are those of `filtered`. Under `vmap` it runs until the longest is done.
    InputError for an empty prompt and a limit below 1.
    """
    if prompt.size < 1 or limit < 1:
        raise InputError(f"a prompt of {prompt.size} tokens and a limit of {limit}: expected 1 or more of both")

    def read(carry: Any, token: Int[Array, ""]) -> tuple[Any, Float[Array, " vocabulary"]]:
        logits, carry = step(carry, token)
        return carry, logits

    carry, logits = jax.lax.scan(read, carry, prompt)
    log_p = jnp.zeros((), jnp.promote_types(logits.dtype, jnp.float32))
    start = _Drawing(carry, logits[-1], jnp.full(limit, end, jnp.int32), jnp.int32(0), log_p, jnp.bool_(False))

    def draw(now: _Drawing) -> _Drawing:
        allowed = filtered(now.logits, temperature=temperature, top_k=top_k, top_p=top_p, banned=banned)
        token = jax.random.categorical(jax.random.fold_in(key, now.length), allowed).astype(jnp.int32)
        log_p = log_probabilities(now.logits)[token]
        logits, carry = step(now.carry, token)
        tokens = now.tokens.at[now.length].set(token)
        return _Drawing(carry, logits, tokens, now.length + 1, now.log_p + log_p, token == end)

    done = jax.lax.while_loop(lambda now: ~now.ended & (now.length < limit), draw, start)
    return Sample(done.tokens, done.length, done.log_p)


def log_probabilities(logits: Float[Array, "*any vocabulary"]) -> Float[Array, "*any vocabulary"]:
    """log softmax(z), in float32 or better. What is a log-probability already stays what it is."""
    return jax.nn.log_softmax(wide(logits))


class _Drawing(NamedTuple):
    """A sequence while it is drawn."""

    carry: Any
    logits: Float[Array, " vocabulary"]
    tokens: Int[Array, " limit"]
    length: Int[Array, ""]
    log_p: Float[Array, ""]
    ended: Bool[Array, ""]


def _rank(logits: Float[Array, " vocabulary"]) -> Int[Array, " vocabulary"]:
    """0 for the largest, 1 for the next; of equals the first has the lower rank."""
    return jnp.argsort(jnp.argsort(-logits))
