"""What a ConvNet sees, on a shrunken run."""

import numpy as np

from experiments.vision import what_convnets_see
from experiments.vision.what_convnets_see import Config
from jaxdl.models.inspection import Box
from jaxdl.train.settings import Run


def test_deep_units_are_more_about_one_digit_than_shallow_ones_and_the_climb_makes_what_the_network_names(tmp_path):
    config = Config(layers=("conv1_1", "dense1"), climb=60, seeds=2, epochs=5)
    found, (model, variables, dev) = what_convnets_see.measure(config, Run(tmp_path, mesh="data=1"))
    assert found["dense1"].mean() > found["conv1_1"].mean()
    assert found["probability of its class"].min() > 0.5  # by chance 0.1
    assert what_convnets_see.seen(model, variables, dev, "conv1_2") == "5×5 pixels"


def test_a_patch_at_the_border_is_filled_up_on_the_side_that_is_missing():
    image = np.arange(1.0, 17).reshape(4, 4, 1)
    part = what_convnets_see.cut(image, Box(0, 2, 2, 4), 3)[..., 0]
    np.testing.assert_array_equal(part, [[1, 1, 1], [3, 4, 1], [7, 8, 1]])
