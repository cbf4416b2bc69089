"""The Transformer on digits learns, and a side that patches do not fill is refused before training."""

import dataclasses

import pytest

from experiments.sequences import vision_transformer
from jaxdl.errors import InputError
from jaxdl.optim.chain import Chain
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run

CONFIG = vision_transformer.Config(
    size=8, layers=1, width=16, heads=2, epochs=4, max_shift=0, optimizer=Chain("adam", learning_rate=1e-2)
)


def test_a_few_epochs_teach_it_most_digits(tmp_path):
    """By chance one in ten is right."""
    task = vision_transformer.build(CONFIG)
    task = dataclasses.replace(task, evaluate={"test": task.evaluate["test"]}, figures=None)
    assert fit(task, Run(tmp_path, mesh="data=1")).metrics["test/accuracy"] > 0.5


def test_images_that_patches_do_not_fill_are_refused():
    with pytest.raises(InputError, match="patches of 3 don't fill it"):
        vision_transformer.build(dataclasses.replace(CONFIG, patch=3))
