"""Backpropagation through time, written by hand, for the RNN, the full GRU and the LSTM, as nodes.

    forward(x, W, U, b, *start) -> activations (m, time, hidden)        backward -> ∂x, ∂W, ∂U, ∂b, *∂start

W (features, parts · hidden), U (hidden, parts · hidden) and b (parts · hidden) hold a part for each gate and candidate
of the cell, side by side in the order of its equations; z_t = x_t W + b, with parts z_u, U_u and so on; a and c without
an index t are those of the step before, `start` those before the first step. Going back, ∂a_t is what the loss asks of
step t plus what step t + 1 sends. With ∂z of all steps at hand,

    ∂W = Σ x_tᵀ ∂z_t,  ∂U = Σ hᵀ ∂z_t with h what U has multiplied at step t,  ∂b = Σ ∂z_t,  ∂x_t = ∂z_t Wᵀ

Steps behind the end of a sequence that the loss leaves out send nothing back: padding needs no mask here.
Source: Werbos (1990), "Backpropagation through time: what it does and how to do it".
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxdl.backprop.graph import Node

Carry = tuple[Array, ...]


def through_time(
    step: Callable[[Array, Carry, Array], tuple[Carry, Any]],
    back: Callable[[Array, Any, Carry], tuple[Carry, Array]],
    weights: Callable[[Any, Array], Array],
) -> Node:
    """The node of a cell that repeats over time; the first array of its carry is the activation.

    step     (U, carry, z_t) -> (carry_t, what the way back needs)
    back     (U, what it needs, ∂carry_t) -> (∂carry, ∂z_t)
    weights  (what it needs, ∂z), both of all steps, time first -> ∂U
    """

    def forward(
        x: Float[Array, "m time features"],
        W: Float[Array, "features width"],
        U: Float[Array, "hidden width"],
        b: Float[Array, " width"],
        *start: Float[Array, "m hidden"],
    ) -> tuple[Float[Array, "m time hidden"], tuple]:
        def one(carry: Carry, z: Array) -> tuple[Carry, tuple[Array, Any]]:
            carry, kept = step(U, carry, z)
            return carry, (carry[0], kept)

        _, (activations, kept) = jax.lax.scan(one, start, (x @ W + b).swapaxes(0, 1))
        return activations.swapaxes(0, 1), (x, W, U, kept, start)

    def backward(cache: tuple, upstream: Float[Array, "m time hidden"]) -> tuple[Array, ...]:
        x, W, U, kept, start = cache

        def one(d_carry: Carry, inputs: tuple[Any, Array]) -> tuple[Carry, Array]:
            kept, asked = inputs
            d_a, *others = d_carry
            return back(U, kept, (d_a + asked, *others))

        nothing = tuple(jnp.zeros_like(state) for state in start)
        dstart, dz = jax.lax.scan(one, nothing, (kept, upstream.swapaxes(0, 1)), reverse=True)
        dU, dz = weights(kept, dz), dz.swapaxes(0, 1)
        return dz @ W.T, jnp.einsum("mti,mto->io", x, dz), dU, dz.sum((0, 1)), *dstart

    return Node(forward, backward)


def _products(h: Float[Array, "time m hidden"], dz: Float[Array, "time m width"]) -> Float[Array, "hidden width"]:
    """Σ hᵀ ∂z over steps and examples."""
    return jnp.einsum("tmi,tmo->io", h, dz)


def _rnn_step(U: Array, carry: Carry, z: Array) -> tuple[Carry, tuple]:
    (a,) = carry
    a_t = jnp.tanh(z + a @ U)
    return (a_t,), (a, a_t)


def _rnn_back(U: Array, kept: tuple, d_carry: Carry) -> tuple[Carry, Array]:
    _, a_t = kept
    (da_t,) = d_carry
    dz = da_t * (1 - a_t**2)
    return (dz @ U.T,), dz


rnn = through_time(_rnn_step, _rnn_back, lambda kept, dz: _products(kept[0], dz))
"""The plain recurrent network, start (a).

a_t = tanh(z_t + a U)
∂z = ∂a_t ⊙ (1 − a_t²),  ∂a = ∂z Uᵀ,  h = a
"""


def _gru_step(U: Array, carry: Carry, z: Array) -> tuple[Carry, tuple]:
    (c,) = carry
    gates = 2 * c.shape[1]
    update, relevance = jnp.split(jax.nn.sigmoid(z[:, :gates] + c @ U[:, :gates]), 2, 1)
    relevant = relevance * c
    candidate = jnp.tanh(z[:, gates:] + relevant @ U[:, gates:])
    return (update * candidate + (1 - update) * c,), (c, update, relevance, relevant, candidate)


def _gru_back(U: Array, kept: tuple, d_carry: Carry) -> tuple[Carry, Array]:
    c, update, relevance, _, candidate = kept
    (dc_t,) = d_carry
    gates = 2 * c.shape[1]
    dz_c = dc_t * update * (1 - candidate**2)
    d_relevant = dz_c @ U[:, gates:].T
    dz_u = dc_t * (candidate - c) * update * (1 - update)
    dz_r = d_relevant * c * relevance * (1 - relevance)
    dz_gates = jnp.concatenate([dz_u, dz_r], 1)
    dc = dc_t * (1 - update) + d_relevant * relevance + dz_gates @ U[:, :gates].T
    return (dc,), jnp.concatenate([dz_gates, dz_c], 1)


def _gru_weights(kept: tuple, dz: Array) -> Array:
    c, _, _, relevant, _ = kept
    gates = 2 * c.shape[2]
    return jnp.concatenate([_products(c, dz[..., :gates]), _products(relevant, dz[..., gates:])], 1)


gru = through_time(_gru_step, _gru_back, _gru_weights)
"""The full GRU, its relevance gate before the product, start (c).

Γu = σ(z_u + c U_u),  Γr = σ(z_r + c U_r),  s = Γr ⊙ c,  c̃ = tanh(z_c + s U_c),  c_t = Γu ⊙ c̃ + (1 − Γu) ⊙ c

∂z_c = ∂c_t ⊙ Γu ⊙ (1 − c̃²),  ∂s = ∂z_c U_cᵀ
∂z_u = ∂c_t ⊙ (c̃ − c) ⊙ Γu ⊙ (1 − Γu),  ∂z_r = ∂s ⊙ c ⊙ Γr ⊙ (1 − Γr)
∂c = ∂c_t ⊙ (1 − Γu) + ∂s ⊙ Γr + ∂z_u U_uᵀ + ∂z_r U_rᵀ
h = c for the gates, s for the candidate
"""


def _lstm_step(U: Array, carry: Carry, z: Array) -> tuple[Carry, tuple]:
    a, c = carry
    update, forget, candidate, output = jnp.split(z + a @ U, 4, 1)
    update, forget, output = jax.nn.sigmoid(update), jax.nn.sigmoid(forget), jax.nn.sigmoid(output)
    candidate = jnp.tanh(candidate)
    c_t = update * candidate + forget * c
    squashed = jnp.tanh(c_t)
    return (output * squashed, c_t), (a, c, update, forget, candidate, output, squashed)


def _lstm_back(U: Array, kept: tuple, d_carry: Carry) -> tuple[Carry, Array]:
    _, c, update, forget, candidate, output, squashed = kept
    da_t, dc_t = d_carry
    dc_t = dc_t + da_t * output * (1 - squashed**2)
    dz_u = dc_t * candidate * update * (1 - update)
    dz_f = dc_t * c * forget * (1 - forget)
    dz_c = dc_t * update * (1 - candidate**2)
    dz_o = da_t * squashed * output * (1 - output)
    dz = jnp.concatenate([dz_u, dz_f, dz_c, dz_o], 1)
    return (dz @ U.T, dc_t * forget), dz


lstm = through_time(_lstm_step, _lstm_back, lambda kept, dz: _products(kept[0], dz))
"""The LSTM, start (a, c).

Γu = σ(z_u + a U_u),  Γf = σ(z_f + a U_f),  c̃ = tanh(z_c + a U_c),  Γo = σ(z_o + a U_o)
c_t = Γu ⊙ c̃ + Γf ⊙ c,  a_t = Γo ⊙ tanh c_t

∂c_t = what step t + 1 sends + ∂a_t ⊙ Γo ⊙ (1 − tanh² c_t)
∂z_u = ∂c_t ⊙ c̃ ⊙ Γu ⊙ (1 − Γu),  ∂z_f = ∂c_t ⊙ c ⊙ Γf ⊙ (1 − Γf)
∂z_c = ∂c_t ⊙ Γu ⊙ (1 − c̃²),  ∂z_o = ∂a_t ⊙ tanh c_t ⊙ Γo ⊙ (1 − Γo)
∂a = ∂z Uᵀ,  ∂c = ∂c_t ⊙ Γf,  h = a
"""
