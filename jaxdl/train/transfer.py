"""Transfer learning: a training that starts from the weights of an earlier one, with a new head and frozen parts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxdl.errors import InputError
from jaxdl.models import safetensors
from jaxdl.optim.transfer import matching, scaled_by_path
from jaxdl.task import Task, joined, parted
from jaxdl.train import checkpoint
from jaxdl.train.checkpoint import Damaged
from jaxdl.train.state import leaf_digest, leaves
from jaxdl.train.workdir import first_line
from jaxdl.typing import ModelState, Params, path_name

Weights = tuple[Params, ModelState]

BEST = ("best/params/", "best/model_state/")
WEIGHTS = ("params/", "model_state/", "best/value", *BEST)
"""Where the weights stand in a checkpoint: the last ones, and the best where training may stop early."""


@dataclass(frozen=True)
class Transfer:
    """What a training takes over from an earlier one. Patterns are of paths such as conv1/kernel; * is any text."""

    init_from: Path | None = None
    """A run directory, or a .safetensors file: the weights to start from."""
    new_head: str = ""
    """Pattern of the parameters that start anew, such as 'output/*'."""
    freeze: tuple[str, ...] = ()
    """Patterns of the parameters that do not learn."""
    rates: tuple[tuple[str, float], ...] = ()
    """Pairs PATTERN FACTOR: what the learning rate is multiplied by; the first that matches counts, after `freeze`."""

    def __post_init__(self) -> None:
        if self.new_head and self.init_from is None:
            raise InputError(f"new_head {self.new_head!r}: expected init_from too, the weights of all the rest")


def transferred(task: Task, transfer: Transfer) -> Task:
    """The same task, started from other weights and with its learning rate scaled by path."""
    if transfer.init_from is not None:
        loaded = load_parameters(transfer.init_from)
        init = task.init
        task = replace(task, init=lambda key: merged(init(key), loaded, transfer.new_head))
    factors = dict.fromkeys(transfer.freeze, 0.0)
    for pattern, factor in transfer.rates:
        factors.setdefault(pattern, factor)
    if factors:
        task = replace(task, optimizer=optax.chain(task.optimizer, scaled_by_path(factors)))
    return task


def merged(init: Weights, loaded: Weights, new_head: str = "") -> Weights:
    """`loaded`, but for the leaves whose path, as in `params`, matches `new_head`: those are `init`'s.

    The running moments of a layer go with its parameters. What rows carry over is `init`'s: it goes with the data.
    InputError where the other leaves are not the same in path,
    shape and dtype, and for a pattern that matches none.
    """
    (shared, carry), (theirs_shared, _) = parted(init[1]), parted(loaded[1])
    ours = (init[0], shared)
    wanted, given = _named(ours), _named((loaded[0], theirs_shared))
    new = _of_head(new_head, [*wanted, *given]) if new_head else set()
    wrong = [f"missing {name}" for name in wanted.keys() - given.keys() - new]
    wrong += [f"extra {name}" for name in given.keys() - wanted.keys() - new]
    for name in (wanted.keys() & given.keys()) - new:
        here, there = wanted[name], given[name]
        if (here.shape, here.dtype) != (there.shape, there.dtype):
            wrong.append(f"{name} is {there.dtype}{list(there.shape)}, not {here.dtype}{list(here.shape)}")
    if wrong:
        more = f" and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        raise InputError(
            f"the weights to start from are not this network's: {'; '.join(sorted(wrong)[:10])}{more}; "
            "give the pattern of a head that starts anew as new_head"
        )
    values = [jnp.asarray(wanted[name] if name in new else given[name]) for name in wanted]
    params, shared = jax.tree.unflatten(jax.tree.structure(ours), values)
    return params, joined(shared, carry)


def load_parameters(path: Path) -> Weights:
    """(params, model_state) of an earlier run's directory, or of a file that `save_parameters` wrote.

    Of a run it is the newest checkpoint that verifies against its digests, and the best weights where it may have
    stopped early. Nothing of the run is touched. InputError where there is nothing to read or all of it is damaged.
    """
    if path.is_file():
        arrays, _ = safetensors.read(path)
        if any(name.split("/")[0] not in ("params", "model_state") for name in arrays):
            raise InputError(f"{path} has other names than params/… and model_state/…: see models.pretrained.load")
        return _weights({name: np.array(array) for name, array in arrays.items()})
    directory = path / "checkpoints" if (path / "checkpoints").is_dir() else path
    steps = sorted((int(p.name) for p in directory.glob("*") if p.name.isdecimal()), reverse=True)
    damaged = []
    for step in steps:
        try:
            return _weights(_verified(directory / str(step)))
        except Damaged as damage:
            damaged.append(f"step {step} ({damage})")
    if damaged:
        raise InputError(f"every checkpoint in {directory} is damaged: {'; '.join(damaged)}")
    raise InputError(f"{path}: expected the directory of a run that has saved, or a .safetensors file")


def save_parameters(path: Path, params: Params, model_state: ModelState) -> None:
    """Writes weights under their own names, `params/conv1/kernel`, into a .safetensors file."""
    safetensors.write(path, _named((params, model_state)))


def _verified(step: Path) -> dict[str, np.ndarray]:
    """{name: array} of the weights in one checkpoint. Raises Damaged for what is not as it was saved."""
    import orbax.checkpoint as ocp

    # Not through a manager, as `Checkpoints` does: one tidies up, in a directory where a run may be writing.
    try:
        with ocp.Checkpointer(ocp.JsonCheckpointHandler()) as reader:
            manifest = dict(reader.restore((step / "manifest").absolute()))
        if manifest.pop("sha256") != checkpoint._sha(manifest):
            raise Damaged("its manifest does not match its own digest")
        described = {name: leaf for name, leaf in manifest["leaves"].items() if name.startswith(WEIGHTS)}
        like = {name: jax.ShapeDtypeStruct(leaf["shape"], leaf["dtype"]) for name, leaf in described.items()}
        target = _tree(like)
        as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), target)
        args = ocp.args.PyTreeRestore(item=target, restore_args=as_numpy, partial_restore=True)
        with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader:
            arrays = leaves(reader.restore((step / "state").absolute(), args=args))
    except Damaged:
        raise
    except Exception as error:  # whatever a damaged file makes Orbax raise
        raise Damaged(first_line(error, "it can't be read")) from error
    for name, array in arrays.items():
        if leaf_digest(array) != described[name]["sha256"]:
            raise Damaged(f"{name} does not match its digest")
    if np.isfinite(arrays.get("best/value", np.nan)):
        return {name.removeprefix("best/"): array for name, array in arrays.items() if name.startswith(BEST)}
    return {name: array for name, array in arrays.items() if not name.startswith("best/")}


def _named(weights: Weights) -> dict[str, Any]:
    """{`params/fc/kernel` or `model_state/batch_stats/bn1/mean`: leaf}, in the order of the trees."""
    return {
        f"{part}/{path_name(path)}": leaf
        for part, tree in zip(("params", "model_state"), weights, strict=True)
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def _of_head(pattern: str, names: list[str]) -> set[str]:
    """The names that match in what comes after `params/` or `model_state/batch_stats/`."""
    inside = {name: name.split("/", 1 if name.startswith("params/") else 2)[-1] for name in names}
    found = matching(pattern, inside.values())
    return {name for name in names if inside[name] in found}


def _weights(arrays: Mapping[str, np.ndarray]) -> Weights:
    """(params, model_state) of arrays named `params/…` and `model_state/…`."""
    tree = _tree(arrays)
    return tree.get("params", {}), tree.get("model_state", {})


def _tree(named: Mapping[str, Any]) -> dict[str, Any]:
    """{`a/b`: leaf} as {a: {b: leaf}}."""
    tree: dict[str, Any] = {}
    for name, leaf in named.items():
        *modules, last = name.split("/")
        at = tree
        for module in modules:
            at = at.setdefault(module, {})
        at[last] = leaf
    return tree
