"""What a run directory says of its training: config.json before it, summary.json after it."""

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from jaxdl.errors import InputError
from jaxdl.train import processes, workdir
from jaxdl.train import state as states
from jaxdl.train.checkpoint import differences
from jaxdl.train.parallel import Runner
from jaxdl.train.settings import Run
from jaxdl.train.state import State

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")
OF_TRAINING = ("versions", "devices", "cores", "steps_per_call", "processes", "seconds")
"""What a summary keeps saying of the training when a later call finds it finished."""


def configuration(run: Run) -> dict[str, Any]:
    """What a checkpoint is compared by, as JSON has it."""
    return json.loads(json.dumps({"config": run.experiment.get("config", {}), **run.settings}, default=str))


def described(directory: Path, run: Run, training: bool) -> dict[str, Any]:
    """Writes config.json; returns the summary that an earlier call left, or {}.

    With nothing left to train the settings stay those it was trained with. InputError where the configuration, the seed
    or the precision is another than what a finished run was trained with, or one training of several was begun with.
    """
    before, settings = workdir.read_json(directory / "config.json"), run.settings
    if before and (run.quiet or not training):
        now, then = configuration(run), before.get("settings") or {}
        settings = settings if training else then
        fields = differences({"config": before.get("config") or {}, **then}, now)
        grown = {f"config.{name}" for name in _grown(before.get("config") or {}, now["config"] or {}, run.quiet)}
        changed = [f for f in fields if f.startswith(("config.", "seed ", "precision ")) and f.split()[0] not in grown]
        if changed:
            raise InputError(
                f"{directory} was trained with another configuration ({', '.join(changed)}): --fresh starts again, "
                "or give another --workdir"
            )
    if processes.is_first():
        workdir.write_json(directory / "config.json", {**run.experiment, "settings": settings})
    return workdir.read_json(directory / "summary.json")


def _grown(before: Mapping[str, Any], now: Mapping[str, Any], compared: bool) -> list[str]:
    """The fields that may differ: the number of seeds, and where trainings are compared the lists of them."""

    def holds(some: Any, others: Any) -> bool:
        return isinstance(some, list) and isinstance(others, list) and all(item in some for item in others)

    pairs = {name: (before.get(name), value) for name, value in now.items()}
    return ["seeds", *(name for name, (a, b) in pairs.items() if compared and (holds(a, b) or holds(b, a)))]


def summary(state: State, metrics: Mapping[str, float], run: Run, runner: Runner) -> dict[str, Any]:
    """What a finished run has to say for itself, and everything that its last bit depends on."""
    device = runner.mesh.devices.flat[0]
    return {
        "metrics": dict(metrics),
        "steps": int(state.step),
        **({"best_step": int(state.best.step)} if state.best else {}),
        "state_digest": states.digest(states.leaves(state)),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "devices": f"{runner.mesh.size} x {device.device_kind}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),  # a Mac's
        "steps_per_call": run.steps_per_call,
        "processes": jax.process_count(),
    }
