"""Localisation: what counts as right, by hand; and that a short training finds better boxes than the mean one."""

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.vision import localization
from experiments.vision.localization import Config, grade
from jaxdl.train.settings import Run

CONFIG = Config(scenes=1200, epochs=5, seeds=1)


def example(present=True, mask=1.0):
    box = [8.0, 4.0, 16.0, 20.0] if present else [0.0] * 4
    return {
        "boxes": jnp.array([box]), "labels": jnp.array([3 if present else 0]), "present": jnp.array([present]),
        "mask": mask,
    }  # fmt: skip


def output(presence, box=(12 / 32, 12 / 32, 8 / 32, 16 / 32), label=3):
    return jnp.array([presence, *box] + [9.0 * (number == label) for number in range(10)])


def values(output, example):
    return {name: float(mean.value) for name, mean in grade(CONFIG, True, output, example).items() if name != "loss"}


@pytest.mark.parametrize(
    ("said", "scores"),
    [
        (output(5.0), {"presence": 1, "iou": 1, "class": 1, "all": 1}),
        (output(-5.0), {"presence": 0, "iou": 1, "class": 1, "all": 0}),
        (output(5.0, label=4), {"presence": 1, "iou": 1, "class": 0, "all": 0}),
        (output(5.0, (16 / 32, 12 / 32, 8 / 32, 16 / 32)), {"presence": 1, "iou": 1 / 3, "class": 1, "all": 0}),
    ],
)
def test_a_scene_is_right_where_presence_place_and_class_are(said, scores):
    assert values(said, example()) == pytest.approx(scores)


def test_of_an_empty_scene_only_presence_is_scored_and_of_padding_nothing():
    graded = grade(CONFIG, True, output(-5.0, label=7), example(present=False))
    assert {name: float(mean.weight) for name, mean in graded.items()} == {
        "loss": 1, "presence": 1, "iou": 0, "class": 0, "all": 1
    }  # fmt: skip
    assert float(graded["all"].value) == 1
    assert all(mean.weight == 0 for mean in grade(CONFIG, True, output(5.0), example(mask=0.0)).values())


def test_the_box_of_an_empty_scene_costs_something_only_where_it_counts_everywhere():
    graded = (grade(CONFIG, masked, output(0.0), example(present=False)) for masked in (True, False))
    costs = [float(of["loss"].value) for of in graded]
    squares = (12**2 + 12**2 + 8**2 + 16**2) / 32**2
    assert costs == pytest.approx([np.log(2), np.log(2) + CONFIG.box_weight * squares])


def test_boxes_are_found_better_than_by_the_mean_box(tmp_path):
    results, blind = localization.measure(CONFIG, Run(tmp_path, mesh="data=1"))
    found = results["box where there is a digit"][0].metrics
    assert 0.2 < blind.mean() < 0.4
    assert found["test/presence"] > 0.8
    assert found["test/iou"] > 1.3 * blind.mean()
