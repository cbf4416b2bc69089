"""Laws of `python -m jaxdl.check`: its exit codes, one line for a mistake, the leaf at fault by name."""

import os
import subprocess
import sys

import pytest

from jaxdl.check.__main__ import main

EXPERIMENT = """
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxdl.task import Task
from jaxdl.typing import Mean


@dataclass(frozen=True)
class Config:
    wrong: float = 1.0
    width: int = 6


class OneBatch:
    batch_size, steps_per_epoch = 8, 1

    def iterate(self, seed, process=0, processes=1):
        x = np.random.default_rng(seed).normal(size=(8, 5)).astype(np.float32)
        yield {"x": x, "mask": np.ones(8, np.float32), "row": np.arange(8, dtype=np.int32)}


def build(config):
    @jax.custom_vjp
    def identity(w):
        return w

    identity.defvjp(lambda w: (w, None), lambda _, g: (config.wrong * g,))

    def init(key):
        return {"kernel": jax.random.normal(key, (5, config.width)), "bias": jnp.zeros(config.width)}, {}

    def loss(params, model_state, example, key):
        z = jnp.tanh(example["x"] @ identity(params["kernel"]) + params["bias"])
        return Mean.of((z**2).sum(), example["mask"]), (model_state, {})

    return Task(init, loss, optax.identity(), OneBatch(), 1)
"""


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """The name of a small experiment that can be imported."""
    (tmp_path / "parabolas.py").write_text(EXPERIMENT)
    (tmp_path / "bare.py").write_text('"""No experiment."""\n')
    monkeypatch.syspath_prepend(tmp_path)
    yield "parabolas"
    for name in ("parabolas", "bare"):
        sys.modules.pop(name, None)


def test_right_gradients_end_with_0_and_a_table(experiment, capsys):
    assert main([experiment]) == 0
    out = capsys.readouterr().out
    assert "passed" in out
    assert "kernel" in out


def test_a_wrong_gradient_ends_with_1_and_its_leaf_named(experiment, capsys):
    assert main([experiment, "--wrong", "1.001"]) == 1
    assert "FAILED at kernel:" in capsys.readouterr().out


def test_the_flags_of_the_check_and_of_the_experiment_go_together(experiment, capsys):
    args = ["--sample", "7", "--per-example", "--examples", "2", "--epsilon", "1e-4", "--seed", "3"]
    assert main([experiment, "--width", "9", *args]) == 0
    out = capsys.readouterr().out
    assert "14 of 54 coordinates, ε = 1e-04" in out
    assert "example" in out


def test_a_sample_of_0_is_every_coordinate(experiment, capsys):
    assert main([experiment, "--width", "40", "--sample", "0"]) == 0
    assert "240 of 240 coordinates" in capsys.readouterr().out
    assert main([experiment, "--width", "40"]) == 0
    assert "140 of 240 coordinates" in capsys.readouterr().out


def test_a_seed_gives_the_same_table_again_and_another_seed_another(experiment, capsys):
    def table(seed):
        main([experiment, "--seed", seed, "--sample", "3"])
        return capsys.readouterr().out

    assert table("1") == table("1") != table("2")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (
            ["experiments.vision.lenet55"],
            "no module 'experiments.vision.lenet55'; did you mean experiments.vision.lenet5",
        ),
        (["experiments/vision/lenet5.py"], "did you mean experiments.vision.lenet5"),
        (["nowhere.at.all"], "no module 'nowhere.at.all'"),
        (["bare"], "bare has no Config and build(config) -> Task"),
        ([], "the following arguments are required: module"),
        (["parabolas", "--examples", "0"], "examples = 0: expected at least 1"),
        (["parabolas", "--examples", "many"], "invalid int value: 'many'"),
        (["parabolas", "--epsilon", "-1"], "epsilon = -1.0: expected a finite number > 0"),
        (["parabolas", "--widht", "9"], "--width"),
        (["parabolas", "--width", "broad"], "broad"),
        (["parabolas", "--no-dropout"], "no Linen Dropout layer"),
    ],
)
def test_a_mistake_ends_with_2_and_one_line(experiment, args, told, capsys):
    assert main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1


def test_a_broken_import_inside_an_experiment_is_not_taken_for_a_wrong_name(experiment, tmp_path):
    (tmp_path / "broken.py").write_text("import no_such_library\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        main(["broken"])


def test_as_a_program_it_ends_with_the_same_codes_and_no_traceback(experiment, tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-m", "jaxdl.check"]
    wrong = subprocess.run([*command, experiment, "--wrong", "-1"], env=environment, capture_output=True, text=True)
    assert (wrong.returncode, wrong.stderr) == (1, "")
    assert "FAILED at kernel" in wrong.stdout
    unknown = subprocess.run([*command, "parabola"], env=environment, capture_output=True, text=True)
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("error: no module 'parabola'")
    assert "Traceback" not in unknown.stderr
