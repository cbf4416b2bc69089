"""Recurrent networks: the scan of a cell over time, one way, both ways and stacked.

Arrays are (*batch, time, features). The input's part in all steps, x · kernel, is one product before the scan.
"""

from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from jaxdl.errors import InputError, chosen
from jaxdl.layers.cells import CELLS, Carry, Cell
from jaxdl.typing import Key, Params

Layer = Callable[..., tuple[Array, Any]]
"""layer(x, carry, mask) -> (outputs, carry): `partial(scan, cell, params)`, a module of this file, or a stack of them.

A carry of None is one of zeros, a mask of None has no padding.
"""


def scan(
    cell: Cell,
    params: Params,
    x: Float[Array, "*batch_time_features"],
    carry: Carry | None = None,
    mask: Shaped[Array, "*batch_time"] | None = None,
    reverse: bool = False,
) -> tuple[Float[Array, "*batch_time_hidden"], Carry]:
    """(outputs, last carry): the cell over all steps, from the last to the first if `reverse`.

    A step of mask 0 is padding, wherever it stands and whatever it holds: it leaves the carry as it is and its output
    is 0, so that it has no part in values and gradients; in reverse, a scan starts at the last real step. The carry
    that comes back is where the next piece of the sequence goes on. All is computed in the dtype of x.

    InputError for an x without a time axis, and for a mask, a carry or parameters that do not fit it.
    """
    _check(cell, params, x, carry, mask)
    params = jax.tree.map(lambda leaf: leaf.astype(x.dtype), params)
    start = cell.start((*x.shape[:-2], len(params["recurrent_kernel"])), x.dtype)
    if carry is not None:
        start = jax.tree.map(lambda zeros, given: zeros + given.astype(x.dtype), start, carry)
    if mask is not None:
        mask = mask.astype(bool)[..., None]
        x = jnp.where(mask, x, 0)  # or a NaN in the padding would come back through the gradient
    z = _product(x, params["kernel"], cell.parts) + params["bias"]
    time_first = jax.tree.map(lambda steps: jnp.moveaxis(steps, -2, 0), (z, mask))
    end, outputs, _ = (_additive_steps if cell.additive else _steps)(cell, reverse, params, start, *time_first)
    return jnp.moveaxis(outputs, 0, -2), end


def _product(x: Array, kernel: Array, parts: int) -> Array:
    """x · kernel. A CPU takes two to four times as long for its gradient if the kernel is not taken in parts."""
    y = jnp.einsum("...i,ipo->...po", x, kernel.reshape(len(kernel), parts, kernel.shape[1] // parts))
    return y.reshape(*x.shape[:-1], kernel.shape[1])


def _steps(
    cell: Cell, reverse: bool, params: Params, start: Carry, z: Array, mask: Array | None
) -> tuple[Carry, Array, Array]:
    """(last carry, outputs, a before each step), time first."""

    def step(before: Carry, inputs: tuple[Array, Array | None]) -> tuple[Carry, tuple[Array, Array]]:
        z, real = inputs
        after = cell.step(params, before, z)
        if real is None:
            return after, (after[0], before[0])
        kept = tuple(jnp.where(real, new, old) for new, old in zip(after, before, strict=True))
        return kept, (jnp.where(real, after[0], 0), before[0])

    end, (outputs, before) = jax.lax.scan(step, start, (z, mask), reverse=reverse)
    return end, outputs, before


_additive_steps = jax.custom_jvp(_steps, nondiff_argnums=(0, 1))


@_additive_steps.defjvp
def _additive_steps_derivative(cell: Cell, reverse: bool, primals: tuple, tangents: tuple) -> tuple[tuple, tuple]:
    """A change dU of the recurrent kernel is a change a dU of z, of all steps in one product outside the scan.

    So is its transpose, the gradient of U, where autodiff would add up the gradients of the steps one by one.
    """
    (params, start, z, mask), (d_params, d_start, dz, _) = primals, tangents
    others = {name: params[name] for name in cell.further}
    d_others = {name: d_params[name] for name in cell.further}

    def steps(others: Params, start: Carry, z: Array) -> tuple[Carry, Array, Array]:
        return _steps(cell, reverse, others | {"recurrent_kernel": params["recurrent_kernel"]}, start, z, mask)

    value, linear = jax.linearize(steps, others, start, z)
    return value, linear(d_others, d_start, dz + _product(value[2], d_params["recurrent_kernel"], cell.parts))


def _check(cell: Cell, params: Params, x: Array, carry: Carry | None, mask: Array | None) -> None:
    if x.ndim < 2:
        raise InputError(f"an input {x.shape}: expected (*batch, time, features); a single step is x[None]")
    (*batch, time, features), (hidden, width) = x.shape, params["recurrent_kernel"].shape
    if params["kernel"].shape != (features, width) or width != cell.parts * hidden:
        raise InputError(
            f"an input of {features} features, a kernel {params['kernel'].shape} and a recurrent kernel "
            f"{(hidden, width)}: expected {(features, cell.parts * hidden)} and {(hidden, cell.parts * hidden)}"
        )
    if mask is not None and mask.shape not in ((time,), (*batch, time)):
        raise InputError(
            f"a mask {mask.shape} for an input {x.shape}: expected {(*batch, time)}, a number for each step"
        )
    shapes = None if carry is None else [state.shape for state in carry]
    if shapes is not None and (len(shapes) != cell.states or {*shapes} - {(hidden,), (*batch, hidden)}):
        raise InputError(f"a carry of {shapes}: expected {cell.states} of {(*batch, hidden)}")


def length_mask(
    length: int | Int[Array, "*batch"] | Int[np.ndarray, "*batch"], time: int
) -> Bool[Array, "*batch time"]:
    """True for the first `length` of `time` steps. InputError for a length outside 0 … time, if its value is known."""
    if not isinstance(length, jax.core.Tracer) and not 0 <= np.min(length) <= np.max(length) <= time:
        raise InputError(f"length {length}: expected 0 to {time}, the steps that there are")
    return jnp.arange(time) < jnp.asarray(length)[..., None]


def bidirectional(
    forward: Layer,
    backward: Layer,
    x: Float[Array, "*batch_time_features"],
    carry: tuple[Any, Any] | None = None,
    mask: Shaped[Array, "*batch_time"] | None = None,
) -> tuple[Float[Array, "*batch_time_both"], tuple[Any, Any]]:
    """(outputs of both layers side by side, both carries); `backward` is a layer with reverse=True.

    Source: Schuster and Paliwal (1997).
    """
    to_right, to_left = (None, None) if carry is None else carry
    a, right = forward(x, to_right, mask)
    b, left = backward(x, to_left, mask)
    return jnp.concatenate([a, b], -1), (right, left)


def stacked(
    layers: Sequence[Layer],
    x: Float[Array, "*batch_time_features"],
    carry: Sequence[Any] | None = None,
    mask: Shaped[Array, "*batch_time"] | None = None,
) -> tuple[Float[Array, "*batch_time_hidden"], tuple[Any, ...]]:
    """(outputs of the last layer, the carry of each): every layer reads the outputs of the one before it.

    InputError unless there is a carry for each.
    """
    starts = [None] * len(layers) if carry is None else carry
    if len(starts) != len(layers):
        raise InputError(f"{len(starts)} carries for {len(layers)} layers: expected one for each")
    ends = []
    for layer, start in zip(layers, starts, strict=True):
        x, end = layer(x, start, mask)
        ends.append(end)
    return x, tuple(ends)


class Recurrent(nn.Module):
    """`scan` of a cell of CELLS with parameters of its own: (x, carry, mask) -> (outputs, last carry).

    Recurrent kernels start orthogonal, part by part, and further parameters at zero. `forget_bias` is where the bias of
    a forget gate starts, if the cell has one: 1 remembers at first (Jozefowicz, Zaremba and Sutskever, 2015).
    InputError for an unknown cell and for a width below 1.
    """

    cell: str
    hidden: int
    reverse: bool = False
    forget_bias: float = 1.0

    def __post_init__(self) -> None:
        chosen("cell", self.cell, CELLS)
        if self.hidden < 1:
            raise InputError(f"hidden = {self.hidden}: expected a width of 1 or more")
        super().__post_init__()

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "*batch_time_features"],
        carry: Carry | None = None,
        mask: Shaped[Array, "*batch_time"] | None = None,
    ) -> tuple[Float[Array, "*batch_time_hidden"], Carry]:
        cell = CELLS[self.cell]
        width = cell.parts * self.hidden
        params = {
            "kernel": self.param("kernel", nn.initializers.lecun_normal(), (x.shape[-1], width)),
            "recurrent_kernel": self.param("recurrent_kernel", orthogonal_parts, (self.hidden, width)),
            "bias": self.param("bias", self._first_bias, (width,)),
        }
        for name, vectors in cell.further.items():
            params[name] = self.param(name, nn.initializers.zeros, (*vectors, self.hidden))
        return scan(cell, params, x, carry, mask, self.reverse)

    def _first_bias(self, key: Key, shape: tuple[int, ...]) -> Array:
        place = CELLS[self.cell].forget
        bias = jnp.zeros(shape)
        return bias if place is None else bias.at[place * self.hidden : (place + 1) * self.hidden].set(self.forget_bias)


def orthogonal_parts(key: Key, shape: tuple[int, int]) -> Float[Array, "hidden width"]:
    """A random orthogonal matrix (hidden, hidden) for each part of a recurrent kernel (Saxe et al., 2014)."""
    hidden, width = shape
    keys = jax.random.split(key, width // hidden)
    parts = jax.vmap(lambda key: nn.initializers.orthogonal()(key, (hidden, hidden)))(keys)
    return parts.swapaxes(0, 1).reshape(shape)
