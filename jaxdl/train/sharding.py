"""Where arrays live: the mesh of devices, and which of its axes splits which axis of each array."""

import fnmatch
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Int

from jaxdl.errors import InputError
from jaxdl.train.state import State
from jaxdl.typing import path_name

AXES = ("data", "fsdp", "tensor")
ROWS = ("data", "fsdp")
"""The axes over which the rows of a batch are spread."""


def make_mesh(description: str) -> Mesh:
    """A mesh from `data=2,fsdp=2,tensor=2`; an axis that is not named is 1, and one may be −1: what is left.

    data    each part of the batch has a copy of the state
    fsdp    each part of the batch has a part of the state too, and fetches the rest when it is needed
    tensor  what a rule names is split inside its products; each of these devices sees the same rows

    Axes are Auto: XLA places the collectives. (JAX's own default, Explicit, breaks Linen's Dropout and Embed.)
    InputError where there are not as many devices, or, with several processes, where some would be left out.
    """
    sizes, here = _sizes(description), len(jax.devices())
    given = 1
    for size in sizes.values():
        given *= abs(size)
    if -1 in sizes.values():
        if here % given:
            raise InputError(f"--mesh {description}: the {here} devices here can't be split in {given} equal parts")
        sizes = {name: here // given if size == -1 else size for name, size in sizes.items()}
        given = here
    if given > here:
        raise InputError(f"--mesh {description}: {here} devices are here; use data={here} or data=-1")
    if given < here and jax.process_count() > 1:
        raise InputError(f"--mesh {description}: several processes use all their {here} devices; use data=-1")
    devices = jax.devices()[:given]
    return jax.make_mesh(tuple(sizes.values()), AXES, axis_types=(AxisType.Auto,) * len(AXES), devices=devices)


def _sizes(description: str) -> dict[str, int]:
    """{axis: size} of a description, in the order of AXES."""
    sizes: dict[str, int] = {}
    for part in description.split(","):
        name, _, text = part.strip().partition("=")
        try:
            size = int(text)
        except ValueError:
            size = 0
        if name not in AXES or name in sizes or size == 0 or size < -1:
            size = 0
            break
        sizes[name] = size
    if not size or list(sizes.values()).count(-1) > 1:
        raise InputError(
            f"--mesh {description}: expected data=N, fsdp=N or tensor=N with commas between, such as data=-1 for all "
            "devices or data=-1,fsdp=2; only one of them may be -1"
        )
    return {name: sizes.get(name, 1) for name in AXES}


def place(like: State, mesh: Mesh, rules: Mapping[str, P]) -> State:
    """The sharding of every leaf of a state: its rows of `carry` over the batch's axes, all else by `spec`.

    `fsdp` leaves the key and the model state whole. Both are small, and with running means in parts XLA would have the
    means of the batch in parts too, and fetch them wherever they are used: eight times for each batch normalisation.
    """

    def of_leaf(path: Any, leaf: Any) -> NamedSharding:
        name = path_name(path)
        small = name.startswith(("key", "model_state/", "best/model_state/"))
        sizes = {**mesh.shape, "fsdp": 1} if small else mesh.shape
        return NamedSharding(mesh, spec(name, leaf.shape, sizes, rules))

    placed = jax.tree_util.tree_map_with_path(of_leaf, like)
    return placed._replace(carry=jax.tree.map(lambda _: NamedSharding(mesh, P(ROWS)), like.carry))


def spec(path: str, shape: tuple[int, ...], sizes: Mapping[str, int], rules: Mapping[str, P]) -> P:
    """Which mesh axis splits which axis of the array at this path.

    rules  {pattern of the path, such as "*inner/kernel": axes}; * is any text, the first that matches counts

    Then the largest axis that is left and that `fsdp` divides is split over it. An axis that its mesh axis does not
    divide stays whole. The moments of an optimiser have the paths of their parameters at the end, and live with them.
    """
    given = next((axes for pattern, axes in rules.items() if fnmatch.fnmatchcase(path, pattern)), P())
    names: list[Any] = [None] * (len(shape) - len(given)) + list(given)[max(0, len(given) - len(shape)) :]
    names = [
        name if name and sizes[name] > 1 and size % sizes[name] == 0 else None
        for name, size in zip(names, shape, strict=True)
    ]
    free = [i for i, size in enumerate(shape) if names[i] is None and size and size % sizes["fsdp"] == 0]
    if sizes["fsdp"] > 1 and free:
        names[max(free, key=lambda i: shape[i])] = "fsdp"
    return P(*names)


def without_fsdp(at: NamedSharding) -> NamedSharding:
    """How a parameter is split while it is used."""
    return NamedSharding(at.mesh, P(*[None if name == "fsdp" else name for name in at.spec]))


def share(mesh: Mesh) -> tuple[int, int]:
    """(i, n): this process feeds the i-th of n equal shares of each batch.

    The devices of several processes may need the same rows, where `tensor` reaches across them. InputError where the
    rows of this process are not one piece.
    """
    owners = np.vectorize(lambda device: device.process_index)(mesh.devices)
    return share_of(jax.process_index(), owners.reshape(mesh.shape["data"] * mesh.shape["fsdp"], -1))


def share_of(process: int, owners: Int[np.ndarray, "parts devices"]) -> tuple[int, int]:
    """The same from the processes that own the devices, of each part of the batch a row."""
    parts = len(owners)
    mine = np.flatnonzero((owners == process).any(1))
    first, count = int(mine[0]), len(mine)
    if mine[-1] != first + count - 1 or first % count or parts % count:
        raise InputError(
            f"--mesh: the rows of process {process} are not one piece; use data=-1, or a tensor axis that fits into "
            "one process"
        )
    return first // count, parts // count
