"""fit: what it leaves behind, and that stopping and going on changes nothing."""

import dataclasses
import itertools
import json
import os
import signal
import types

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdl.errors import Diverged, InputError, Preempted
from jaxdl.train import timing
from jaxdl.train.checkpoint import Checkpoints
from jaxdl.train.loop import Trainer, due, fit
from jaxdl.train.settings import Run


def records(directory, name):
    lines = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line.get("set") == name]


def digest(directory):
    return json.loads((directory / "summary.json").read_text())["state_digest"]


def stopping_at(task, step, action):
    """The task with `action` done when the batch of this step is asked for."""
    iterate = task.train.iterate

    class Train:
        batch_size, steps_per_epoch = task.train.batch_size, task.train.steps_per_epoch
        real = False

        def iterate(self, seed, process=0, processes=1):
            inner = iterate(seed, process, processes)

            class Iterator:
                def __iter__(self):
                    return self

                def __next__(self):
                    if inner.get_state()["next_batch"] == step:
                        action()
                    return next(inner)

                get_state, set_state = inner.get_state, inner.set_state

            return Iterator()

    return dataclasses.replace(task, train=Train())


def test_a_run_leaves_a_line_for_each_step_an_evaluation_an_epoch_and_a_summary(make_task, tmp_path):
    result = fit(make_task(steps=9), Run(tmp_path, checkpoint_every=9))
    assert [line["step"] for line in records(tmp_path, "train")] == list(range(1, 10))
    assert [line["step"] for line in records(tmp_path, "dev")] == [3, 6, 9]
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["metrics"] == result.metrics
    assert summary["metrics"]["dev/accuracy"] == records(tmp_path, "dev")[-1]["accuracy"]
    assert summary["steps"] == 9
    assert summary["restarts"] == 0
    assert summary["cores"] == len(os.sched_getaffinity(0))
    assert summary["versions"]["jax"] == jax.__version__
    assert len(summary["state_digest"]) == 64
    assert summary["facts"]["parameters"] == sum(leaf.size for leaf in jax.tree.leaves(result.state.params))
    assert 0 < summary["facts"]["step_ms"] < 1e3 * summary["seconds"]


def test_evaluation_shows_each_example_once(make_task, tmp_path):
    """40 examples in batches of 16: the mean over the set is that of the examples one by one."""
    task = make_task(steps=3)
    result = fit(task, Run(tmp_path))
    batches = task.evaluate["dev"].iterate(0)
    scored = []
    for batch in itertools.islice(batches, 3):
        for row in range(16):
            if batch["mask"][row]:
                example = {name: jnp.asarray(x[row]) for name, x in batch.items()}
                scored.append(task.score(result.state.params, result.state.model_state, example)["loss"].value)
    assert len(scored) == 40
    np.testing.assert_allclose(result.metrics["dev/loss"], np.mean(scored), rtol=1e-5)


def test_where_the_system_does_not_tell_a_process_s_cores_the_machine_s_are_recorded(make_task, tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    fit(make_task(steps=1), Run(tmp_path))
    assert json.loads((tmp_path / "summary.json").read_text())["cores"] == os.cpu_count()


@pytest.mark.parametrize(("steps", "saves"), [(16, 8), (20, 10), (9, 9)])
def test_unless_it_is_told_a_training_saves_at_most_ten_times(make_task, tmp_path, monkeypatch, steps, saves):
    monkeypatch.setattr(Checkpoints, "save", lambda book, state, *more: saved.add(int(state.step)))
    saved = set()
    fit(make_task(steps=steps), Run(tmp_path))
    assert len(saved) == saves


@pytest.mark.parametrize("flags", [{}, {"steps_per_call": 4}, {"parallel": "pmap"}])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_and_gone_on_equals_never_stopped_bit_for_bit(make_task, tmp_path, flags, number):
    task = make_task(steps=13)
    run = Run(tmp_path / "straight", mesh="data=2", **flags)
    fit(task, run)
    run = dataclasses.replace(run, workdir=tmp_path / "stopped")
    with pytest.raises(Preempted, match=f"{signal.Signals(number).name}: step . of 13 is saved"):
        fit(stopping_at(task, 5, lambda: os.kill(os.getpid(), number)), run)
    fit(task, run)
    assert digest(tmp_path / "straight") == digest(tmp_path / "stopped")
    assert records(tmp_path / "straight", "train") == records(tmp_path / "stopped", "train")
    assert json.loads((tmp_path / "stopped" / "summary.json").read_text())["restarts"] == 1


def test_a_signal_after_the_last_step_is_passed_on(make_task, tmp_path):
    """Another training may follow, which would never hear of it."""
    task = make_task(steps=2)
    score = task.score
    late = dataclasses.replace(task, score=lambda *args: (os.kill(os.getpid(), signal.SIGINT), score(*args))[1])
    with pytest.raises(KeyboardInterrupt):
        fit(late, Run(tmp_path))
    assert json.loads((tmp_path / "summary.json").read_text())["steps"] == 2


def test_signal_handlers_are_given_back(make_task, tmp_path):
    before = signal.getsignal(signal.SIGINT)
    fit(make_task(steps=1), Run(tmp_path))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_crash_between_checkpoints_loses_only_the_steps_since(make_task, tmp_path):
    task = make_task(steps=12)
    run = Run(tmp_path / "crashed", mesh="data=1", checkpoint_every=5)

    def crash():
        raise RuntimeError("planted")

    with pytest.raises(RuntimeError, match="planted"):
        fit(stopping_at(task, 8, crash), run)
    fit(task, run)
    fit(task, dataclasses.replace(run, workdir=tmp_path / "straight"))
    assert digest(tmp_path / "straight") == digest(tmp_path / "crashed")
    assert [line["step"] for line in records(tmp_path / "crashed", "train")] == list(range(1, 13))


def test_a_watched_set_is_not_called_what_the_log_calls_the_steps(make_task, tmp_path):
    task = make_task(steps=2)
    task = dataclasses.replace(task, evaluate={"train": task.evaluate["dev"]}, watch=("train",))
    with pytest.raises(InputError, match="call it whole"):
        fit(task, Run(tmp_path))


def test_a_finished_run_trains_no_further(make_task, tmp_path):
    facts = fit(make_task(), Run(tmp_path)).facts
    assert "step_ms" in facts
    first = digest(tmp_path)
    fit(make_task(), Run(tmp_path))
    assert digest(tmp_path) == first
    again = json.loads((tmp_path / "summary.json").read_text())
    assert again["restarts"] == 0
    assert again["facts"] == facts


def test_a_slow_evaluation_does_not_change_what_a_step_takes(make_task, tmp_path, monkeypatch):
    """A clock by which a call takes 5 ms, and the evaluation after every second one a second."""
    clock = [0.0]

    def taking(seconds, of):
        return lambda *given: (clock.append(clock[-1] + seconds), of(*given))[1]

    monkeypatch.setattr(timing, "time", types.SimpleNamespace(perf_counter=lambda: clock[-1]))
    monkeypatch.setattr(Trainer, "advance", taking(0.005, Trainer.advance))
    monkeypatch.setattr(Trainer, "evaluate", taking(1.0, Trainer.evaluate))
    facts = fit(make_task(steps=9), Run(tmp_path, mesh="data=1", evaluate_every=2, checkpoint_every=9)).facts
    assert facts["step_ms"] == pytest.approx(5)


def test_fresh_starts_from_step_0(make_task, tmp_path):
    fit(make_task(steps=4), Run(tmp_path))
    fit(make_task(steps=4), Run(tmp_path, seed=1, fresh=True))
    again = Run(tmp_path / "again", seed=1)
    fit(make_task(steps=4), again)
    assert digest(tmp_path) == digest(tmp_path / "again")
    assert len(records(tmp_path, "train")) == 4


def test_the_test_set_is_scored_only_at_the_end(make_task, tmp_path):
    task = make_task(steps=9)
    task = dataclasses.replace(task, evaluate={**task.evaluate, "test": task.evaluate["dev"]})
    fit(task, Run(tmp_path))
    assert [line["step"] for line in records(tmp_path, "test")] == [9]


def test_a_parameter_that_overflows_stops_the_run_unsaved_and_is_named_with_its_step(make_task, tmp_path):
    """The second kernel's update is infinite in step 1, so the loss of step 2 is not finite."""
    only = {"Dense_0": {"kernel": False, "bias": False}, "Dense_1": {"kernel": True, "bias": False}}
    task = make_task(normalized=False, optimizer=optax.masked(optax.scale(np.inf), only))
    with pytest.raises(Diverged, match=r"the loss is \S+ at step 2: params/Dense_1/kernel was not finite before"):
        fit(task, Run(tmp_path, checkpoint_every=100))
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_nan_in_the_data_is_told_from_a_diverged_model_and_the_last_good_checkpoint_stays(make_task, tmp_path):
    task = make_task(normalized=False, bad_at=0)
    first = next(step for step in range(9) if np.isnan(task.train.batch(step, 0)["x"]).any())
    with pytest.raises(Diverged, match=f"at step {first + 1}: every parameter was finite, the largest .* in params/"):
        fit(task, Run(tmp_path, checkpoint_every=1))
    assert [int(path.name) for path in (tmp_path / "checkpoints").iterdir()] == ([first] if first else [])


def test_accumulation_refuses_a_model_whose_examples_see_each_other(make_task, tmp_path):
    with pytest.raises(InputError, match="--accumulate 2"):
        fit(make_task(), Run(tmp_path, accumulate=2, mesh="data=1"))


def test_bfloat16_computes_in_bfloat16_and_keeps_float32_parameters(make_task, tmp_path):
    """What weighs an example, and running moments, stay float32 too: sums of many small numbers."""
    seen, kept = set(), set()
    task = make_task(steps=6)

    def spy(params, model_state, example, key):
        seen.update(str(leaf.dtype) for leaf in jax.tree.leaves(params))
        seen.add(str(example["x"].dtype))
        kept.update(str(leaf.dtype) for leaf in jax.tree.leaves((model_state, example["mask"])))
        return task.loss(params, model_state, example, key)

    half = fit(dataclasses.replace(task, loss=spy), Run(tmp_path / "half", precision="bfloat16"))
    full = fit(task, Run(tmp_path / "full"))
    assert seen == {"bfloat16"}
    assert kept == {"float32"}
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(half.state.params)} == {"float32"}
    gap = abs(half.metrics["dev/loss"] - full.metrics["dev/loss"])
    assert 0 < gap < 0.05


def test_a_profile_is_written_for_the_steps_asked_for(make_task, tmp_path):
    fit(make_task(steps=4), Run(tmp_path, profile="1:3"))
    assert list((tmp_path / "profile").rglob("*.xplane.pb"))


@pytest.mark.parametrize(
    ("every", "before", "at", "is_due"), [(5, 4, 5, True), (5, 5, 6, False), (5, 4, 8, True), (5, 0, 4, False)]
)
def test_due_when_a_multiple_was_passed(every, before, at, is_due):
    assert due(every, before, at) == is_due
