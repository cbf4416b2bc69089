"""Several trainings that are compared: each fit lies in a directory of its own, with its own seed."""

import dataclasses
import time
from collections.abc import Callable, Mapping

import numpy as np

from jaxdl.task import Task
from jaxdl.train.loop import Result, fit
from jaxdl.train.settings import Run


def trials(builds: Mapping[str, Callable[[int], Task]], run: Run, seeds: int) -> dict[str, list[Result]]:
    """{name: [result of seed 0, 1, …]}, trained one after the other, and a line printed for each.

    builds  {name: seed -> Task}; the same seed also starts the weights and the order of the examples.
    What an earlier, interrupted process has finished is not trained again. Checkpoints in between would cost more than
    trainings as short as these, so there is one at the end, unless the run says how often.

    InputError where one of them lies there already and is of another configuration (see `train.description`).
    """
    results: dict[str, list[Result]] = {name: [] for name in builds}
    for seed in range(seeds):
        for name, build in builds.items():
            began = time.monotonic()
            task = build(seed)
            every = run.checkpoint_every or task.steps
            place = run.within(f"{name}/{seed}")
            result = fit(task, dataclasses.replace(place, seed=run.seed + seed, checkpoint_every=every, quiet=True))
            scores = "  ".join(f"{metric} {value:.4f}" for metric, value in result.metrics.items())
            print(f"{name}, seed {seed} ({time.monotonic() - began:.1f} s): {scores}", flush=True)
            results[name].append(result)
    return results


def scores(results: Mapping[str, list[Result]], metric: str) -> dict[str, np.ndarray]:
    """{name: one value a seed} of a metric such as "test/accuracy"."""
    return {name: np.array([result.metrics[metric] for result in found]) for name, found in results.items()}
