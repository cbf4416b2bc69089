"""The Transformer: encoder, decoder, both (Vaswani et al., 2017), and a language model.

Modules read one example: tokens [time], or vectors [time, width]. Decoding goes token by token with a cache, and gives
what the full pass gives.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Bool, DTypeLike, Float, Int

from jaxdl.errors import InputError, chosen
from jaxdl.layers.attention import Cache, Masks, MultiHeadAttention, look_ahead_mask, sinusoidal_positions

ACTIVATIONS = {"relu": nn.relu, "gelu": lambda x: nn.gelu(x, approximate=False)}
POSITIONS = ("sinusoidal", "learned", "rotary")


@dataclass(frozen=True)
class Size:
    """The size and the form of a stack of Transformer layers. The defaults are the paper's base model.

    norm        post: LayerNorm(x + f(x)), as in the paper. pre: x + f(LayerNorm(x)), which trains without warm-up
    final_norm  a last LayerNorm after the stack; None: where norm is pre
    positions   sinusoidal, learned (up to `limit`), or rotary
    epsilon     of LayerNorm
    """

    layers: int = 6
    width: int = 512
    heads: int = 8
    hidden: int = 2048
    dropout: float = 0.1
    norm: str = "post"
    final_norm: bool | None = None
    activation: str = "relu"
    positions: str = "sinusoidal"
    limit: int = 512
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        chosen("activation", self.activation, ACTIVATIONS)
        chosen("norm", self.norm, {"pre": 0, "post": 0})
        chosen("positions", self.positions, dict.fromkeys(POSITIONS))
        for name in ("layers", "width", "hidden", "limit"):
            if (size := getattr(self, name)) < 1:
                raise InputError(f"{name} = {size}: expected 1 or more")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout = {self.dropout}: expected 0 up to 1, such as 0.1")


BASE = Size()
BIG = Size(width=1024, heads=16, hidden=4096, dropout=0.3)

SHARDING = {
    "*table/embedding": P("tensor", None),
    "*attention/kernel": P(None, None, "tensor"),
    "*attention/bias": P(None, "tensor"),
    "*attention/output/kernel": P("tensor", None),
    "*cross/kernel": P(None, None, "tensor"),
    "*cross/bias": P(None, "tensor"),
    "*cross/output/kernel": P("tensor", None),
    "*inner/kernel": P(None, "tensor"),
    "*inner/bias": P("tensor"),
    "*outer/kernel": P("tensor", None),
}
"""Which axis of each parameter the mesh's `tensor` splits: heads, hidden units and symbols, so that a layer needs two
sums over these devices on its way forward (Shoeybi et al., 2019, "Megatron-LM")."""

Memory = tuple[Array, Array]
"""Keys and values of what a decoder layer looks at, each [heads, keys, width of a head]."""


class Layer(nn.Module):
    """Self-attention, cross-attention if it is a decoder's, and two dense layers, each with a residual and a norm."""

    size: Size
    decoder: bool = False

    def setup(self) -> None:
        size = self.size
        self.attention = MultiHeadAttention(size.width, size.heads, size.positions == "rotary")
        self.norms = [nn.LayerNorm(epsilon=size.epsilon) for _ in range(3 if self.decoder else 2)]
        if self.decoder:
            self.cross = MultiHeadAttention(size.width, size.heads)
        glorot = nn.initializers.glorot_uniform()
        self.inner, self.outer = nn.Dense(size.hidden, kernel_init=glorot), nn.Dense(size.width, kernel_init=glorot)
        self.drop = nn.Dropout(size.dropout)

    def __call__(
        self,
        x: Float[Array, "time width"],
        mask: Masks | None,
        memory: Memory | None = None,
        memory_mask: Masks | None = None,
        train: bool = False,
    ) -> tuple[Float[Array, "time width"], dict[str, Array]]:
        """(outputs, the attention weights by name)."""
        x, own = self._residual(0, x, lambda x: self.attention(x, mask), train)
        x, others = self._after(x, memory, memory_mask, train)
        return x, {"self": own, **others}

    def step(
        self, x: Float[Array, "new width"], cache: Cache, memory: Memory | None = None, memory_mask: Masks | None = None
    ) -> tuple[Float[Array, "new width"], Cache]:
        """The same for new tokens, and the cache with them."""
        x, cache = self._residual(0, x, lambda x: self.attention.step(x, cache), train=False)
        return self._after(x, memory, memory_mask, train=False)[0], cache

    def remembered(self, source: Float[Array, "keys width"]) -> Memory:
        """What the layer looks at in the encoder's output."""
        return self.cross.keys_and_values(source)

    def _after(
        self, x: Array, memory: Memory | None, memory_mask: Masks | None, train: bool
    ) -> tuple[Array, dict[str, Array]]:
        weights = {}
        if memory is not None:
            given = memory
            x, weights["cross"] = self._residual(1, x, lambda x: self.cross.cross(x, given, memory_mask), train)
        x, _ = self._residual(-1, x, lambda x: (self._dense(x), None), train)
        return x, weights

    def _dense(self, x: Array) -> Array:
        return self.outer(ACTIVATIONS[self.size.activation](self.inner(x)))

    def _residual(self, place: int, x: Array, part: Any, train: bool) -> tuple[Array, Any]:
        norm = self.norms[place]
        y, further = part(norm(x) if self.size.norm == "pre" else x)
        x = x + self.drop(y, deterministic=not train)
        return (x if self.size.norm == "pre" else norm(x)), further


class Stack(nn.Module):
    """Layers one after the other. As an encoder's, or as a decoder's with what it looks at."""

    size: Size
    decoder: bool = False

    def setup(self) -> None:
        self.layers = [Layer(self.size, self.decoder) for _ in range(self.size.layers)]
        last = self.size.norm == "pre" if self.size.final_norm is None else self.size.final_norm
        self.last = nn.LayerNorm(epsilon=self.size.epsilon) if last else lambda x: x

    def __call__(
        self,
        x: Float[Array, "time width"],
        mask: Masks | None = None,
        source: Float[Array, "keys width"] | None = None,
        source_mask: Masks | None = None,
        train: bool = False,
    ) -> tuple[Float[Array, "time width"], list[dict[str, Array]]]:
        """(outputs, the attention weights of each layer)."""
        maps = []
        for layer in self.layers:
            memory = None if source is None else layer.remembered(source)
            x, weights = layer(x, mask, memory, source_mask, train)
            maps.append(weights)
        return self.last(x), maps

    def step(
        self,
        x: Float[Array, "new width"],
        caches: tuple[Cache, ...],
        memories: tuple[Memory | None, ...],
        source_mask: Masks | None = None,
    ) -> tuple[Float[Array, "new width"], tuple[Cache, ...]]:
        """(outputs, caches) of new tokens."""
        after = []
        for layer, cache, memory in zip(self.layers, caches, memories, strict=True):
            x, cache = layer.step(x, cache, memory, source_mask)
            after.append(cache)
        return self.last(x), tuple(after)

    def empty(self, limit: int, dtype: DTypeLike) -> tuple[Cache, ...]:
        """A cache for each layer, of the parameters' dtype."""
        size = self.size
        return tuple(Cache.empty(size.heads, limit, size.width // size.heads, dtype) for _ in range(size.layers))

    def remembered(self, source: Float[Array, "keys width"]) -> tuple[Memory, ...]:
        """What each layer looks at in the encoder's output."""
        return tuple(layer.remembered(source) for layer in self.layers)


class Embedding(nn.Module):
    """√width · E[token] + PE(position), with dropout; as logits, h Eᵀ."""

    vocabulary: int
    size: Size

    def setup(self) -> None:
        width = self.size.width
        self.table = nn.Embed(self.vocabulary, width, embedding_init=nn.initializers.normal(width**-0.5))
        if self.size.positions == "learned":
            self.places = self.param("positions", nn.initializers.normal(0.02), (self.size.limit, width))
        self.drop = nn.Dropout(self.size.dropout)

    def __call__(
        self, tokens: Int[Array, " time"], first: Int[Array, ""] | int = 0, train: bool = False
    ) -> Float[Array, "time width"]:
        """`first` is the position of the first token. InputError for a sequence beyond the limit."""
        size = self.size
        if len(tokens) > size.limit:
            raise InputError(f"a sequence of {len(tokens)} tokens: this model reads up to {size.limit} (see `limit`)")
        x = self.table(tokens) * jnp.sqrt(size.width).astype(self.table.embedding.dtype)
        if size.positions != "rotary":
            learned = size.positions == "learned"
            table = self.places if learned else sinusoidal_positions(size.limit, size.width, x.dtype)
            x = x + jax.lax.dynamic_slice_in_dim(table, first, len(tokens))
        return self.drop(x, deterministic=not train)

    def logits(self, h: Float[Array, "time width"]) -> Float[Array, "time vocabulary"]:
        """h Eᵀ."""
        return self.table.attend(h)


class Decoding(NamedTuple):
    """Where a decoder is: a cache for each layer, and what it looks at in the source."""

    caches: tuple[Cache, ...]
    memories: tuple[Memory | None, ...]
    source_mask: Bool[Array, " keys"] | None


class TransformerLM(nn.Module):
    """A decoder alone: logits of the token after each, from those up to it (Radford et al., 2018)."""

    sharding = SHARDING

    vocabulary: int
    size: Size

    def setup(self) -> None:
        self.embedding = Embedding(self.vocabulary, self.size)
        self.stack = Stack(self.size)

    def __call__(self, tokens: Int[Array, " time"], train: bool = False) -> Float[Array, "time vocabulary"]:
        h, _ = self.stack(self.embedding(tokens, 0, train), look_ahead_mask(len(tokens)), train=train)
        return self.embedding.logits(h)

    def start(self, limit: int) -> Decoding:
        """Before the first token, with room for `limit`. InputError beyond the model's own limit."""
        check_limit(limit, self.size)
        return Decoding(self.stack.empty(limit, self.embedding.table.embedding.dtype), (None,) * self.size.layers, None)

    def step(self, at: Decoding, token: Int[Array, ""]) -> tuple[Float[Array, " vocabulary"], Decoding]:
        """(logits of the token after this one, where the decoder is then)."""
        x = self.embedding(token[None], at.caches[0].size)
        h, caches = self.stack.step(x, at.caches, at.memories)
        return self.embedding.logits(h)[0], at._replace(caches=caches)


class Transformer(nn.Module):
    """Encoder and decoder, with one embedding for source, target and output, as the paper ties them."""

    sharding = SHARDING

    vocabulary: int
    size: Size

    def setup(self) -> None:
        self.embedding = Embedding(self.vocabulary, self.size)
        self.encoder, self.decoder = Stack(self.size), Stack(self.size, decoder=True)

    def __call__(
        self,
        source: Int[Array, " keys"],
        source_mask: Bool[Array, " keys"],
        target: Int[Array, " time"],
        train: bool = False,
    ) -> Float[Array, "time vocabulary"]:
        """Logits of the token after each of the target's. `source_mask` is False at padding."""
        return self.with_maps(source, source_mask, target, train)[0]

    def with_maps(
        self,
        source: Int[Array, " keys"],
        source_mask: Bool[Array, " keys"],
        target: Int[Array, " time"],
        train: bool = False,
    ) -> tuple[Float[Array, "time vocabulary"], dict[str, list[dict[str, Array]]]]:
        """The logits, and the attention weights of all layers: {"encoder": [{"self": …}], "decoder": […]}."""
        memory, encoder = self.encode(source, source_mask, train)
        x = self.embedding(target, 0, train)
        h, decoder = self.decoder(x, look_ahead_mask(len(target)), memory, source_mask, train)
        return self.embedding.logits(h), {"encoder": encoder, "decoder": decoder}

    def encode(
        self, source: Int[Array, " keys"], source_mask: Bool[Array, " keys"], train: bool = False
    ) -> tuple[Float[Array, "keys width"], list[dict[str, Array]]]:
        """The encoder's output, and its attention weights."""
        return self.encoder(self.embedding(source, 0, train), source_mask, train=train)

    def start(self, source: Int[Array, " keys"], source_mask: Bool[Array, " keys"], limit: int) -> Decoding:
        """Before the first token of the target, with room for `limit`. InputError beyond the model's own limit."""
        check_limit(limit, self.size)
        memory, _ = self.encode(source, source_mask)
        return Decoding(self.decoder.empty(limit, memory.dtype), self.decoder.remembered(memory), source_mask)

    def step(self, at: Decoding, token: Int[Array, ""]) -> tuple[Float[Array, " vocabulary"], Decoding]:
        """(logits of the token after this one, where the decoder is then)."""
        x = self.embedding(token[None], at.caches[0].size)
        h, caches = self.decoder.step(x, at.caches, at.memories, at.source_mask)
        return self.embedding.logits(h)[0], at._replace(caches=caches)


def check_limit(limit: int, size: Size) -> None:
    """InputError where a cache of `limit` tokens is longer than the model reads."""
    if not 1 <= limit <= size.limit:
        raise InputError(f"room for {limit} tokens: expected 1 to {size.limit}, what this model reads (see `limit`)")
