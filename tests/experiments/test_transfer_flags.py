"""Every image experiment starts from another run's weights, by flags."""

import json

import jax
import numpy as np
import pytest

from experiments.vision import resnet, vgg
from jaxdl.errors import InputError
from jaxdl.run import parse, plain
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run
from jaxdl.train.transfer import load_parameters

SMALL = ["--size", "8", "--width", "4", "--epochs", "1", "--batch-size", "256"]


def configured(module, *flags):
    config, _ = parse(module.Config, [*SMALL, *map(str, flags)], "vision.x", "")
    return config


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    directory = tmp_path_factory.mktemp("source")
    fit(vgg.build(configured(vgg)), Run(directory, mesh="data=1"))
    return directory


def test_frozen_parameters_are_the_source_s_and_the_head_is_new_and_learns(source, tmp_path):
    config = configured(vgg, "--init-from", source, "--freeze", "conv*", "--new-head", "output/*")
    trained = fit(vgg.build(config), Run(tmp_path, mesh="data=1", seed=1)).state.params
    earlier, _ = load_parameters(source)
    for name, layer in trained.items():
        same = [
            np.array_equal(a, b) for a, b in zip(jax.tree.leaves(layer), jax.tree.leaves(earlier[name]), strict=True)
        ]
        assert all(same) if name.startswith("conv") else not any(same), name


def test_the_flags_are_part_of_what_a_run_is_and_plain_json(source):
    plain_config, from_source = plain(configured(vgg)), plain(configured(vgg, "--init-from", source))
    assert plain_config != from_source
    assert json.loads(json.dumps(from_source))["transfer"]["init_from"] == str(source)


def test_another_network_s_weights_are_refused_and_the_head_named(source):
    wide = configured(vgg, "--init-from", source, "--width", 8)
    with pytest.raises(InputError, match=r"not this network's.*new_head"):
        vgg.build(wide).init(jax.random.key(0))
    with pytest.raises(InputError, match="expected the directory of a run"):
        vgg.build(configured(vgg, "--init-from", source / "nowhere"))
    with pytest.raises(InputError, match="expected init_from too"):
        configured(vgg, "--new-head", "output/*")


def test_crops_in_testing_need_a_share_and_mirrors_a_set_that_survives_them():
    with pytest.raises(InputError, match="give --crop too"):
        resnet.build(configured(resnet, "--crops", 5))
    with pytest.raises(InputError, match="would change what the digits"):
        resnet.build(configured(resnet, "--crops", 10, "--crop", 0.8))
    task = resnet.build(configured(resnet, "--crops", 5, "--crop", 0.8))
    one = resnet.build(configured(resnet, "--crop", 0.8))
    params, model_state = task.init(jax.random.key(0))
    example = {name: jax.numpy.asarray(rows[0]) for name, rows in next(task.train.iterate(0)).items()}
    many, single = (float(of.score(params, model_state, example)["loss"].value) for of in (task, one))
    assert many != single
