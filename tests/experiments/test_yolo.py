"""A short training finds digits it never saw; thresholds and anchors out of range are refused."""

import dataclasses

import pytest

from experiments.vision import yolo
from experiments.vision.yolo import Config
from jaxdl.errors import InputError
from jaxdl.train.settings import Run


def test_a_short_training_finds_digits_it_never_saw_though_it_can_not_read_them_yet(tmp_path):
    config = Config(counts=(400, 8, 60), size=32, digits=(1, 1), width=8, epochs=6, batch_size=16, seeds=1)
    found, _ = yolo.measure(config, Run(tmp_path, mesh="data=1"))
    assert found["mAP@.5, any class"][0] > 0.5
    assert found["mAP@.5, any class"][0] > found["mAP@.5"][0] > found["mAP@.5:.95"][0]
    assert found["IoU of anchors"][0] > 0.75


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"anchors": 0}, "0 anchors for"),
        ({"overlap": 0.0}, "overlap = 0.0"),
        ({"size": 44}, "images of 44 pixels: expected a multiple of 8"),
    ],
)
def test_bad_input_is_refused_before_anything_is_trained(change, message):
    small = Config(counts=(40, 8, 8), size=32)
    with pytest.raises(InputError, match=message):
        yolo.build(dataclasses.replace(small, **change), 0)


def test_a_score_that_mean_average_precision_does_not_see_is_refused():
    with pytest.raises(InputError, match=r"score = 1.2: expected a threshold from 0.05 to 1"):
        Config(score=1.2)
