"""Early stopping: it stops where the history says, gives back the best weights, and goes on alike after a kill."""

import dataclasses
import json
import os
import signal
from functools import partial

import jax
import numpy as np
import optax
import pytest

from jaxdl.errors import InputError, Preempted
from jaxdl.task import EarlyStopping
from jaxdl.train import state as states
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run
from jaxdl.train.state import State
from jaxdl.train.stopping import is_over, judged, nothing_yet


def history(values, stopping):
    """(step of the best, evaluations until training is over) for a metric that takes these values."""
    state = State(np.int32(0), {"w": np.zeros(2, np.float32)}, {}, (), np.zeros(2, np.uint32))
    best = nothing_yet(state)
    for number, value in enumerate(values, 1):
        state = state._replace(step=np.int32(number), params={"w": np.full(2, number, np.float32)})
        best = judged(stopping, best, state, {"dev": {"loss": value}})
        if is_over(stopping, best):
            break
    assert float(best.params["w"][0]) == int(best.step), "the weights kept are those of the best step"
    return int(best.step), number


@pytest.mark.parametrize(
    ("values", "options", "best", "until"),
    [
        ([3, 2, 1, 2, 3, 4, 0], {"patience": 3}, 3, 6),
        ([3, 2, 1, 2, 0.5, 4, 5], {"patience": 3}, 5, 7),
        ([1, 2, 3, 2, 2], {"patience": 2, "goal": "max"}, 3, 5),
        ([3, 2.95, 2.9, 2.85], {"patience": 2, "margin": 0.1}, 1, 3),
        ([float("nan"), 2, float("inf"), 3], {"patience": 2}, 2, 4),
        ([2, 2, 2], {"patience": 2}, 1, 3),
    ],
)
def test_it_keeps_the_best_and_waits_as_long_as_its_patience(values, options, best, until):
    values = [float(value) for value in values]
    assert history(values, EarlyStopping("dev/loss", **options)) == (best, until)


@pytest.fixture
def overfit(make_task):
    """A task whose dev loss falls and then rises: it learns labels that are not there on the dev set."""
    task = make_task(normalized=False, steps=60, optimizer=optax.adam(0.05))
    source = task.evaluate["dev"].source
    labels = np.random.default_rng(1).permutation(source.fields["label"])
    dev = dataclasses.replace(
        task.evaluate["dev"], source=dataclasses.replace(source, fields={**source.fields, "label": labels})
    )
    return dataclasses.replace(task, evaluate={"dev": dev}, stopping=EarlyStopping("dev/loss", patience=4))


def dev_losses(directory):
    lines = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    return {line["step"]: line["loss"] for line in lines if line.get("set") == "dev"}


def test_training_ends_early_with_the_weights_of_the_best_evaluation(overfit, tmp_path):
    result = fit(overfit, Run(tmp_path))
    losses = dev_losses(tmp_path)
    best = min(losses, key=losses.get)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["best_step"] == best
    assert summary["steps"] == max(losses) == best + 4 * overfit.train.steps_per_epoch < overfit.steps
    assert result.metrics["dev/loss"] == losses[best] < losses[max(losses)]


def test_stopped_by_a_signal_it_goes_on_to_the_same_end(overfit, tmp_path):
    """Killed after the best evaluation and before patience runs out: the best weights come out of the checkpoint."""
    run = partial(Run, mesh="data=2", checkpoint_every=5)
    straight = fit(overfit, run(tmp_path / "straight"))
    step = json.loads((tmp_path / "straight/summary.json").read_text())["best_step"] + 4

    batch = type(overfit.train).batch

    class Stops(type(overfit.train)):
        def batch(self, at, *args, **options):
            if at == step:
                os.kill(os.getpid(), signal.SIGTERM)
            return batch(self, at, *args, **options)

    train = overfit.train
    stops = Stops(train.source, train.batch_size)
    with pytest.raises(Preempted):
        fit(dataclasses.replace(overfit, train=stops), run(tmp_path / "stopped"))
    stopped = fit(overfit, run(tmp_path / "stopped"))
    assert states.digest(states.leaves(straight.state)) == states.digest(states.leaves(stopped.state))
    assert stopped.metrics == straight.metrics
    again = fit(overfit, run(tmp_path / "stopped"))
    assert again.metrics == straight.metrics
    assert int(again.state.step) == int(straight.state.step)


def test_with_patience_left_at_the_end_the_result_is_still_the_best(overfit, tmp_path):
    overfit = dataclasses.replace(overfit, stopping=EarlyStopping("dev/loss", patience=100))
    result = fit(overfit, Run(tmp_path, mesh="data=1"))
    losses = dev_losses(tmp_path)
    assert int(result.state.step) == overfit.steps
    assert result.metrics["dev/loss"] == min(losses.values())


def test_the_state_of_a_task_that_does_not_stop_early_has_no_leaf_for_it(make_task, tmp_path):
    result = fit(make_task(steps=2), Run(tmp_path))
    assert not any("best" in path for path in states.leaves(result.state))
    assert jax.tree.structure(result.state) == jax.tree.structure(result.state._replace(best=None))


def test_what_can_not_be_watched_is_named(make_task, tmp_path):
    task = make_task(steps=4)
    with pytest.raises(InputError, match="early stopping on test/loss: the sets scored during training are dev"):
        fit(dataclasses.replace(task, stopping=EarlyStopping("test/loss")), Run(tmp_path / "a"))
    with pytest.raises(InputError, match="early stopping on dev/bleu: the metrics of dev are accuracy, loss"):
        fit(dataclasses.replace(task, stopping=EarlyStopping("dev/bleu")), Run(tmp_path / "b"))
    with pytest.raises(InputError, match="patience 0"):
        EarlyStopping(patience=0)
    with pytest.raises(InputError, match="margin -1"):
        EarlyStopping(margin=-1.0)
    with pytest.raises(InputError, match="expected SET/METRIC"):
        EarlyStopping("loss")
