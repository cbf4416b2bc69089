"""A short training learns of pixels what their colour says; each loss is the one asked for."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.vision import unet
from experiments.vision.unet import Config
from jaxdl.losses.segmentation import pixel_cross_entropy, soft_dice, soft_iou
from jaxdl.train.settings import Run

CONFIG = Config(counts=(160, 1, 40), size=32, widths=(8, 16), epochs=10, seeds=1)


def test_it_soon_knows_more_than_how_frequent_background_and_digits_are(tmp_path):
    """Who says these frequencies of every pixel pays their entropy."""
    (counts,), (result,) = unet.measure(CONFIG, Run(tmp_path, mesh="data=1"))
    assert counts.sum() == 40 * 32 * 32
    frequency = counts.sum(1) / counts.sum()
    entropy = -(frequency * np.log(frequency)).sum()
    assert result.metrics["test/loss"] < 0.7 * entropy
    np.testing.assert_allclose(result.metrics["test/accuracy"], np.trace(counts) / counts.sum(), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "loss"), [("cross_entropy", pixel_cross_entropy), ("dice", soft_dice), ("iou", soft_iou)]
)
def test_the_loss_is_the_one_asked_for(name, loss):
    example = {"segments": jnp.array([[0, 1], [2, 1]]), "mask": jnp.float32(1)}
    logits = jax.random.normal(jax.random.key(0), (2, 2, 3))
    graded = unet.graded(unet.LOSSES[name], logits, example)["loss"]
    np.testing.assert_allclose(graded.value, loss(logits, example["segments"]), rtol=1e-6)
    assert replace(CONFIG, loss=name).loss == name
