"""The zoo: networks learn on the smallest images, and every published recipe builds at its true shape."""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments.vision import alexnet, efficientnet, inception, mobilenet, resnet, vgg
from jaxdl.check.gradients import check_task
from jaxdl.check.parameters import count
from jaxdl.errors import InputError
from jaxdl.models.cost import multiplications
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run

ZOO = [alexnet, efficientnet, inception, mobilenet, resnet, vgg]
PRESETS = [(module, name) for module in ZOO for name in module.PRESETS]
PAGE = (Path(__file__).parents[2] / "docs/zoo.md").read_text()


def smallest(module, **changes):
    shapes = {resnet: {"depth": 8, "width": 4}, vgg: {"width": 4}, mobilenet: {"width": 0.5}}
    return module.Config(size=8, epochs=2, **shapes.get(module, {}), **changes)


def test_the_gradients_are_right_with_auxiliary_heads():
    """Those of the models alone are checked beside them."""
    report = check_task(inception.build(smallest(inception, max_shift=0)), sample=1, examples=2)
    assert report.ok, str(report)


@pytest.mark.parametrize("module", [resnet, vgg], ids=lambda module: module.__name__.rsplit(".", 1)[1])
def test_its_training_loss_falls(module, tmp_path):
    task = module.build(smallest(module))
    first, last = (
        fit(dataclasses.replace(task, steps=steps), Run(tmp_path / str(steps), mesh="data=1")).metrics["train/loss"]
        for steps in (1, task.steps)
    )
    assert last < 0.9 * first


@pytest.mark.parametrize(("module", "name"), PRESETS, ids=[name for _, name in PRESETS])
def test_a_published_recipe_builds_at_its_true_shape_and_costs_what_the_page_says(module, name):
    preset = module.PRESETS[name]
    classes = 10 if "cifar" in name else 1000
    config = dataclasses.replace(preset, dataset=f"random/{classes}", batch_size=2)
    task = config.task(config.model(classes), config.load())
    params, model_state = jax.eval_shape(task.init, jax.random.key(0))
    batch = next(task.train.iterate(0))
    assert batch["image"].shape == (2, preset.size, preset.size, 3)
    image = jax.ShapeDtypeStruct((preset.size, preset.size, 3), np.float32)
    output = jax.eval_shape(
        lambda p, s, x: config.model(classes).apply({"params": p, **s}, x), params, model_state, image
    )
    assert output.shape == (classes,)
    assert f"| {preset.size} | {count(params):,} | {task.facts['multiplications']:,} |" in PAGE


def test_a_recipe_takes_two_steps_on_random_images_of_its_shape(tmp_path):
    preset = resnet.PRESETS["resnet20-cifar10"]
    config = dataclasses.replace(preset, dataset="random/10", batch_size=8, depth=8)
    task = dataclasses.replace(resnet.build(config), steps=2, evaluate={})
    assert int(fit(task, Run(tmp_path, mesh="data=1")).state.step) == 2


def test_the_auxiliary_heads_take_part_in_training_and_not_in_the_score():
    task, plain = (inception.build(smallest(inception, auxiliary=on, max_shift=0)) for on in (True, False))
    params, _ = task.init(jax.random.key(0))
    assert {"auxiliary4a"} == set(params) - set(plain.init(jax.random.key(0))[0])
    example = {name: jax.numpy.asarray(x[0]) for name, x in next(task.train.iterate(0)).items()}

    def gradient(f):
        return jax.grad(f)(params)["auxiliary4a"]

    trained = gradient(lambda p: task.loss(p, {}, example, jax.random.key(1))[0].total)
    scored = gradient(lambda p: task.score(p, {}, example)["loss"].total)
    assert max(abs(leaf).max() for leaf in jax.tree.leaves(trained)) > 0
    assert max(abs(leaf).max() for leaf in jax.tree.leaves(scored)) == 0


def test_each_auxiliary_loss_counts_three_tenths():
    """A uniform head over 4 classes costs ln 4, a sure and right output nothing; a masked example nothing at all."""
    sure, uniform = jax.numpy.array([100.0, 0.0, 0.0, 0.0]), jax.numpy.zeros(4)
    for mask in (1.0, 0.0):
        example = {"label": jax.numpy.int32(0), "mask": jax.numpy.float32(mask)}
        metrics = inception.graded_with_auxiliary((sure, [uniform, uniform]), example)
        np.testing.assert_allclose(metrics["loss"].total, mask * 0.6 * np.log(4), rtol=1e-6)
        assert float(metrics["accuracy"].total) == mask


def test_a_flip_of_digits_is_refused():
    with pytest.raises(InputError, match="would change what the digits"):
        resnet.build(resnet.Config(flip=True))


def test_the_facts_tell_what_an_image_costs():
    config = smallest(vgg)
    assert vgg.build(config).facts["multiplications"] == multiplications(config.model(10), (8, 8, 1))


@pytest.mark.parametrize("module", ZOO, ids=lambda module: module.__name__.rsplit(".", 1)[1])
def test_the_page_of_the_zoo_gives_its_score_and_what_it_costs(module):
    [row] = [
        line for line in PAGE.splitlines() if line.startswith(f"| `{module.__name__.removeprefix('experiments.')}`")
    ]
    task = module.build(module.Config())
    parameters = count(jax.eval_shape(task.init, jax.random.key(0))[0])
    score, *costs = [cell.strip() for cell in row.split("|")][3:6]
    assert f"measured {score} (3 seeds)" in module.__doc__
    assert costs == [f"{parameters:,}", f"{task.facts['multiplications']:,}"]
