"""Attention: of one sequence to another or to itself, with masks, positions, many heads, and a cache to decode with.

Arrays are those of one example, (time, width), or (heads, time, width of a head). A mask is boolean, (queries, keys) or
what broadcasts to it: True where a query may look.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, DTypeLike, Float, Int

from jaxdl.errors import InputError

Masks = Bool[Array, "..."]


def dot_product_attention(
    q: Float[Array, "*heads queries width"],
    k: Float[Array, "*heads keys width"],
    v: Float[Array, "*heads keys values"],
    mask: Masks | None = None,
) -> tuple[Float[Array, "*heads queries values"], Float[Array, "*heads queries keys"]]:
    """(α v, α) with α = softmax(q kᵀ / √width), over the keys that the mask allows.

    Σ α = 1 for each query; a query that may look at nothing has α = 0. Source: Vaswani et al. (2017), eq. 1.
    """
    weights = masked_softmax(q @ jnp.swapaxes(k, -1, -2) / jnp.sqrt(q.shape[-1]).astype(q.dtype), mask)
    return weights @ v, weights


def additive_attention(
    q: Float[Array, "queries width"],
    k: Float[Array, "keys width"],
    v: Float[Array, "keys values"],
    w: Float[Array, " width"],
    mask: Masks | None = None,
) -> tuple[Float[Array, "queries values"], Float[Array, "queries keys"]]:
    """(α v, α) with α = softmax_j(w · tanh(q_i + k_j)), q and k already projected to one width.

    Source: Bahdanau, Cho and Bengio (2015), appendix A.1.2.
    """
    weights = masked_softmax(jnp.tanh(q[:, None] + k[None]) @ w, mask)
    return weights @ v, weights


def masked_softmax(scores: Float[Array, "*any keys"], mask: Masks | None = None) -> Float[Array, "*any keys"]:
    """softmax over the last axis where the mask is True, and exactly 0 elsewhere, in values and gradients."""
    if mask is None:
        return jax.nn.softmax(scores)
    mask = jnp.broadcast_to(mask, scores.shape)
    return jnp.where(mask, jax.nn.softmax(jnp.where(mask, scores, jnp.finfo(scores.dtype).min)), 0)


def look_ahead_mask(time: int) -> Bool[Array, "time time"]:
    """True where the key is not after the query."""
    return jnp.tril(jnp.ones((time, time), bool))


def sinusoidal_positions(time: int, width: int, dtype: DTypeLike = jnp.float32) -> Float[Array, "time width"]:
    """PE(p, 2i) = sin(p / 10000^{2i/width}), PE(p, 2i+1) = cos(p / 10000^{2i/width}).

    ‖PE(p+k) − PE(p)‖ depends on k alone. InputError for an odd width. Source: Vaswani et al. (2017), section 3.5.
    """
    angles = _angles(jnp.arange(time), width)
    return jnp.stack([jnp.sin(angles), jnp.cos(angles)], -1).reshape(time, width).astype(dtype)


def rotary(
    x: Float[Array, "*heads time width"], positions: Int[Array, " time"] | None = None
) -> Float[Array, "*heads time width"]:
    """Each pair (x_2i, x_2i+1) turned by the angle p / 10000^{2i/width}, p being 0, 1, … or the positions given.

    The product of a turned query and a turned key depends on their distance alone. InputError for an odd width.
    Source: Su et al. (2021), eq. 34.
    """
    angles = _angles(jnp.arange(x.shape[-2]) if positions is None else positions, x.shape[-1])
    # Rounded after the sine and the cosine: in bfloat16 the angles above 256 are whole even numbers.
    sin, cos = jnp.sin(angles).astype(x.dtype), jnp.cos(angles).astype(x.dtype)
    even, odd = x[..., 0::2], x[..., 1::2]
    return jnp.stack([even * cos - odd * sin, even * sin + odd * cos], -1).reshape(x.shape)


def _angles(positions: Int[Array, " time"], width: int) -> Float[Array, "time half"]:
    if width % 2:
        raise InputError(f"positions of width {width}: expected an even width, half sines and half cosines")
    return positions[:, None] / 10000 ** (jnp.arange(0, width, 2) / width)


class Cache(NamedTuple):
    """Keys and values of the tokens read so far, with room for `limit`; how many there are."""

    keys: Float[Array, "heads limit width"]
    values: Float[Array, "heads limit width"]
    size: Int[Array, ""]

    @classmethod
    def empty(cls, heads: int, limit: int, width: int, dtype: DTypeLike = jnp.float32) -> "Cache":
        """Room for `limit` tokens."""
        room = jnp.zeros((heads, limit, width), dtype)
        return cls(room, room, jnp.int32(0))

    def append(self, keys: Float[Array, "heads new width"], values: Float[Array, "heads new width"]) -> "Cache":
        """With more tokens at its end. Those beyond the limit overwrite the last: the caller keeps within it."""
        put = jax.lax.dynamic_update_slice_in_dim
        size = self.size + keys.shape[1]
        return Cache(put(self.keys, keys, self.size, 1), put(self.values, values, self.size, 1), size)


class MultiHeadAttention(nn.Module):
    """softmax(Q_h K_hᵀ/√d) V_h of each head h, side by side, then a dense layer.

    Q = x W_q + b_q, K = s W_k + b_k, V = s W_v + b_v, each cut into heads; W_q, W_k and W_v lie side by side in
    `kernel` [width, 3, width], Glorot each. In self-attention s is x, and Q, K and V are one product.

    rotary  queries and keys are turned by their positions

    InputError where the heads don't divide the width. Source: Vaswani et al. (2017), section 3.2.2.
    """

    width: int
    heads: int
    rotary: bool = False

    def setup(self) -> None:
        if self.heads < 1 or self.width % self.heads:
            raise InputError(f"{self.heads} heads of a width of {self.width}: expected a number that divides it")
        self.kernel = self.param("kernel", _glorot_parts, (self.width, 3, self.width))
        self.bias = self.param("bias", nn.initializers.zeros, (3, self.width))
        self.output = nn.Dense(self.width, kernel_init=nn.initializers.glorot_uniform())

    def __call__(
        self, x: Float[Array, "time width"], mask: Masks | None = None
    ) -> tuple[Float[Array, "time width"], Float[Array, "heads time time"]]:
        """(outputs, weights) of the sequence looking at itself."""
        q, k, v = self._heads(x, 0, 3)
        if self.rotary:
            q, k = rotary(q), rotary(k)
        return self._attend(q, k, v, mask)

    def cross(
        self,
        x: Float[Array, "time width"],
        memory: tuple[Float[Array, "heads keys head"], Float[Array, "heads keys head"]],
        mask: Masks | None = None,
    ) -> tuple[Float[Array, "time width"], Float[Array, "heads time keys"]]:
        """(outputs, weights) of the sequence looking at another, given by its `keys_and_values`."""
        (q,) = self._heads(x, 0, 1)
        return self._attend(q, *memory, mask)

    def keys_and_values(
        self, source: Float[Array, "keys width"]
    ) -> tuple[Float[Array, "heads keys head"], Float[Array, "heads keys head"]]:
        """What a sequence is to those that look at it: once, however often they look."""
        k, v = self._heads(source, 1, 3)
        return k, v

    def step(self, x: Float[Array, "new width"], cache: Cache) -> tuple[Float[Array, "new width"], Cache]:
        """(outputs, cache) of new tokens that look at all before them and at themselves."""
        q, k, v = self._heads(x, 0, 3)
        place = cache.size + jnp.arange(len(x))
        if self.rotary:
            q, k = rotary(q, place), rotary(k, place)
        cache = cache.append(k, v)
        mask = jnp.arange(cache.keys.shape[1]) <= place[:, None]
        return self._attend(q, cache.keys, cache.values, mask)[0], cache

    def _heads(self, x: Array, first: int, last: int) -> list[Array]:
        """The projections numbered first … last − 1 of q, k, v, each [heads, time, width of a head]."""
        projected = jnp.tensordot(x, self.kernel[:, first:last], 1) + self.bias[first:last]
        parts = projected.reshape(len(x), last - first, self.heads, -1).transpose(1, 2, 0, 3)
        return list(parts)

    def _attend(self, q: Array, k: Array, v: Array, mask: Masks | None) -> tuple[Array, Array]:
        mixed, weights = dot_product_attention(q, k, v, mask)
        return self.output(mixed.swapaxes(0, 1).reshape(q.shape[1], self.width)), weights


def _glorot_parts(key: Array, shape: tuple[int, int, int]) -> Float[Array, "width parts width"]:
    """Square matrices side by side, each from Glorot's uniform distribution."""
    width, parts, _ = shape
    keys = jax.random.split(key, parts)
    return jax.vmap(lambda key: nn.initializers.glorot_uniform()(key, (width, width)), out_axes=1)(keys)
