"""Encoder and decoder, recurrent, with attention between them or without (Sutskever et al., 2014)."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Num

from jaxdl.errors import InputError, chosen
from jaxdl.layers.attention import additive_attention, masked_softmax
from jaxdl.layers.cells import CELLS
from jaxdl.layers.recurrence import Recurrent

ATTENTION = ("additive", "multiplicative", "none")


class Source(NamedTuple):
    """What the decoder looks at: the encoder's outputs, what they are to a query, which are real, and their summary."""

    values: Float[Array, "keys width"]
    keys: Float[Array, "keys hidden"]
    mask: Bool[Array, " keys"]
    summary: Float[Array, " width"]


class Decoding(NamedTuple):
    """Where a decoder is."""

    carry: Any
    source: Source


class AttentiveCell(nn.Module):
    """One step of the decoder: it looks at the source from its state so far, then reads the token and what it saw.

    α_j = softmax_j score(s, k_j),  c = Σ_j α_j h_j,  s′ = cell([e, c], s)

    additive        score = w · tanh(W s + U h_j) (Bahdanau et al., 2015, appendix A.1.2)
    multiplicative  score = s W h_j (Luong et al., 2015, "general")
    none            c is the encoder's summary at each step (Cho et al., 2014)
    """

    cell: str
    hidden: int
    attention: str

    @nn.compact
    def __call__(self, carry: Any, x: Float[Array, " embedding"], source: Source) -> tuple[Any, tuple[Array, ...]]:
        context, weights = self._look(carry[0], source)
        h, carry = Recurrent(self.cell, self.hidden, name="recurrent")(jnp.concatenate([x, context])[None], carry)
        return carry, (h[0], context, weights)

    def _look(self, state: Array, source: Source) -> tuple[Array, Array]:
        if self.attention == "none":
            return source.summary, jnp.zeros(len(source.keys), state.dtype)
        if self.attention == "multiplicative":
            weights = masked_softmax(source.keys @ state, source.mask)
            return weights @ source.values, weights
        w = self.param("score", nn.initializers.normal(self.hidden**-0.5), (self.hidden,))
        query = nn.Dense(self.hidden, use_bias=False, name="query")(state)
        context, weights = additive_attention(query[None], source.keys, source.values, w, source.mask)
        return context[0], weights[0]


class Seq2Seq(nn.Module):
    """A bidirectional encoder, whose state at the first token starts the decoder; logits from state and context.

    One embedding serves source and target. InputError for an unknown cell or attention. `dropout` is of the embeddings
    and of what the logits are made from.
    """

    vocabulary: int
    embedding: int = 32
    hidden: int = 64
    attention: str = "additive"
    cell: str = "gru"
    dropout: float = 0.0

    def setup(self) -> None:
        chosen("attention", self.attention, dict.fromkeys(ATTENTION))
        if min(self.vocabulary, self.embedding, self.hidden) < 1:
            raise InputError(
                f"{self.vocabulary} symbols, widths {self.embedding} and {self.hidden}: expected 1 or more"
            )
        self.embed = nn.Embed(self.vocabulary, self.embedding, embedding_init=nn.initializers.normal(0.3))
        self.right, self.left = Recurrent(self.cell, self.hidden), Recurrent(self.cell, self.hidden, reverse=True)
        self.keys = nn.Dense(self.hidden, use_bias=False)
        self.begin = [nn.Dense(self.hidden) for _ in range(CELLS[self.cell].states)]
        step = nn.scan(
            AttentiveCell, variable_broadcast="params", split_rngs={"params": False}, in_axes=(0, nn.broadcast)
        )
        self.decoder = step(self.cell, self.hidden, self.attention)
        self.output = nn.Dense(self.vocabulary)
        self.drop = nn.Dropout(self.dropout)

    def __call__(
        self,
        source: Num[Array, "keys ..."],
        source_mask: Bool[Array, " keys"],
        target: Int[Array, " time"],
        train: bool = False,
    ) -> Float[Array, "time vocabulary"]:
        """Logits of the token after each of the target's. `source_mask` is False at padding."""
        return self.with_maps(source, source_mask, target, train)[0]

    def with_maps(
        self,
        source: Num[Array, "keys ..."],
        source_mask: Bool[Array, " keys"],
        target: Int[Array, " time"],
        train: bool = False,
    ) -> tuple[Float[Array, "time vocabulary"], Float[Array, "time steps"]]:
        """The logits, and how much each target token looked at each step of the encoder: each source token."""
        at = self._encode(source, source_mask, train)
        return self._decode(at, target, train)[1:]

    def start(self, source: Num[Array, "keys ..."], source_mask: Bool[Array, " keys"], limit: int) -> Decoding:
        """Before the first token of the target. A recurrent decoder goes on for as long as one likes."""
        return self._encode(source, source_mask, train=False)

    def step(self, at: Decoding, token: Int[Array, ""]) -> tuple[Float[Array, " vocabulary"], Decoding]:
        """(logits of the token after this one, where the decoder is then)."""
        at, logits, _ = self._decode(at, token[None], train=False)
        return logits[0], at

    def _encode(self, tokens: Array, mask: Array, train: bool) -> Decoding:
        return self._read(self.drop(self.embed(tokens), deterministic=not train), mask)

    def _read(self, x: Array, mask: Array) -> Decoding:
        to_right, _ = self.right(x, None, mask)
        to_left, first = self.left(x, None, mask)
        values = jnp.concatenate([to_right, to_left], -1)
        summary = jnp.concatenate([to_right.sum(0) / jnp.maximum(mask.sum(), 1), first[0]])
        carry = tuple(jnp.tanh(dense(first[0])) for dense in self.begin)
        return Decoding(carry, Source(values, self.keys(values), mask, summary))

    def _decode(self, at: Decoding, tokens: Array, train: bool) -> tuple[Decoding, Array, Array]:
        x = self.drop(self.embed(tokens), deterministic=not train)
        carry, (h, context, weights) = self.decoder(at.carry, x, at.source)
        read = self.drop(jnp.concatenate([h, context], -1), deterministic=not train)
        return Decoding(carry, at.source), self.output(read), weights


class Listener(Seq2Seq):
    """The same from features in the place of tokens: `every` frames side by side become one step of the encoder.

    Source: Chan et al. (2016), "Listen, Attend and Spell", with one layer in the place of their pyramid.
    """

    every: int = 3

    def setup(self) -> None:
        super().setup()
        self.joined = nn.Dense(self.hidden)

    def _encode(self, features: Array, mask: Array, train: bool) -> Decoding:
        time = len(features) // self.every
        steps = features[: time * self.every].reshape(time, -1)
        x = self.drop(nn.relu(self.joined(steps)), deterministic=not train)
        return self._read(x, mask[: time * self.every].reshape(time, -1).all(-1))
