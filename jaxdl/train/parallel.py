"""Runners: they bind the axis "data", along which examples are spread over devices. The body never knows which one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from jaxdl.errors import InputError
from jaxdl.train import sharding
from jaxdl.train.state import State
from jaxdl.typing import Batch, Example, Key, Loss, ModelState, Params


def of_fields(whole: Any, rows: Any) -> State:
    """One value for each field of a state: `rows` for its carry, `whole` for the others."""
    return State(**{**dict.fromkeys(State._fields, whole), "carry": rows})


@dataclass(frozen=True)
class Runner:
    """Runs bodies `f(state, batch)` that name the axis "data", on the devices of a mesh.

    jit    one program over the global batch, split by sharding: the sums over "data" are XLA's to place, and the named
           axis has size one.
    pmap   one program a device over its own slice, the sums over "data" are collectives written in the program.
    """

    mesh: Mesh
    kind: Literal["jit", "pmap"] = "jit"
    of_leaves: State | None = None
    """The sharding of every leaf of the state, as `over` finds it. None: all whole on every device."""

    def __post_init__(self) -> None:
        if self.kind == "pmap" and self.mesh.shape["data"] != self.mesh.size:
            raise InputError("--parallel pmap has the axis data alone: use --parallel jit for fsdp and tensor")

    def over(self, like: State, rules: Mapping[str, P]) -> "Runner":
        """The same runner for states of this shape, split over `fsdp` and, by the rules, over `tensor`."""
        if self.kind == "pmap":
            if like.carry is not None and jax.process_count() > 1:
                raise InputError("--parallel pmap: rows that carry something over need --parallel jit on several hosts")
            return self
        return replace(self, of_leaves=sharding.place(like, self.mesh, rules))

    def bind(self, body: Callable, batch_axis: int = 0, donate: bool = False) -> Callable[[Any, Batch], Any]:
        """The compiled body. `batch_axis` of the batch is split, the state lies as `placed` says, and the results are
        whole on every device.

        With donate the body is a step, whose first result is the next state: it is given the memory of the state passed
        in, which is gone afterwards.
        """
        donated = (0,) if donate else ()
        if self.kind == "pmap":
            return self._bind_pmap(body, batch_axis, donated)
        bound = jax.vmap(body, in_axes=None, out_axes=None, axis_name="data", axis_size=1)
        rows = NamedSharding(self.mesh, P(*[None] * batch_axis, sharding.ROWS))
        results = (self.placed._replace(best=None), self.whole) if donate else self.whole
        state = self.placed if self.of_leaves is None else None  # None: as it lies, best weights or not
        compiled = jax.jit(bound, in_shardings=(state, rows), out_shardings=results, donate_argnums=donated)
        if jax.process_count() == 1:
            return (
                compiled  # NumPy goes in as it is: a device_put of our own would cost a small step a tenth of its time
            )

        def call(state: Any, batch: Batch) -> Any:
            return compiled(state, {k: jax.make_array_from_process_local_data(rows, v) for k, v in batch.items()})

        return call

    def gathered(self, loss: Loss) -> Loss:
        """The same loss, which first fetches the parts of each parameter that `fsdp` spreads over the devices.

        Said outright: left to itself, XLA may fetch activations instead.
        """
        if self.of_leaves is None or self.mesh.shape["fsdp"] == 1:
            return loss
        used = jax.tree.map(sharding.without_fsdp, self.of_leaves.params)

        def fetching(params: Params, model_state: ModelState, example: Example, key: Key) -> Any:
            return loss(jax.lax.with_sharding_constraint(params, used), model_state, example, key)

        return fetching

    def _bind_pmap(self, body: Callable, batch_axis: int, donated: tuple[int, ...]) -> Callable[[Any, Batch], Any]:
        devices = list(self.mesh.devices.flat)
        axes = of_fields(None, rows=0)
        compiled = jax.pmap(
            body,
            axis_name="data",
            in_axes=(axes, batch_axis),
            out_axes=(axes, None) if donated else None,
            donate_argnums=donated,
            devices=devices,
        )
        local = len(self.mesh.local_devices)

        def fold(x: Any, axis: int) -> Any:
            before, after = x.shape[:axis], x.shape[axis + 1 :]
            return x.reshape(*before, local, x.shape[axis] // local, *after)

        def call(state: State, batch: Batch) -> Any:
            state = state._replace(carry=jax.tree.map(lambda x: fold(x, 0), state.carry))
            results = compiled(state, {k: fold(v, batch_axis) for k, v in batch.items()})
            if not donated:
                return results
            state, metrics = results
            state = state._replace(carry=jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), state.carry))
            return self._shared(state) if jax.process_count() > 1 else state, metrics

        return call

    def _shared(self, state: State) -> State:
        """What pmap hands back to each process for itself, as the one array of all of them."""

        def of_all(leaf: Any) -> Any:
            mine = [jax.device_put(leaf.addressable_data(0), device) for device in self.mesh.local_devices]
            return jax.make_array_from_single_device_arrays(leaf.shape, self.whole, mine)

        return jax.tree.map(of_all, state)

    @property
    def whole(self) -> NamedSharding:
        """The sharding of what every device holds a full copy of."""
        return NamedSharding(self.mesh, P())

    @property
    def placed(self) -> State:
        """The sharding of each field of a state, or of each of its leaves."""
        if self.of_leaves is not None:
            return self.of_leaves
        return of_fields(self.whole, rows=NamedSharding(self.mesh, P(sharding.ROWS)))

    def check_batch(self, name: str, size: int, parts: int = 1) -> None:
        """Raises InputError when a batch can't be split evenly over the devices (and micro-batches)."""
        devices = self.mesh.shape["data"] * self.mesh.shape["fsdp"]
        pieces = devices * parts
        if size % pieces:
            fit = max(size // pieces, 1) * pieces
            micro = f" × {parts} micro-batches" if parts > 1 else ""
            alone = "" if size % parts else ", or --mesh data=1"  # of a whole set in one batch no flag gives the size
            raise InputError(
                f"batch size {size} of {name} can't be split over {devices} devices{micro}: "
                f"use a multiple of {pieces} such as {fit}{alone}"
            )
