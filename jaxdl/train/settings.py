"""How and where a task is trained: the flags that every experiment shares."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from jaxdl.errors import InputError

NOT_PART_OF_A_RUN = ("workdir", "fresh", "dry_run", "profile", "quiet", "human_level")


@dataclass(frozen=True)
class Run:
    """How and where a task is trained."""

    workdir: Path | None = None
    """The run directory. Default: runs/<experiment>/<8 hex digits of the configuration and these flags>."""
    seed: int = 0
    """Of the initial parameters, the order of the examples, dropout and augmentation."""
    mesh: str = "data=-1"
    """Devices: data=N spreads each batch over N of them, data=-1 over all."""
    parallel: Literal["jit", "pmap"] = "jit"
    """Who places the collectives: XLA (jit with shardings) or the program (pmap)."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What the loss is computed in. Parameters and optimiser state stay float32."""
    accumulate: int = 1
    """Cut each batch into this many micro-batches: the same step in less memory (slow for convolutions on a CPU)."""
    steps_per_call: int = 1
    """Steps in one dispatch: less host time for very small steps."""
    evaluate_every: int = 0
    """Steps between evaluations; 0: once an epoch, and where trainings are compared mostly at the end alone."""
    checkpoint_every: int = 0
    """Steps between checkpoints; 0: ten in the training, and one at the end where trainings are compared."""
    keep: int = 3
    """Checkpoints kept."""
    profile: str = ""
    """START:STOP writes a jax.profiler trace of these steps to <workdir>/profile."""
    human_level: float | None = None
    """The error of people on this task, such as 0.01: the report's diagnosis measures bias from it. Default: 0."""
    fresh: bool = False
    """Forget what earlier runs left in the run directory and start from step 0."""
    dry_run: bool = False
    """Show configuration, parameters, shapes, memory and FLOPs of a step, and train nothing. Of an experiment that
    compares several trainings: its configuration and the run directory."""
    quiet: Annotated[bool, tyro.conf.Suppress] = False
    """No progress on the terminal: for one training among several. Not a flag."""
    experiment: Annotated[Mapping[str, Any], tyro.conf.Suppress] = field(default_factory=dict)
    """What is trained: its name (`experiment`), `doc` and `config`, as plain JSON values. Not a flag."""

    def __post_init__(self) -> None:
        for name, least in (
            ("accumulate", 1),
            ("steps_per_call", 1),
            ("keep", 1),
            ("evaluate_every", 0),
            ("checkpoint_every", 0),
        ):
            value = getattr(self, name)
            if value < least:
                raise InputError(f"--{name.replace('_', '-')} {value}: expected {least} or more")
        if self.human_level is not None and not 0 <= self.human_level <= 1:
            raise InputError(f"--human-level {self.human_level}: expected an error between 0 and 1, such as 0.01")
        if not 0 <= self.seed < 2**32:
            raise InputError(f"--seed {self.seed}: expected 0 to {2**32 - 1}")
        _ = self.profiled

    @property
    def profiled(self) -> tuple[int, int] | None:
        """The steps to profile, [start, stop)."""
        if not self.profile:
            return None
        start, _, stop = self.profile.partition(":")
        if not (start.isdecimal() and stop.isdecimal() and int(start) < int(stop)):
            raise InputError(f"--profile {self.profile}: expected START:STOP, two steps, such as 10:20")
        return int(start), int(stop)

    @property
    def directory(self) -> Path:
        """Where the run lives."""
        if self.workdir is not None:
            return self.workdir
        identity = {"config": self.experiment.get("config"), "settings": self.settings}
        text = json.dumps(identity, sort_keys=True, default=str)
        return Path("runs", self.experiment.get("experiment", "unnamed"), hashlib.sha256(text.encode()).hexdigest()[:8])

    @property
    def settings(self) -> dict[str, Any]:
        """The flags that make it this run and no other, as plain values."""
        fields = (f.name for f in dataclasses.fields(self) if f.name not in (*NOT_PART_OF_A_RUN, "experiment"))
        return {name: getattr(self, name) for name in fields}

    def within(self, name: str) -> "Run":
        """The same run in a sub-directory, for one training among several."""
        return dataclasses.replace(self, workdir=self.directory / name)
