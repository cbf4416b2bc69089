"""The training loop. There is one."""

import contextlib
import io
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from jaxdl.check import parameters
from jaxdl.errors import Diverged, InputError, Preempted
from jaxdl.task import BatchIterator, Task, is_coupled
from jaxdl.train import processes, stopping, workdir
from jaxdl.train import state as states
from jaxdl.train import step as steps
from jaxdl.train.checkpoint import Checkpoints
from jaxdl.train.description import OF_TRAINING, configuration, described, summary
from jaxdl.train.evaluation import Evaluation, flattened
from jaxdl.train.logbook import Logbook
from jaxdl.train.parallel import Runner
from jaxdl.train.preemption import StopRequest
from jaxdl.train.settings import Run
from jaxdl.train.sharding import make_mesh, share
from jaxdl.train.state import Best, State
from jaxdl.train.step import Metrics
from jaxdl.train.timing import Pace, Profile
from jaxdl.typing import Batch


@dataclass(frozen=True)
class Result:
    """A finished training: its last state, its metrics by name (`test/accuracy`), its facts and its directory.

    The facts are the task's own, `parameters`, and `step_ms` if it was trained in this process.
    """

    state: State
    metrics: Mapping[str, float]
    facts: Mapping[str, float | int]
    directory: Path


def fit(task: Task, run: Run) -> Result:
    """Trains a task in its run directory, going on where an earlier process stopped.

    Raises Diverged when the loss or a parameter is not finite, Preempted after saving on SIGTERM or SIGINT,
    InputError for what can't be trained this way, StorageError when a checkpoint can't be written.
    """
    began = time.monotonic()
    runner = Runner(make_mesh(run.mesh), run.parallel)
    check(task, run, runner)
    runner = runner.over(jax.eval_shape(creation(task), jax.random.key(0)), task.sharding)
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(StopRequest())
        directory = stack.enter_context(workdir.held(run.directory, run.experiment.get("experiment"), run.fresh))
        processes.meet("the run directory is ready")
        checkpoints = stack.enter_context(Checkpoints(directory / "checkpoints", run.keep))
        state, batches = begin(task, run, runner, checkpoints)
        training = int(state.step) < task.steps and not stopping.is_over(task.stopping, state.best)
        earlier = described(directory, run, training)
        logbook = stack.enter_context(Logbook(directory, task.steps, io.StringIO() if run.quiet else None))
        evaluation = Evaluation(task, runner)
        trainer = Trainer(task, run, runner, evaluation, checkpoints, logbook)
        if training:
            logbook.start(int(state.step))
            state = trainer.train(state, batches, stop)
        state = stopping.with_best_weights(state)
        metrics = evaluation(state, task.evaluate)
        logbook.evaluation(int(state.best.step if state.best else state.step), metrics)
        flat, weights = flattened(metrics), flattened(evaluation.weights)
        pace = trainer.pace.facts() or {k: v for k, v in earlier.get("facts", {}).items() if k == "step_ms"}
        facts = {"parameters": parameters.count(state.params), **task.facts, **pace}
        record = summary(state, flat, run, runner) | {
            "facts": facts,
            "weights": weights,
            "human_level": run.human_level,
            "restarts": logbook.starts - 1,
            "seconds": time.monotonic() - began,
            **({} if training else {name: earlier[name] for name in OF_TRAINING if name in earlier}),
        }
        if processes.is_first():
            workdir.write_json(directory / "summary.json", record)
    return Result(state, flat, facts, directory)


def check(task: Task, run: Run, runner: Runner) -> None:
    """Raises InputError, before anything is compiled, for what can't be trained this way."""
    runner.check_batch("train", task.train.batch_size, run.accumulate)
    stopping.check(task)
    if "train" in task.watch:
        raise InputError(
            "a set called train can't be watched: in the log that name is the training steps'; call it whole"
        )
    for name, batches in task.evaluate.items():
        runner.check_batch(name, batches.batch_size)
    if run.accumulate > 1 and is_coupled(task):
        raise InputError(
            f"--accumulate {run.accumulate}: this model's examples see each other (batch norm, mining); a micro-batch "
            "would change what they see; use --accumulate 1 and a smaller batch"
        )


def begin(task: Task, run: Run, runner: Runner, checkpoints: Checkpoints) -> tuple[State, BatchIterator]:
    """The newest checkpoint and the batches that come after it, or the first state and the first batch."""
    key, create = jax.random.key(run.seed), creation(task)
    batches = task.train.iterate(run.seed, *share(runner.mesh))
    restored = checkpoints.restore(jax.eval_shape(create, key), runner.placed, configuration(run))
    if restored is None:
        return jax.jit(create, out_shardings=runner.placed)(key), batches
    state, position = restored
    batches.set_state(position)
    return state, batches


def creation(task: Task) -> Callable[[jax.Array], State]:
    """key -> the state before the first step."""

    def create(key: jax.Array) -> State:
        state = states.create(task.init, task.optimizer, key)
        return state._replace(best=stopping.nothing_yet(state)) if task.stopping else state

    return create


class Trainer:
    """One training in progress: the compiled steps, and the places it writes to."""

    def __init__(
        self, task: Task, run: Run, runner: Runner, evaluation: Evaluation, checkpoints: Checkpoints, logbook: Logbook
    ):
        self.task, self.run = task, run
        self.evaluation, self.checkpoints, self.logbook = evaluation, checkpoints, logbook
        self.best: Best | None = None
        self.agreed = False
        self.pace = Pace()
        self.profile = Profile(run.profiled, run.directory / "profile")
        self.evaluate_every = run.evaluate_every or task.train.steps_per_epoch
        self.checkpoint_every = run.checkpoint_every or -(-task.steps // 10)
        loss = steps.in_precision(runner.gathered(task.loss), run.precision)
        step = steps.make_step(loss, task.optimizer, run.accumulate)
        self.one = runner.bind(step, donate=True)
        self.many = runner.bind(steps.repeated(step, run.steps_per_call), batch_axis=1, donate=True)

    def train(self, state: State, batches: BatchIterator, stop: StopRequest) -> State:
        """The loop. It never waits for the step it has just launched: metrics are fetched one call late."""
        at, pending = int(state.step), None
        state, self.best = state._replace(best=None), state.best
        while at < self.task.steps and not self.over and not self.is_asked(stop):
            self.profile.at(at)
            state, launched, count = self.advance(state, batches, at, stop)
            self.log(pending, state)
            before, at, pending = at, at + count, (at + 1, launched)
            # The last weights are evaluated by `fit`; here only where they may turn out not to be the best.
            last = at >= self.task.steps
            evaluating = self.best is not None if last else due(self.evaluate_every, before, at)
            saving = due(self.checkpoint_every, before, at)
            self.pace.step(count, pausing=evaluating or saving)
            if evaluating or saving:
                self.log(pending, state)
                pending = None
            if evaluating:
                self.evaluate(state, at)
            if saving:
                self.save(state, batches)
        self.log(pending, state)
        self.profile.end()
        self.save(state, batches)
        self.checkpoints.wait()
        if at < self.task.steps and not self.over:
            raise Preempted(
                f"{stop.name or 'another process was asked to stop'}: step {at} of {self.task.steps} is saved; "
                "the same command goes on from there"
            )
        return state._replace(best=self.best)

    @property
    def over(self) -> bool:
        """Whether training ends early."""
        return stopping.is_over(self.task.stopping, self.best)

    def evaluate(self, state: State, at: int) -> None:
        """Scores the watched sets, and keeps the weights if they are the best so far."""
        scores = self.evaluation(state, self.task.watch)
        self.logbook.evaluation(at, scores)
        if self.task.stopping and self.best:
            self.best = stopping.judged(self.task.stopping, self.best, state, scores)

    def is_asked(self, stop: StopRequest) -> bool:
        """Whether to save and leave. Several processes do so after the same step, that told all of them."""
        return self.agreed if jax.process_count() > 1 else bool(stop.signal)

    def advance(self, state: State, batches: BatchIterator, at: int, stop: StopRequest) -> tuple[State, Metrics, int]:
        """Launches the next call: `steps_per_call` steps, or one where fewer are left."""

        def following() -> Batch:
            batch = next(batches)
            if jax.process_count() == 1:
                return batch
            return {**batch, steps.STOP: np.full(len(batch["row"]), bool(stop.signal), np.float32)}

        count = self.run.steps_per_call
        if count == 1 or at + count > self.task.steps:
            return *self.one(state, following()), 1
        stacked = [following() for _ in range(count)]
        batch = {name: np.stack([batch[name] for batch in stacked]) for name in stacked[0]}
        return *self.many(state, batch), count

    def log(self, pending: tuple[int, Metrics] | None, state: State) -> None:
        """Writes the metrics of a finished call. Raises Diverged when a loss among them is not finite."""
        if pending is None:
            return
        first, launched = pending
        for at, metrics in enumerate(launched.rows(), first):
            if not math.isfinite(metrics["loss"]):
                raise Diverged(f"the loss is {metrics['loss']} at step {at}: {culprit(state)}")
            self.agreed |= metrics.pop(steps.STOP, 0.0) > 0
            self.logbook.train(at, metrics)

    def save(self, state: State, batches: BatchIterator) -> None:
        """Starts to save the state and the position in the data; the log reaches the disk first."""
        self.logbook.flush()
        self.checkpoints.save(state._replace(best=self.best), batches.get_state(), configuration(self.run))


def culprit(state: State) -> str:
    """Where a loss that is not finite came from, as far as the parameters tell: its own step spoils none of them."""
    largest = {path: np.abs(leaf).max() for path, leaf in states.leaves({"params": state.params}).items()}
    spoilt = [path for path, value in largest.items() if not np.isfinite(value)]
    if spoilt:
        return f"{', '.join(spoilt)} was not finite before; try a lower learning rate"
    path = max(largest, key=lambda path: largest[path])
    return f"every parameter was finite, the largest {largest[path]:.2g} in {path}; look for overflow, and at the batch"


def due(every: int, before: int, at: int) -> bool:
    """Whether a multiple of `every` lies in (before, at]."""
    return at // every > before // every
