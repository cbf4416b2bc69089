"""One-shot learning on a shrunken run."""

import numpy as np

from experiments.vision import one_shot
from experiments.vision.one_shot import PIXELS, Config
from jaxdl.train.settings import Run


def test_digits_never_trained_on_are_told_better_than_by_their_pixels(tmp_path):
    config = Config(minings=("semi-hard",), widths=(16, 32), epochs=8, seeds=1, episodes=100)
    found, distances = one_shot.measure(config, Run(tmp_path, mesh="data=1", quiet=True))
    assert found["semi-hard"][0] > found[PIXELS][0] + 0.01
    assert 0.7 < found[PIXELS][0] < 0.85
    assert distances["semi-hard"].shape == (714, 714)


def test_the_pictures_are_of_one_image_asked_and_its_nearest():
    """Where one of each identity lies nearest to all others, it is the first in every row."""
    labels = one_shot.load(Config(), 0).test.fields["label"]
    near = np.ones((len(labels), len(labels))) - np.eye(len(labels))
    sheet = one_shot.neighbours(Config(), {PIXELS: near, "semi-hard": near}, "semi-hard")
    assert len(sheet.axes) == 4 * 2 * 6
