"""Every experiment keeps the form its reader relies on, and the small ones learn."""

import ast
import dataclasses
import itertools
import re
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments.__main__ import listing
from experiments.foundations import softmax_regression
from experiments.vision import lenet5
from jaxdl.check.gradients import check_task
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run

ROOT = Path(__file__).parents[2] / "experiments"


SCORES = r"Expected [\w ]+ 0\.\d+; measured 0\.\d+ ± 0\.\d+ \(\d+ seeds\)\.$"
FINDING = r"Finds: .*\d.* \((\d+ seeds|exact|median of \d+ runs)\)\.$"


@pytest.mark.parametrize("name", listing())
def test_its_docstring_gives_the_command_the_cost_and_what_it_scores_or_finds(name):
    doc = ast.get_docstring(ast.parse((ROOT / f"{name.replace('.', '/')}.py").read_text()))
    assert f"\n    python -m experiments.{name}\n" in doc
    assert re.search(r"About \d+ s on two CPU cores\. ", doc)
    assert re.search(f"{SCORES}|{FINDING}", " ".join(doc.split())), doc


@pytest.mark.parametrize(("experiment", "reached"), [(softmax_regression, 0.85), (lenet5, 0.5)])
def test_two_epochs_teach_it_something(experiment, reached, tmp_path):
    task = experiment.build(experiment.Config(epochs=2))
    result = fit(task, Run(tmp_path, mesh="data=1"))
    assert result.metrics["test/accuracy"] > reached


@pytest.mark.parametrize("experiment", [softmax_regression, lenet5])
def test_its_gradients_are_right(experiment):
    task = experiment.build(experiment.Config())
    report = check_task(task, sample=20)
    assert report.ok, str(report)


def test_lenet_sees_shifted_digits_in_training_and_plain_ones_in_evaluation():
    task = lenet5.build(lenet5.Config())
    params, model_state = task.init(jax.random.key(0))
    batch = next(task.train.iterate(0))
    example = {name: jax.numpy.asarray(x[0]) for name, x in batch.items()}
    losses = {float(task.loss(params, model_state, example, jax.random.key(seed))[0].total) for seed in range(8)}
    assert len(losses) > 1
    still = lenet5.build(lenet5.Config(max_shift=0))
    plain = still.loss(params, model_state, example, jax.random.key(0))[0].total
    np.testing.assert_allclose(plain, task.score(params, model_state, example)["loss"].total, rtol=1e-5)


def test_no_test_image_is_trained_on():
    task = lenet5.build(lenet5.Config())

    def images(batches):
        rows = itertools.islice(dataclasses.replace(batches, shuffle=False).iterate(0), batches.steps_per_epoch)
        return {image.tobytes() for batch in rows for image in batch["image"][batch["mask"] > 0]}

    sets = {name: images(batches) for name, batches in task.evaluate.items()}
    assert not images(task.train) & (sets["dev"] | sets["test"])
    assert not sets["dev"] & sets["test"]
    assert sum(map(len, sets.values())) == 1797
