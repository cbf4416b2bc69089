"""The accelerator's benchmark: what it counts, what it trains, and that it measures nothing where there is none."""

import dataclasses
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import accelerator
from benchmarks.accelerator import WORKS, make_task, on_card, peak_of, utilisation
from benchmarks.tasks import Work
from jaxdl.models.resnet import cifar_resnet

SMALL = Work(cifar_resnet(8, width=4), (8, 8, 3), batch_size=4, block=1)


@pytest.mark.parametrize("flags", [[], ["--quick", "--only", "resnet50"]])
def test_without_an_accelerator_it_says_so_and_prints_no_number(flags, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["accelerator", *flags])
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    accelerator.main()
    printed = capsys.readouterr().out
    assert printed.startswith("no accelerator")
    assert not any(character.isdigit() for character in printed)


def test_an_unknown_network_is_refused_before_anything_is_measured(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["accelerator", "--only", "vgg"])
    with pytest.raises(SystemExit) as stopped:
        accelerator.main()
    assert stopped.value.code == 2
    assert "resnet50" in capsys.readouterr().err


def test_resnet_50_at_10_000_images_a_second_uses_a_quarter_of_an_h200():
    # 4,089,184,256 multiplications forward, twice as many operations, three times with the backward pass.
    (work,) = WORKS["resnet50"]
    used = utilisation(np.array([10_000.0]), work, 989e12)
    np.testing.assert_allclose(used, 10_000 * 6 * 4_089_184_256 / 989e12)
    assert 0.24 < used[0] < 0.25


@pytest.mark.parametrize(
    ("kind", "peak"),
    [
        ("TPU v5 lite", 197e12),
        ("TPU v5", 459e12),
        ("TPU v6 lite", 918e12),
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA H200", 989e12),
        ("NVIDIA A100-SXM4-80GB", None),
        ("cpu", None),
    ],
)
def test_the_peak_goes_by_the_chip_and_is_not_guessed(kind, peak):
    assert peak_of(kind) == peak


def test_the_step_computes_in_bfloat16_and_keeps_its_parameters_in_float32():
    task, seen = make_task(SMALL), set()

    def loss(params, model_state, example, key):
        seen.update(leaf.dtype for leaf in jax.tree.leaves((params, example["image"])))
        return task.loss(params, model_state, example, key)

    run, state = on_card(dataclasses.replace(task, loss=loss))
    before = jax.tree.map(np.array, state().params)
    assert run(2) > 0
    assert seen == {jnp.dtype(jnp.bfloat16)}
    after = state().params
    assert {leaf.dtype for leaf in jax.tree.leaves(after)} == {jnp.dtype(jnp.float32)}
    moved = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), before, after)
    assert min(jax.tree.leaves(moved)) > 0
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(after))


def test_images_a_second_are_the_batch_over_the_seconds_of_a_step(monkeypatch):
    monkeypatch.setattr(accelerator, "on_card", lambda task: (lambda count: 0.5 * count, None))
    lines = list(accelerator.compared("small", SMALL, 3, None, torch=False))
    assert len(lines) == 1  # no peak: no utilisation; no PyTorch: no ratio
    assert lines[0].split()[-3:] == ["0.01"] * 3  # 4 images in 0.5 s, in thousands


def test_when_pytorch_ends_early_our_own_numbers_still_come(monkeypatch):
    def ended(self, name, examples):
        self.process = subprocess.Popen(
            [sys.executable, "-c", ""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    monkeypatch.setattr(accelerator, "on_card", lambda task: (lambda count: 0.5 * count, None))
    monkeypatch.setattr(accelerator.PyTorchOnCard, "__init__", ended)
    said, *lines = accelerator.compared("small", SMALL, 3, 989e12, torch=True)
    assert said == "small, batch 4: PyTorch left out, its process ended"
    assert ["jaxdl" in line for line in lines] == [True, True]
