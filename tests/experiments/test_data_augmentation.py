import dataclasses

import numpy as np
import pytest

from experiments.training.data_augmentation import DRAWN, Config, changed, digit_and_photo, findings, measure
from jaxdl.errors import InputError
from jaxdl.train.settings import Run

SMALL = Config(seeds=1, epochs=12, augmentations=("shift", "flips"))


def test_shifts_beat_flips_on_digits(tmp_path):
    found = measure(SMALL, Run(tmp_path, mesh="data=1"))
    assert found["shift"][0] > 0.85
    assert found["shift"][0] > found["flips"][0] + 0.03


def test_flips_of_digits_are_refused_unless_forced(tmp_path):
    with pytest.raises(InputError, match="flips would change what the digits of 'digits' say"):
        measure(dataclasses.replace(SMALL, force=False), Run(tmp_path))


def test_every_augmentation_drawn_changes_the_digit_and_the_photo():
    for image in digit_and_photo(Config()):
        assert 0 <= image.min() < 0.1
        assert 0.6 < image.max() <= 1
        for title in (*DRAWN, "PCA colour"):
            after = changed(title, image)
            assert after.shape == image.shape
            assert np.abs(after - image).mean() > 0.01, title


def test_without_the_plain_training_the_accuracies_are_told_and_no_gains(tmp_path):
    found = {"shift": np.array([0.9]), "noise": np.array([0.8])}
    assert findings(found, 216)[1:] == ["shift: 0.900", "noise: 0.800"]
    gains = findings({**found, "none": np.array([0.85])}, 216)
    assert gains[1:] == ["shift: 0.900; it gains 5.0 points on the same digits.",
                         "noise: 0.800; it costs 5.0 points on the same digits."]  # fmt: skip
    with pytest.raises(InputError, match="did you mean shift"):
        measure(dataclasses.replace(SMALL, augmentations=("shifts",)), Run(tmp_path))
