"""What a row hands to the same row of the next batch: by hand, on any layout, and after a resume."""

import dataclasses
import json
import os
import signal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdl.check.gradients import check_task, check_task_examples
from jaxdl.data.streams import Streams
from jaxdl.errors import InputError, Preempted
from jaxdl.task import Task, is_coupled
from jaxdl.train import state as states
from jaxdl.train import step as steps
from jaxdl.train.loop import fit
from jaxdl.train.parallel import Runner
from jaxdl.train.settings import Run
from jaxdl.train.sharding import make_mesh
from jaxdl.tune.caviar import caviar
from jaxdl.typing import Mean

TOKENS = np.random.default_rng(0).integers(0, 5, 400)


def recurrent_task(steps=11):
    """h ← tanh(w·token + u·h): eight streams of segments of five tokens, the loss is h's distance from the target."""

    def init(key):
        params = {"w": jnp.float32(0.3), "u": jnp.float32(0.8)}
        return params, {"carry": {"h": jnp.zeros(8)}, "batch_stats": {"seen": jnp.float32(0)}}

    def loss(params, model_state, example, key):
        start = jnp.where(example["begins"] == 1, 0.0, model_state["carry"]["h"])

        def cell(h, token):
            h = jnp.tanh(params["w"] * token + params["u"] * h)
            return h, h

        last, hidden = jax.lax.scan(cell, start, example["tokens"].astype(start.dtype))
        cost = Mean.of((hidden - example["targets"] / 5) ** 2, example["mask"])
        return cost, ({"carry": {"h": last}, "batch_stats": model_state["batch_stats"]}, {})

    return Task(init, loss, optax.sgd(0.05), Streams(TOKENS, 8, 5), steps)


def by_hand(count):
    """h after each step, and w and u, with gradients by finite differences of the same loop in NumPy."""
    streams, h, theta = Streams(TOKENS, 8, 5), np.zeros(8), np.array([0.3, 0.8])

    def run(theta, start, batch):
        h, total = start, 0.0
        for t in range(5):
            h = np.tanh(theta[0] * batch["tokens"][:, t] + theta[1] * h)
            total += ((h - batch["targets"][:, t] / 5) ** 2).sum() / 40
        return total, h

    for step in range(count):
        batch = streams.batch(step, 0)
        start = np.where(batch["begins"] == 1, 0.0, h)
        slope = [run(theta + e, start, batch)[0] - run(theta - e, start, batch)[0] for e in 1e-6 * np.eye(2)]
        h = run(theta, start, batch)[1]
        theta = theta - 0.05 * np.array(slope) / 2e-6
    return h, theta


@pytest.mark.parametrize(
    ("kind", "devices", "accumulate", "per_call"),
    [("jit", 1, 1, 1), ("jit", 4, 1, 1), ("pmap", 4, 1, 1), ("jit", 1, 4, 1), ("jit", 2, 2, 2), ("pmap", 2, 2, 2)],
)
def test_every_layout_does_what_a_loop_in_numpy_does(kind, devices, accumulate, per_call):
    """Twelve steps, of which the eleventh begins an epoch."""
    task, runner = recurrent_task(), Runner(make_mesh(f"data={devices}"), kind)
    assert task.train.steps_per_epoch == 9
    create = jax.jit(lambda key: states.create(task.init, task.optimizer, key), out_shardings=runner.placed)
    state = create(jax.random.key(0))
    body = steps.make_step(task.loss, task.optimizer, accumulate)
    step = runner.bind(steps.repeated(body, per_call), batch_axis=1, donate=True)
    batches = task.train.iterate(0)
    for _ in range(12 // per_call):
        together = [next(batches) for _ in range(per_call)]
        state, _ = step(state, {name: np.stack([batch[name] for batch in together]) for name in together[0]})
    h, (w, u) = by_hand(12)
    np.testing.assert_allclose(state.carry["h"], h, atol=1e-5)
    np.testing.assert_allclose([state.params["w"], state.params["u"]], [w, u], atol=1e-5)
    if kind == "jit" and per_call == 1:
        assert {len(shard.data) for shard in state.carry["h"].addressable_shards} == {8 // devices}


def test_a_stopped_training_goes_on_with_what_its_rows_carried(tmp_path):
    """Stopped in the middle of an epoch, where a carry of zeros would give other numbers."""
    task, run = recurrent_task(), Run(tmp_path / "straight", mesh="data=2", checkpoint_every=100)
    fit(task, run)
    stopped = dataclasses.replace(run, workdir=tmp_path / "stopped")
    batches = task.train

    class Killing(Streams):
        def batch(self, step, **which):
            if step == 6:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().batch(step, **which)

    with pytest.raises(Preempted, match=r"step \d of 11"):
        fit(dataclasses.replace(task, train=Killing(batches.tokens, 8, 5)), stopped)
    fit(task, stopped)
    digests = [json.loads((tmp_path / name / "summary.json").read_text())["state_digest"] for name in
               ("straight", "stopped")]  # fmt: skip
    assert digests[0] == digests[1]


def test_rows_that_carry_something_are_not_coupled_and_pass_the_gradient_check():
    task = recurrent_task()
    assert not is_coupled(task)
    assert check_task(task).ok
    assert check_task_examples(task).ok


def test_trials_side_by_side_are_refused():
    with pytest.raises(InputError, match="one by one"):
        jax.eval_shape(caviar(lambda values: recurrent_task(), {"w": [1.0, 2.0]}).init, jax.random.key(0))
