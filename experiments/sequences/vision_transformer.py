"""A Transformer that reads handwritten digits patch by patch (Dosovitskiy et al., 2021).

    python -m experiments.sequences.vision_transformer

About 12 s on two CPU cores. Expected test accuracy 0.96; measured 0.968 ± 0.014 (3 seeds).
"""

from dataclasses import dataclass

from experiments import expect
from experiments.vision import Recipe
from jaxdl.models.transformer import Size
from jaxdl.models.vision_transformer import VisionTransformer
from jaxdl.optim.chain import Chain
from jaxdl.run import run
from jaxdl.task import Task


@dataclass(frozen=True)
class Config(Recipe):
    patch: int = 4
    """Side of a patch in pixels: 16 of them to a digit."""
    layers: int = 2
    width: int = 64
    heads: int = 4
    dropout: float = 0.1
    epochs: int = 40
    optimizer: Chain = Chain("adam", learning_rate=2e-3, decay="cosine", warmup_steps=100, clip_norm=1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self, 1, "patch", "layers", "width", "heads")

    def model(self, classes: int) -> VisionTransformer:
        size = Size(self.layers, self.width, self.heads, 2 * self.width, self.dropout, "pre", activation="gelu")
        return VisionTransformer(classes, self.patch, size)


def build(config: Config) -> Task:
    data = config.load()
    return config.task(config.model(data.classes), data)


if __name__ == "__main__":
    run(build, Config)
