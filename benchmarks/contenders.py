"""Who is timed. A contender runs so many steps when called and returns the seconds they took."""

import functools
import subprocess
import sys
from collections.abc import Callable, Mapping
from os import environ
from time import perf_counter
from types import TracebackType
from typing import Any

import jax
import numpy as np
import optax
from jax.experimental.layout import Format, Layout

from benchmarks.tasks import Work, arrays
from jaxdl.task import Task
from jaxdl.train import state as states
from jaxdl.train.parallel import Runner
from jaxdl.train.sharding import make_mesh
from jaxdl.train.step import make_step
from jaxdl.typing import Batch

Contender = Callable[[int], float]


class ByHand:
    """The loop that one would write for just this model: a jitted step with donated state, and NumPy batches.

    It draws the order of each epoch as `Batches` does, from Philox(seed, epoch), looks at each loss one step late, and
    keeps it. It writes nothing and can't be stopped or resumed.
    """

    def __init__(self, work: Work, task: Task, seed: int = 0):
        self.data, self.batch_size, self.seed, self.at = arrays(work), work.batch_size, seed, 0
        self.params, _ = jax.jit(task.init)(jax.random.split(jax.random.key(seed))[0])
        self.opt_state = task.optimizer.init(self.params)
        self.losses: list[np.ndarray] = []
        self.pending: Any = None

        def cost(params, image, label):
            logits = work.model.apply({"params": params}, image)
            return optax.softmax_cross_entropy_with_integer_labels(logits, label).mean()

        @functools.partial(jax.jit, donate_argnums=(0, 1))
        def step(params, opt_state, image, label):
            loss, gradients = jax.value_and_grad(cost)(params, image, label)
            updates, opt_state = task.optimizer.update(gradients, opt_state, params)
            return optax.apply_updates(params, updates), opt_state, loss

        self.step = step

    def __call__(self, count: int) -> float:
        began = perf_counter()
        image, label, size = self.data["image"], self.data["label"], self.batch_size
        for at in range(self.at, self.at + count):
            epoch, place = divmod(at, len(image) // size)
            if place == 0:
                key = np.array([self.seed, epoch], np.uint64)
                self.order = np.random.Generator(np.random.Philox(key=key)).permutation(len(image))
            rows = self.order[place * size : (place + 1) * size]
            self.params, self.opt_state, loss = self.step(self.params, self.opt_state, image[rows], label[rows])
            if self.pending is not None:
                self.losses.append(np.asarray(self.pending))
            self.pending = loss
        self.at += count
        return perf_counter() - began


def our_step(task: Task) -> Contender:
    """The compiled step of `fit` on one batch, again and again."""
    runner, batch = Runner(make_mesh("data=1")), next(task.train.iterate(0))
    step = runner.bind(make_step(task.loss, task.optimizer), donate=True)
    state = jax.jit(lambda key: states.create(task.init, task.optimizer, key))(jax.random.key(0))
    return again(step, state, batch)[0]


def again(step: Callable, state: states.State, batch: Batch) -> tuple[Contender, Callable[[], states.State]]:
    """(A compiled step on one batch, again and again; what it has come to)."""

    def run(count: int) -> float:
        nonlocal state
        began = perf_counter()
        for _ in range(count):
            state, metrics = step(state, batch)
        jax.block_until_ready((state, metrics))
        return perf_counter() - began

    return run, lambda: state


def per_example_gradients(task: Task) -> Contender:
    """vmap(grad(loss)) over one batch: a gradient of its own for each example.

    XLA chooses the layout of the results in memory. Were it the default, row by row, it would write them transposed and
    then copy them: twice the memory and twice the time.
    """
    params, model_state = jax.jit(task.init)(jax.random.key(0))
    batch = next(task.train.iterate(0))

    def gradient(params: Any, example: Mapping[str, Any]) -> Any:
        key = jax.random.fold_in(jax.random.key(0), example["row"])
        return jax.grad(lambda params: task.loss(params, model_state, dict(example), key)[0].total)(params)

    gradients = jax.jit(jax.vmap(gradient, (None, 0)), out_shardings=Format(Layout.AUTO)).lower(params, batch).compile()

    def run(count: int) -> float:
        began = perf_counter()
        for _ in range(count):
            jax.block_until_ready(gradients(params, batch))
        return perf_counter() - began

    return run


class PyTorch:
    """PyTorch in a process of its own, which sleeps while it is not its turn.

    `what` is as in `benchmarks.torch_side`; all but `step` keep freed memory, as we do.
    """

    def __init__(self, name: str, what: str, examples: int, threads: int):
        command = [sys.executable, "-m", "benchmarks.torch_side", name, what, str(examples), str(threads)]
        told = {**environ, "OMP_WAIT_POLICY": "PASSIVE"}  # else its idle threads spin and slow down everybody
        if what != "step":
            told |= {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1), "MALLOC_ARENA_MAX": "1"}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=told)

    def __enter__(self) -> "PyTorch":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.communicate()  # the end of its input is the end of the process

    def __call__(self, count: int) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())
