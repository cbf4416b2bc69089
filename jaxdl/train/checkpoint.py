"""Checkpoints that can be trusted: Orbax writes them, and this file verifies what comes back.

Orbax survives `kill -9`, but it restores some flipped bits silently, casts a wrong dtype, takes an empty directory for
the newest step and never falls back to an earlier one. So beside each state lies a manifest with every leaf's shape,
dtype and SHA-256, and with its own; restoring walks back from the newest step to the first one that verifies.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Sharding

from jaxdl.errors import Diverged, InputError
from jaxdl.train import processes
from jaxdl.train.state import State, leaf_digest, leaves
from jaxdl.train.workdir import first_line, writing
from jaxdl.typing import path_name

SCHEMA = 1
log = logging.getLogger(__name__)


class Damaged(Exception):
    """A checkpoint that can't be read or does not verify."""


class Checkpoints:
    """The checkpoints of one run, `directory/<step>/`, of which the newest `keep` are kept.

    Saving is asynchronous: the state is copied to the host, and written while training goes on. `wait` (or leaving the
    `with` block) returns when it is on disk; a failed write surfaces there or at the next save.
    """

    def __init__(self, directory: Path, keep: int = 3):
        import orbax.checkpoint as ocp

        self.directory = directory
        self._ocp = ocp
        # Directories are made before the writing threads start: else these wait minutes for one that can't be made.
        at_once = ocp.AsyncOptions(create_directories_asynchronously=False)
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, create=True, async_options=at_once)
        with writing(directory):
            self._manager = ocp.CheckpointManager(directory.absolute(), options=options)
        self._saved: int | None = None

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *error: Any) -> None:
        with writing(self.directory):
            self._manager.close()  # waits for what is being written, whatever happened

    def save(self, state: State, data_state: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        """Starts to save a state, the position in the data that belongs to it, and the configuration that made it.

        Raises Diverged, and saves nothing, when a parameter is not finite; StorageError when the disk won't take it.
        """
        step = int(state.step)
        if step == self._saved:
            return
        arrays = leaves(state)
        refuse_not_finite(arrays, step)
        manifest = {
            "schema": SCHEMA,
            "step": step,
            "leaves": {path: _describe(leaf) | {"sha256": leaf_digest(leaf)} for path, leaf in arrays.items()},
            "data": dict(data_state),
            "config": dict(config),
        }
        items = self._ocp.args.Composite(
            state=self._ocp.args.StandardSave(_items(state)),
            manifest=self._ocp.args.JsonSave(manifest | {"sha256": _sha(manifest)}),
        )
        with writing(self.directory):
            self._manager.save(step, args=items)
        self._saved = step

    def wait(self) -> None:
        """Returns when everything saved so far is on disk."""
        with writing(self.directory):
            self._manager.wait_until_finished()

    def steps(self) -> list[int]:
        """The steps on disk, newest first, whether or not they verify."""
        return sorted((int(p.name) for p in self.directory.iterdir() if p.name.isdecimal()), reverse=True)

    def restore(self, like: State, placed: State, config: Mapping[str, Any]) -> tuple[State, dict[str, Any]] | None:
        """The newest state that verifies and its position in the data; None where no checkpoint was ever written.

        like    the state's shapes (from `eval_shape`)
        placed  the sharding of each of its leaves, or of each field

        Damaged checkpoints are moved to `damaged/` with a warning.
        Raises InputError when the newest readable checkpoint has other leaves, and when every one is damaged.
        """
        tried, steps = [], self.steps()  # listed once: another process may be the first to set one aside
        for step in steps:
            try:
                manifest = _agreed(self._manifest, step)
                _compare(manifest, like, config, self.directory / str(step))
                state = _agreed(self._read, step, like, placed)
                _agreed(_verify, state, manifest)
            except Damaged as damage:
                tried.append(f"step {step} ({damage})")
                continue
            for bad in [s for s in steps if s > step]:
                self._set_aside(bad)
            if tried:
                log.warning("damaged checkpoint skipped: %s; going on from step %d", "; ".join(tried), step)
            self._saved = step
            return state, manifest["data"]
        if tried:
            raise InputError(
                f"every checkpoint in {self.directory} is damaged: {'; '.join(tried)}. Start again: --fresh"
            )
        return None

    def _manifest(self, step: int) -> dict[str, Any]:
        try:
            manifest = self._manager.restore(step, args=self._ocp.args.Composite(manifest=self._ocp.args.JsonRestore()))
            manifest = dict(manifest["manifest"])
            claimed = manifest.pop("sha256")
        except Exception as error:  # whatever a damaged file makes Orbax raise
            raise Damaged(first_line(error, "its manifest can't be read")) from error
        if claimed != _sha(manifest):
            raise Damaged("its manifest does not match its own digest")
        return manifest

    def _read(self, step: int, like: State, placed: State) -> State:
        def abstract(x: Any, at: Sharding) -> Any:
            return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=at)

        target = jax.tree.map(abstract, like, jax.tree.broadcast(placed, like))
        args = self._ocp.args.Composite(state=self._ocp.args.StandardRestore(_items(target)))
        try:
            state = State(**self._manager.restore(step, args=args)["state"])
        except Exception as error:  # likewise
            raise Damaged(first_line(error, "its arrays can't be read")) from error
        return state

    def _set_aside(self, step: int) -> None:
        if processes.is_first():
            aside = self.directory.parent / "damaged"
            aside.mkdir(exist_ok=True)
            shutil.rmtree(aside / str(step), ignore_errors=True)
            os.replace(self.directory / str(step), aside / str(step))
        processes.meet(f"checkpoint {step} is set aside")
        self._manager.reload()


def _agreed(attempt: Callable[..., Any], *given: Any) -> Any:
    """What the attempt gives, or Damaged on every process where it is Damaged on one."""
    value, damage = None, None
    try:
        value = attempt(*given)
    except Damaged as error:
        damage = error
    if processes.any_of(damage is not None):
        raise damage or Damaged("another process can't read it")
    return value


def _verify(state: State, manifest: Mapping[str, Any]) -> None:
    for path, leaf in leaves(state).items():
        if leaf_digest(leaf) != manifest["leaves"][path]["sha256"]:
            raise Damaged(f"{path} does not match its digest")


def refuse_not_finite(arrays: Mapping[str, np.ndarray], step: int) -> None:
    """Raises Diverged with the first parameter that holds a NaN or an infinity."""
    for path, leaf in arrays.items():
        if path.startswith("params/") and not np.isfinite(np.asarray(leaf, np.float64)).all():
            raise Diverged(f"{path} is not finite after step {step}; nothing was saved of it")


def _items(state: State) -> dict[str, Any]:
    """The fields that hold arrays: Orbax has no word for None."""
    return {name: value for name, value in state._asdict().items() if value is not None}


def _describe(leaf: Any) -> dict[str, Any]:
    return {"shape": list(leaf.shape), "dtype": str(leaf.dtype)}


def _compare(manifest: dict[str, Any], like: State, config: Mapping[str, Any], where: Path) -> None:
    """InputError when the saved leaves are not those this configuration needs; a warning when only settings differ."""
    saved = {path: {k: leaf[k] for k in ("shape", "dtype")} for path, leaf in manifest["leaves"].items()}
    flat = jax.tree_util.tree_flatten_with_path(like)[0]
    wanted = {path_name(path): _describe(leaf) for path, leaf in flat}
    fields = differences(manifest["config"], config)
    changed = f" Configuration: {', '.join(fields)}." if fields else ""
    complaints = [f"missing {path}" for path in wanted if path not in saved]
    complaints += [f"extra {path}" for path in saved if path not in wanted]
    complaints += [
        f"{path} is {saved[path]['dtype']}{saved[path]['shape']}, not {wanted[path]['dtype']}{wanted[path]['shape']}"
        for path in wanted
        if path in saved and saved[path] != wanted[path]
    ]
    if complaints:
        more = f" and {len(complaints) - 10} more" if len(complaints) > 10 else ""
        raise InputError(
            f"the checkpoint {where} is of another configuration: {len(complaints)} leaves differ: "
            f"{'; '.join(complaints[:10])}{more}.{changed} To start again from step 0: --fresh"
        )
    if fields:
        log.warning("going on from %s with another configuration: %s", where, ", ".join(fields))


def differences(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The fields of two nested configurations that differ, as `optimizer.learning_rate 0.001 -> 0.01`."""
    found = []
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += differences(old, new, f"{prefix}{name}.")
        elif old != new:
            found.append(f"{prefix}{name} {old} -> {new}")
    return found


def _sha(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
