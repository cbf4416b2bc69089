"""Recurrent networks beside PyTorch's, with copied weights.

PyTorch has kernels (parts · hidden, features), two biases that are added up, except before the relevance gate of a GRU,
the parts of an LSTM in our order, and those of a GRU as r, z, n, where z = 1 − Γu.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from jaxdl.layers.cells import CELLS
from jaxdl.layers.recurrence import bidirectional, length_mask, scan, stacked

RANDOM = np.random.default_rng(0)
FEATURES, HIDDEN, TIME, LENGTHS = 3, 4, 6, (6, 1, 4)
TORCH = {"rnn": torch.nn.RNN, "reset_after_gru": torch.nn.GRU, "lstm": torch.nn.LSTM}


@pytest.fixture(autouse=True)
def in_float64():
    with jax.enable_x64():
        yield


def turned(name, matrix):
    """PyTorch's parts, along the first axis, as ours: for a GRU, r, z, n become -z, r, n."""
    if name != "reset_after_gru":
        return matrix
    r, z, n = np.split(matrix, 3)
    return np.concatenate([-z, r, n])


def copied(name, twin, suffix):
    """Our parameters, from the weights of one layer and direction of PyTorch's, such as "_l0_reverse"."""
    W, U, b, further = (
        turned(name, getattr(twin, f"{kind}{suffix}").detach().numpy())
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    params = {"kernel": W.T, "recurrent_kernel": U.T, "bias": b + further}
    if name == "reset_after_gru":
        params["bias"] = b + np.where(np.arange(len(b)) < 2 * HIDDEN, further, 0)
        params["recurrent_bias"] = further[2 * HIDDEN :]
    return jax.tree.map(jnp.asarray, params)


def network(name, params, x, starts, mask):
    """As PyTorch builds it: every layer one-way, or two-way where there are twice the parameters."""
    cell, layers = CELLS[name], []
    for directions in params:
        forward, *backward = (partial(scan, cell, p, reverse=i == 1) for i, p in enumerate(directions))
        layers.append(partial(bidirectional, forward, *backward) if backward else forward)
    return stacked(layers, x, starts, mask)


def paired(states, layers, ways):
    """PyTorch's (layers · ways, batch, hidden) arrays as a carry for each layer and direction."""
    carries = [tuple(jnp.asarray(state[i]) for state in states) for i in range(layers * ways)]
    if ways == 1:
        return tuple(carries)
    return tuple(zip(carries[::2], carries[1::2], strict=True))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("layers", "ways"), [(1, 1), (2, 2)])
@pytest.mark.parametrize("name", TORCH)
def test_outputs_last_states_and_gradients_are_pytorch_s(name, layers, ways, packed):
    torch.manual_seed(0)
    twin = TORCH[name](FEATURES, HIDDEN, layers, batch_first=True, bidirectional=ways == 2, dtype=torch.float64)
    suffixes = [[f"_l{i}{way}" for way in ("", "_reverse")[:ways]] for i in range(layers)]
    params = [[copied(name, twin, suffix) for suffix in row] for row in suffixes]
    x = RANDOM.normal(size=(len(LENGTHS), TIME, FEATURES))
    states = RANDOM.normal(size=(CELLS[name].states, layers * ways, len(LENGTHS), HIDDEN))

    leaf, starts = torch.tensor(x, requires_grad=True), [torch.tensor(state) for state in states]
    given = pack_padded_sequence(leaf, LENGTHS, batch_first=True, enforce_sorted=False) if packed else leaf
    theirs, ends = twin(given, tuple(starts) if len(starts) > 1 else starts[0])
    theirs = pad_packed_sequence(theirs, batch_first=True)[0] if packed else theirs
    ends = ends if isinstance(ends, tuple) else (ends,)

    mask = length_mask(np.array(LENGTHS), TIME) if packed else None
    ours, pull, last = jax.vjp(
        lambda params, x: network(name, params, x, paired(states, layers, ways), mask),
        params, jnp.asarray(x), has_aux=True,
    )  # fmt: skip
    np.testing.assert_allclose(ours, theirs.detach(), atol=1e-10)
    expected = paired([end.detach().numpy() for end in ends], layers, ways)
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-10), last, expected)

    upstream = RANDOM.normal(size=ours.shape)
    theirs.backward(torch.tensor(upstream))
    d_params, dx = pull(jnp.asarray(upstream))
    np.testing.assert_allclose(dx, leaf.grad, atol=1e-10)
    for row, names in zip(d_params, suffixes, strict=True):
        for gradients, suffix in zip(row, names, strict=True):
            for own, kind in (("kernel", "weight_ih"), ("recurrent_kernel", "weight_hh"), ("bias", "bias_ih")):
                known = turned(name, getattr(twin, f"{kind}{suffix}").grad.numpy()).T
                np.testing.assert_allclose(gradients[own], known, atol=1e-10)
