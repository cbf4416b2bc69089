"""--dry-run describes a training without one."""

import dataclasses
import re

import optax
import pytest

from jaxdl.errors import InputError
from jaxdl.task import EarlyStopping
from jaxdl.train.dry_run import describe
from jaxdl.train.settings import Run


def test_it_names_every_parameter_shape_and_cost_and_leaves_nothing_behind(make_task, tmp_path):
    text = describe(make_task(steps=9), Run(tmp_path / "run", mesh="data=2"))
    assert re.search(r"Dense_0/kernel +6×16 +float32 +96 +384", text)
    assert re.search(r"total +195 +780", text)  # (6·16 + 16) + (16 + 16) + (16·3 + 3)
    assert "x float32[16, 6]" in text
    assert "9 steps, 3 epochs of 3" in text
    assert "devices: 2 x cpu" in text
    assert f"state: {4 * (195 + 32 + 1) + 8} bytes on every device" in text  # parameters, moments, step; and the key
    flops = int(re.search(r"a step: ([\d,]+) floating-point operations", text).group(1).replace(",", ""))
    assert flops > 2 * 3 * 8 * (6 * 16 + 16 * 3) / 2  # at least the matrix products of half the batch, forward and back
    assert not (tmp_path / "run").exists()


def costs(text):
    """(state bytes, operations, bytes of working memory)."""
    found = re.search(r"state: ([\d,]+) bytes(?:.|\n)*a step: ([\d,]+) floating-point operations, ([\d,]+) bytes", text)
    return [int(number.replace(",", "")) for number in found.groups()]


def test_the_best_weights_that_early_stopping_keeps_are_counted(make_task, tmp_path):
    task, run = make_task(normalized=False), Run(tmp_path, mesh="data=1")
    stops = dataclasses.replace(task, stopping=EarlyStopping("dev/loss"))
    weights = 4 * ((6 * 16 + 16) + (16 * 3 + 3))
    assert costs(describe(stops, run))[0] - costs(describe(task, run))[0] == weights + 4 + 4 + 4  # value, step, waited


def test_what_fit_refuses_is_refused(make_task, tmp_path):
    with pytest.raises(InputError, match="pmap has the axis data alone"):
        describe(make_task(), Run(tmp_path, mesh="fsdp=8", parallel="pmap"))
    assert "8 x cpu" in describe(make_task(), Run(tmp_path, mesh="data=8", parallel="pmap"))


def test_it_is_the_step_in_the_precision_asked_for(make_task, tmp_path):
    seen = set()
    task = make_task()

    def spy(params, model_state, example, key):
        seen.add(str(example["x"].dtype))
        return task.loss(params, model_state, example, key)

    describe(dataclasses.replace(task, loss=spy), Run(tmp_path, mesh="data=1", precision="bfloat16"))
    assert seen == {"bfloat16"}


def test_micro_batches_take_less_memory_for_the_same_operations(make_task, tmp_path):
    task = make_task(normalized=False, batch_size=1024, examples=1024, optimizer=optax.sgd(0.1))
    (_, operations, memory), (_, same, less) = (
        costs(describe(task, Run(tmp_path, mesh="data=1", accumulate=parts))) for parts in (1, 8)
    )
    assert same == operations
    assert less < memory / 3
