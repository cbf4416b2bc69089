"""Whole sets, scored with one compiled function."""

import itertools
from collections.abc import Iterable, Mapping

import numpy as np

from jaxdl.task import Batches, Task
from jaxdl.train import step as steps
from jaxdl.train.parallel import Runner
from jaxdl.train.sharding import share
from jaxdl.train.state import State
from jaxdl.train.step import Metrics


class Evaluation:
    """Scores whole sets with one compiled function."""

    def __init__(self, task: Task, runner: Runner):
        self.sets = task.evaluate if task.score else {}
        self.score = runner.bind(steps.make_evaluation(task.score)) if task.score else None
        self.share = share(runner.mesh)
        self.weights: dict[str, dict[str, float]] = {}

    def __call__(self, state: State, names: Iterable[str]) -> dict[str, dict[str, float]]:
        """The metrics of these sets: {"dev": {"accuracy": …}}; how many examples each is of stands in `weights`."""
        found = {name: self.of_set(state, self.sets[name]) for name in names if name in self.sets}
        self.weights = {name: sums.weights() for name, sums in found.items()}
        return {name: next(sums.rows()) for name, sums in found.items()}

    def of_set(self, state: State, batches: Batches) -> Metrics:
        """Each example once, in order; the sums are fetched when the next batch is under way."""
        assert self.score is not None
        total, pending = np.zeros(()), None
        iterator = batches.iterate(0, *self.share)
        for batch in itertools.islice(iterator, batches.steps_per_epoch):
            launched = self.score(state, batch)
            total = total if pending is None else total + np.asarray(pending.vector)
            pending = launched
        assert pending is not None  # a set has at least one batch
        return Metrics(total + np.asarray(pending.vector), pending.names)


def flattened(sets: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """{"dev": {"accuracy": 1.0}} as {"dev/accuracy": 1.0}."""
    return {f"{name}/{metric}": value for name, values in sets.items() for metric, value in values.items()}
