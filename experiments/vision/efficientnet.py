"""EfficientNet on handwritten digits (Tan and Le, 2019).

    python -m experiments.vision.efficientnet

About 25 s on two CPU cores. Expected test accuracy 0.97; measured 0.986 ± 0.003 (3 seeds).
"""

from dataclasses import dataclass
from typing import Literal

from experiments.vision import Recipe
from jaxdl.models.efficientnet import EfficientNet, efficientnet, small_efficientnet
from jaxdl.optim.chain import Chain
from jaxdl.run import run
from jaxdl.task import Task


@dataclass(frozen=True)
class Config(Recipe):
    number: Literal["small", "0", "1", "2", "3", "4", "5", "6", "7"] = "small"
    """0 to 7 are B0 to B7; `small` has five blocks, for small images."""
    width: float = 1.0
    """What the channels of the small one are multiplied by."""
    depth: float = 1.0
    """What its blocks are multiplied by."""

    def model(self, classes: int) -> EfficientNet:
        if self.number != "small":
            return efficientnet(int(self.number), classes)
        return small_efficientnet(classes, self.width, self.depth)


PRESETS = {
    # Section 5.2, at the paper's resolution; its momentum of 0.9 behind RMSprop is left out, and a rate of 0.256 for
    # 4,096 images is taken to 256 of them.
    "efficientnet-b0-imagenet": Config(
        "imagenet2012", 224, epochs=350, batch_size=256, max_shift=0, crop=0.875, flip=True, number="0",
        optimizer=Chain("rmsprop", 0.016, "staircase", decay_rate=0.97, decay_epochs=2, weight_decay=1e-5),
    ),
}  # fmt: skip


def build(config: Config) -> Task:
    data = config.load()
    return config.task(config.model(data.classes), data)


if __name__ == "__main__":
    run(build, Config, presets=PRESETS)
