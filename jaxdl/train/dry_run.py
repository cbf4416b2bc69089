"""What a training would be, without training: `--dry-run`."""

import json
import math
from typing import Any

import jax

from jaxdl.check.parameters import table
from jaxdl.task import Task
from jaxdl.train import step as steps
from jaxdl.train.loop import check, creation
from jaxdl.train.parallel import Runner
from jaxdl.train.settings import Run
from jaxdl.train.sharding import make_mesh


def describe(task: Task, run: Run) -> str:
    """Configuration, parameters, shapes, and what the compiled step asks for. Compiles; runs nothing on a device."""
    check(task, run, Runner(make_mesh(run.mesh), run.parallel))
    state = jax.eval_shape(creation(task), jax.random.key(run.seed))
    runner = Runner(make_mesh(run.mesh)).over(state, task.sharding)  # pmap's program asks for about the same
    state = jax.tree.map(lambda x, at: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=at), state, runner.placed)
    batch = next(task.train.iterate(run.seed))
    loss = steps.in_precision(runner.gathered(task.loss), run.precision)

    def compiled(accumulate: int) -> Any:
        step = steps.make_step(loss, task.optimizer, accumulate)
        return runner.bind(step, donate=True).lower(state, batch).compile()  # type: ignore[attr-defined]

    program = compiled(run.accumulate)
    # Of a loop, such as that over micro-batches, XLA counts the operations once.
    costs = (program if run.accumulate == 1 else compiled(1)).cost_analysis() or {}
    epochs = task.steps / task.train.steps_per_epoch
    lines = [
        json.dumps({**run.experiment, "settings": run.settings}, indent=2, default=str),
        "",
        table(state.params),
        "",
        f"batch: {', '.join(f'{name} {x.dtype}{list(x.shape)}' for name, x in sorted(batch.items()))}",
        f"training: {task.steps:,} steps, {epochs:g} epochs of {task.train.steps_per_epoch:,}",
        f"evaluated: {', '.join(task.evaluate) or 'nothing'}",
        f"devices: {runner.mesh.size} x {runner.mesh.devices.flat[0].device_kind} ({run.mesh})",
        f"state: {_bytes(state):,} bytes on every device",
        f"a step: {costs.get('flops', float('nan')):,.0f} floating-point operations, "
        f"{program.memory_analysis().temp_size_in_bytes:,} bytes of working memory beside state and batch, on each "
        "device",
        f"run directory: {run.directory}",
    ]
    return "\n".join(lines)


def _bytes(tree: object) -> int:
    """What one device holds of these arrays."""
    return sum(math.prod(x.sharding.shard_shape(x.shape)) * x.dtype.itemsize for x in jax.tree.leaves(tree))
