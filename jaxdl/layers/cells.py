"""Cells of recurrent networks: one step of time, as a pure function of the parameters, the carry and z.

    carry_t = cell(params, carry_{t-1}, z_t)        z = x · kernel + bias

A carry is a tuple of arrays (*batch, hidden), the first of which is the output of the step, a. z and the kernels hold
one part of width `hidden` for each gate and candidate of the cell, side by side in the order of its equations: kernel
(features, parts · hidden), recurrent_kernel (hidden, parts · hidden), bias (parts · hidden). In the equations z_u is
such a part of z, U_u of the recurrent kernel, and a and c without an index t are those of the step before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float

from jaxdl.typing import Params

Carry = tuple[Float[Array, "*batch hidden"], ...]
Parts = Float[Array, "*batch parts"]


def rnn(params: Params, carry: Carry, z: Parts) -> Carry:
    """a_t = tanh(z + a U), carry (a). Source: Elman (1990), with tanh."""
    (a,) = carry
    return (jnp.tanh(z + a @ params["recurrent_kernel"]),)


def simplified_gru(params: Params, carry: Carry, z: Parts) -> Carry:
    """The GRU without its relevance gate, carry (c), and a = c.

    Γu = σ(z_u + c U_u),  c̃ = tanh(z_c + c U_c),  c_t = Γu ⊙ c̃ + (1 − Γu) ⊙ c
    """
    (c,) = carry
    update, candidate = jnp.split(z + c @ params["recurrent_kernel"], 2, -1)
    return (_between(update, jnp.tanh(candidate), c),)


def gru(params: Params, carry: Carry, z: Parts) -> Carry:
    """The full GRU, carry (c), and a = c. Its relevance gate acts before the product, as first published.

    Γu = σ(z_u + c U_u),  Γr = σ(z_r + c U_r),  c̃ = tanh(z_c + (Γr ⊙ c) U_c),  c_t = Γu ⊙ c̃ + (1 − Γu) ⊙ c

    Source: Cho et al. (2014), eq. 5-8, whose z is 1 − Γu.
    """
    (c,) = carry
    gates = 2 * c.shape[-1]
    kernel = params["recurrent_kernel"]
    update, relevance = jnp.split(z[..., :gates] + c @ kernel[:, :gates], 2, -1)
    candidate = z[..., gates:] + (jax.nn.sigmoid(relevance) * c) @ kernel[:, gates:]
    return (_between(update, jnp.tanh(candidate), c),)


def reset_after_gru(params: Params, carry: Carry, z: Parts) -> Carry:
    """The GRU as cuDNN and PyTorch have it, carry (c), and a = c. Its relevance gate acts after the product.

    Γu = σ(z_u + c U_u),  Γr = σ(z_r + c U_r),  c̃ = tanh(z_c + Γr ⊙ (c U_c + b)),  c_t = Γu ⊙ c̃ + (1 − Γu) ⊙ c

    with b the `recurrent_bias`, (hidden). One product does for all three parts. PyTorch's z is 1 − Γu, so that its
    weights for z are those of Γu with the sign turned, and its parts come in the order r, z, n.
    """
    (c,) = carry
    z_u, z_r, z_c = jnp.split(z, 3, -1)
    u, r, candidate = jnp.split(c @ params["recurrent_kernel"], 3, -1)
    relevance = jax.nn.sigmoid(z_r + r)
    return (_between(z_u + u, jnp.tanh(z_c + relevance * (candidate + params["recurrent_bias"])), c),)


def _between(update: Array, candidate: Array, c: Array) -> Array:
    """Γu ⊙ c̃ + (1 − Γu) ⊙ c, written so that Γu = 0 gives c to the last bit."""
    return c + jax.nn.sigmoid(update) * (candidate - c)


def lstm(params: Params, carry: Carry, z: Parts) -> Carry:
    """The LSTM, carry (a, c).

    Γu = σ(z_u + a U_u),  Γf = σ(z_f + a U_f),  c̃ = tanh(z_c + a U_c),  Γo = σ(z_o + a U_o)
    c_t = Γu ⊙ c̃ + Γf ⊙ c,  a_t = Γo ⊙ tanh c_t

    Source: Hochreiter and Schmidhuber (1997), with the forget gate of Gers, Schmidhuber and Cummins (2000).
    """
    a, c = carry
    return _lstm_gates(z + a @ params["recurrent_kernel"], c)


@jax.custom_jvp
def _lstm_gates(z: Array, c: Array) -> Carry:
    """(a_t, c_t) from all that the gates and the candidate are made of."""
    return _lstm_gates_and_slopes(z, c)[0]


def _lstm_gates_and_slopes(z: Array, c: Array) -> tuple[Carry, tuple[Array, ...]]:
    """((a_t, c_t), ∂c_t by z_u, z_f, z_c and c, ∂a_t by z_o and c_t): six arrays, where autodiff keeps eleven."""
    update, forget, candidate, output = jnp.split(z, 4, -1)
    u, f, o, new = *map(jax.nn.sigmoid, (update, forget, output)), jnp.tanh(candidate)
    c_t = u * new + f * c
    t = jnp.tanh(c_t)
    slopes = new * u * (1 - u), c * f * (1 - f), u * (1 - new**2), f, t * o * (1 - o), o * (1 - t**2)
    return (o * t, c_t), slopes


@_lstm_gates.defjvp
def _lstm_gates_derivative(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Carry, Carry]:
    value, (by_u, by_f, by_c, by_cell, by_o, by_new) = _lstm_gates_and_slopes(*primals)
    dz, dc = tangents
    d_u, d_f, d_c, d_o = jnp.split(dz, 4, -1)
    dc_t = by_u * d_u + by_f * d_f + by_c * d_c + by_cell * dc
    return value, (by_o * d_o + by_new * dc_t, dc_t)


def peephole_lstm(params: Params, carry: Carry, z: Parts) -> Carry:
    """The LSTM whose gates see the cell, carry (a, c): `lstm` with p_u ⊙ c added in Γu, p_f ⊙ c in Γf, p_o ⊙ c in Γo.

    `peepholes` (3, hidden) are p_u, p_f and p_o: each unit sees its own cell. All gates see the cell before the step,
    as the notes have it; in the source, Gers and Schmidhuber (2000), "Recurrent nets that time and count", the output
    gate sees c_t.
    """
    c = carry[1]
    p_u, p_f, p_o = params["peepholes"]
    return lstm(params, carry, z + jnp.concatenate([p_u * c, p_f * c, jnp.zeros_like(c), p_o * c], -1))


@dataclass(frozen=True)
class Cell:
    """A cell, and what its parameters and its carry are.

    step      (params, carry, z) -> carry, one of the functions above
    parts     how many gates and candidates there are in z
    states    how many arrays the carry holds
    further   parameters beside the kernels and the bias, as {name: their axes before that of width hidden}
    forget    the place of the forget gate among the parts, if there is one
    additive  whether all that its recurrent kernel U does is to add a U to z
    """

    step: Callable[[Params, Carry, Parts], Carry]
    parts: int
    states: int = 1
    further: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    forget: int | None = None
    additive: bool = True

    def start(self, shape: Sequence[int], dtype: DTypeLike = jnp.float32) -> Carry:
        """The carry before the first step, zeros of shape (*batch, hidden)."""
        return tuple(jnp.zeros(shape, dtype) for _ in range(self.states))


CELLS = {
    "rnn": Cell(rnn, parts=1),
    "simplified_gru": Cell(simplified_gru, parts=2),
    "gru": Cell(gru, parts=3, additive=False),
    "reset_after_gru": Cell(reset_after_gru, parts=3, further={"recurrent_bias": ()}, additive=False),
    "lstm": Cell(lstm, parts=4, states=2, forget=1),
    "peephole_lstm": Cell(peephole_lstm, parts=4, states=2, further={"peepholes": (3,)}, forget=1),
}
