"""Batch, mini-batch and single-example descent, by update, epoch and time (Goodfellow et al., 2016, section 8.1.3).

    python -m experiments.training.mini_batches

About 14 s on two CPU cores. Finds: to a cost of 0.1 on the digits, single examples take 1.2 epochs, batches of 16 1.8,
of 64 6.0, of 256 20.1 and all 1078 at once 100.7; by the clock, batches of 16 to 256 need a quarter or less of either
extreme; from one update to the next their cost changes by 0.722, 0.164, 0.067, 0.040 and 0.005 nats (3 seeds).
"""

import time
from dataclasses import dataclass, replace

import jax
import numpy as np

from jaxdl.data import images
from jaxdl.data.batches import Batches
from jaxdl.layers.activations import tanh
from jaxdl.models.classifier import classifier
from jaxdl.models.mlp import MLP
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import curves, dots, spread
from jaxdl.report.records import read, series
from jaxdl.run import run
from jaxdl.train import state as states
from jaxdl.train.parallel import Runner
from jaxdl.train.sharding import make_mesh
from jaxdl.train.step import make_step
from jaxdl.train.trials import trials


@dataclass(frozen=True)
class Config:
    seeds: int = 3
    plans: tuple[tuple[int, float, int], ...] = (
        (1, 0.03, 3), (16, 0.3, 5), (64, 0.3, 10), (256, 0.3, 30), (0, 0.3, 130),
    )  # fmt: skip
    """Triples BATCH_SIZE LEARNING_RATE EPOCHS, 0 being the whole training set. Single examples need the lower rate:
    with 0.1 the cost does not get below 0.2. With 1 the larger batches oscillate at first."""
    high: float = 0.5
    """The cost of the whole training set from which on the noise is measured, after the first steep fall, …"""
    target: float = 0.1
    """… and the one that is to be reached."""
    timed: int = 21
    """Epochs of which the quickest is the time of one: whatever else the machine does only adds to it."""


@dataclass(frozen=True)
class Found:
    """What was measured of one batch size; lists have one entry a seed.

    batch_cost  of each update's own batch
    cost        of the whole training set: (steps, costs)
    """

    steps_per_epoch: int
    seconds_per_epoch: float
    batch_cost: list[np.ndarray]
    cost: list[tuple[np.ndarray, np.ndarray]]

    def steps_to(self, cost):
        """Updates until the whole training set was seen to cost so much or less; NaN where it never was."""
        return np.array([steps[costs <= cost][0] if (costs <= cost).any() else np.nan for steps, costs in self.cost])

    def noise(self, high, low):
        """Standard deviation of the change of the batch's cost from one update to the next, between two costs.

        NaN where the higher was never reached; up to the end where the lower was not.
        """
        begins, ends = np.nan_to_num([self.steps_to(high), self.steps_to(low)], nan=len(self.batch_cost[0])).astype(int)
        spans = zip(self.batch_cost, begins, ends, strict=True)
        changes = [np.diff(costs[begin:end]) for costs, begin, end in spans]
        return np.array([change.std() if change.size else np.nan for change in changes])


@dataclass(frozen=True)
class Numbered:
    """A data set of so many examples, each of which holds nothing but its own number."""

    count: int

    def __len__(self):
        return self.count

    def __getitem__(self, rows):
        return {"number": rows}


def main(config, run):
    found = measure(config, run)
    return [*findings(config, found), *partitions(len(images.load().train))], figures(config, found)


def measure(config, run):
    """{name of the batch size: Found}."""
    data, found = images.load(), {}
    for size, rate, epochs in config.plans:
        size = size or len(data.train)
        name = f"all {size} at once" if size == len(data.train) else f"batches of {size}"
        found[name] = trained(build(data, size, rate, epochs), name, config, run)
    return found


def trained(task, name, config, run):
    once = task.train.steps_per_epoch
    settings = replace(run, evaluate_every=max(1, once // 8), checkpoint_every=task.steps)
    results = trials({name: lambda seed: task}, settings, config.seeds)[name]
    logs = [series(read(result.directory).records)["loss"] for result in results]
    return Found(
        steps_per_epoch=once,
        seconds_per_epoch=seconds_per_epoch(task, config.timed),
        batch_cost=[log["train"].values for log in logs],
        cost=[(log["whole"].steps, log["whole"].values) for log in logs],
    )


def build(data, size, rate, epochs):
    model = MLP((64, 64, 10), activation=tanh, event_axes=3)
    task = classifier(model, data, Chain("gd", learning_rate=rate), epochs, size)
    # "train" in the log is the cost of each update's batch, "whole" that of the whole training set.
    return replace(task, evaluate={"whole": task.evaluate["train"], "test": task.evaluate["test"]}, watch=("whole",))


def seconds_per_epoch(task, timed):
    """Wall time of an epoch's batches and updates alone: nothing is logged, evaluated, saved or compiled."""
    step = Runner(make_mesh("data=1")).bind(make_step(task.loss, task.optimizer), donate=True)
    state = states.create(task.init, task.optimizer, jax.random.key(0))
    batches, times = task.train.iterate(0), []
    state, _ = step(state, next(batches))
    for _ in range(timed):
        jax.block_until_ready(state)
        began = time.perf_counter()
        for _ in range(task.train.steps_per_epoch):
            state, _ = step(state, next(batches))
        jax.block_until_ready(state)
        times.append(time.perf_counter() - began)
    return min(times)


def seen(batches, epoch=0):
    """How often one epoch shows each example: (examples,), padding not counted."""
    steps = range(epoch * batches.steps_per_epoch, (epoch + 1) * batches.steps_per_epoch)
    shown = [batch["number"][batch["mask"] > 0] for batch in (batches.batch(step, seed=0) for step in steps)]
    return np.bincount(np.concatenate(shown), minlength=len(batches.source))


def partitions(count, size=64):
    """Sentences on how an epoch is cut into batches."""
    padded, dropped = (Batches(Numbered(count), size, remainder=remainder) for remainder in ("pad", "drop"))
    once, first = (seen(padded) == 1).all() and (seen(padded, 1) == 1).all(), seen(dropped)
    large = Batches(Numbered(5_000_000), 1000)
    return [
        f"{count} examples in {size}s, short last batch padded: {padded.steps_per_epoch} updates an epoch, every "
        f"example exactly once {'in both of two epochs' if once else '— NOT TRUE'}; the last batch "
        f"has {count % size or size}",
        f"short last batch dropped: {dropped.steps_per_epoch} updates, {(first == 1).sum()} examples once, "
        f"{(first == 0).sum()} not in this epoch, {(first > 1).sum()} twice",
        f"{len(large.source):,} examples in {large.batch_size:,}s: {large.steps_per_epoch:,} updates an epoch",
    ]


def findings(config, found):
    told = []
    for name, one in found.items():
        steps, noise = one.steps_to(config.target), one.noise(config.high, config.target)
        epochs, lost = steps / one.steps_per_epoch, int(np.isnan(steps).sum())
        after = (
            f"after {spread(steps, 0)} updates = {spread(epochs, 1)} epochs = "
            f"{spread(epochs * one.seconds_per_epoch * 1e3, 1)} ms"
        )
        changes = f"; its batches' cost changes by {spread(noise)} from one update to the next"
        told.append(
            f"{name}: {one.steps_per_epoch} updates and {one.seconds_per_epoch * 1e3:.1f} ms an epoch; cost "
            f"{config.target:g} {f'not reached by {lost} of {len(steps)} seeds' if lost else after}"
            + ("" if np.isnan(noise).any() else changes)
        )
    return [*told, verdict(config, found)]


def verdict(config, found):
    """Which batch size is first by epochs and by time, of those that arrive with every seed."""
    epochs = {name: one.steps_to(config.target).mean() / one.steps_per_epoch for name, one in found.items()}
    epochs = {name: value for name, value in epochs.items() if not np.isnan(value)}
    if not epochs:
        return f"No batch size reaches a cost of {config.target:g} with every seed"
    seconds = {name: value * found[name].seconds_per_epoch for name, value in epochs.items()}
    by_epochs, by_time = (min(of, key=lambda name: of[name]) for of in (epochs, seconds))
    return f"First at a cost of {config.target:g}, by epochs: {by_epochs}; by time: {by_time}"


def figures(config, found):
    by_update = {name: (np.arange(1, len(one.batch_cost[0]) + 1), one.batch_cost[0]) for name, one in found.items()}
    whole = {name: np.array([costs for _, costs in one.cost]) for name, one in found.items()}
    epochs = {name: one.cost[0][0] / one.steps_per_epoch for name, one in found.items()}
    by_epoch = {name: (epochs[name], whole[name]) for name in found}
    by_time = {name: (epochs[name] * one.seconds_per_epoch, whole[name]) for name, one in found.items()}
    noise = {name: one.noise(config.high, config.target) for name, one in found.items()}
    return {
        "The cost of each update's own batch (seed 0)": curves(
            by_update, "update", "cost of the update's batch (nats)", log="xy"
        ),
        "The cost of the training set by epoch": curves(by_epoch, "epoch", "cost of the training set (nats)", log="xy"),
        verdict(config, found): curves(by_time, "time (s)", "cost of the training set (nats)", log="xy"),
        "Noise on the way to the target": dots(noise, "standard deviation of the cost's change per update (nats)"),
    }


if __name__ == "__main__":
    run(main, Config)
