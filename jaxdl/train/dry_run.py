"""What a training would be, without training: `--dry-run`."""

import json
import math

import jax

from jaxdl.check.parameters import table
from jaxdl.task import Task
from jaxdl.train import state as states
from jaxdl.train import step as steps
from jaxdl.train.loop import check
from jaxdl.train.parallel import Runner
from jaxdl.train.settings import Run
from jaxdl.train.sharding import make_mesh


def describe(task: Task, run: Run) -> str:
    """Configuration, parameters, shapes, and what the compiled step asks for. Compiles; runs nothing on a device."""
    runner = Runner(make_mesh(run.mesh))
    check(task, run, runner)
    state = jax.eval_shape(lambda key: states.create(task.init, task.optimizer, key), jax.random.key(run.seed))
    runner = runner.over(state, task.sharding)
    state = jax.tree.map(lambda x, at: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=at), state, runner.placed)
    batch = next(task.train.iterate(run.seed))
    loss = steps.in_precision(runner.gathered(task.loss), run.precision)
    step = steps.make_step(loss, task.optimizer, run.accumulate)
    compiled = runner.bind(step, donate=True).lower(state, batch).compile()  # type: ignore[attr-defined]
    sizes, costs = compiled.memory_analysis(), compiled.cost_analysis() or {}
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
        f"{sizes.temp_size_in_bytes:,} bytes of working memory beside state and batch, on each device",
        f"run directory: {run.directory}",
    ]
    return "\n".join(lines)


def _bytes(tree: object) -> int:
    """What one device holds of these arrays."""
    return sum(math.prod(x.sharding.shard_shape(x.shape)) * x.dtype.itemsize for x in jax.tree.leaves(tree))
