"""Taking turns: contenders run in short blocks one after the other, so what else the machine does hits them alike."""

import contextlib
import dataclasses
import io
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.contenders import Contender
from jaxdl.task import Batches, BatchIterator, Task
from jaxdl.train.loop import Result, fit
from jaxdl.train.settings import Run

WARM = 2  # the first turns, in which everybody compiles and fills caches, are not counted


def take_turns(contenders: Mapping[str, Contender], block: int, turns: int) -> dict[str, np.ndarray]:
    """Seconds a step of each contender in each turn."""
    rows = [[run(block) / block for run in contenders.values()] for _ in range(WARM + turns)]
    return dict(zip(contenders, np.array(rows[WARM:]).T, strict=True))


def fit_in_turns(task: Task, other: Contender, block: int, turns: int) -> tuple[np.ndarray, np.ndarray, Result]:
    """Seconds a step of `fit` and of the other in each turn, and what `fit` came to.

    `fit` trains once, from beginning to end. The batches it asks for are what interrupts it: each `block` of them, the
    clock stops and the other has its turn. No evaluation or checkpoint falls into that time; each step is logged.
    """
    steps = (WARM + turns) * block + 1
    shared = SharedTime(task.train, block, other)
    with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stdout(io.StringIO()):
        run = Run(workdir=Path(directory), mesh="data=1", evaluate_every=2 * steps, checkpoint_every=2 * steps)
        result = fit(dataclasses.replace(task, train=shared, steps=steps), run)
    ours, others = np.array(shared.pairs[WARM:]).T / block
    return ours, others, result


class SharedTime:
    """Training batches during whose making somebody else has a turn."""

    def __init__(self, batches: Batches, block: int, other: Contender):
        self.batches, self.block, self.other = batches, block, other
        self.batch_size, self.steps_per_epoch = batches.batch_size, batches.steps_per_epoch
        self.pairs: list[tuple[float, float]] = []

    def iterate(self, seed: int, process: int = 0, processes: int = 1) -> "SharedTimeIterator":
        return SharedTimeIterator(self, self.batches.iterate(seed, process, processes))


class SharedTimeIterator:
    """The iterator of `SharedTime`."""

    def __init__(self, shared: SharedTime, batches: BatchIterator):
        self.shared, self.batches, self.at, self.began = shared, batches, 0, 0.0

    def __iter__(self) -> "SharedTimeIterator":
        return self

    def __next__(self) -> dict[str, Any]:
        if self.at % self.shared.block == 0:
            if self.at:
                ours = perf_counter() - self.began
                self.shared.pairs.append((ours, self.shared.other(self.shared.block)))
            self.began = perf_counter()
        self.at += 1
        return next(self.batches)

    def get_state(self) -> dict[str, Any]:
        return self.batches.get_state()

    def set_state(self, state: dict[str, Any]) -> None:
        self.batches.set_state(state)
