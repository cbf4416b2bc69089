"""LeNet-5 on handwritten digits (LeCun et al., 1998).

    python -m experiments.vision.lenet5

About 12 s on two CPU cores. Expected test accuracy 0.985; measured 0.991 ± 0.005 (5 seeds).
"""

from dataclasses import dataclass

import jax.numpy as jnp

from experiments import expect
from jaxdl.data import images
from jaxdl.data.augment import random_shift
from jaxdl.data.batches import Batches
from jaxdl.losses.classification import graded
from jaxdl.models.lenet import LeNet5
from jaxdl.optim.chain import Chain
from jaxdl.report.classification import of_dev
from jaxdl.run import run
from jaxdl.task import Task


@dataclass(frozen=True)
class Config:
    dataset: str = "digits"
    """`digits`, or any TFDS image set: mnist, fashion_mnist, …"""
    split_seed: int = 0
    """Of the division into train, dev and test."""
    epochs: int = 30
    batch_size: int = 128
    max_shift: int = 3
    """Augmentation: each image is moved by up to this many of its 32 pixels."""
    optimizer: Chain = Chain("adam", learning_rate=3e-3, decay="cosine", clip_norm=1.0)

    def __post_init__(self):
        expect(self, 1, "epochs", "batch_size")


def build(config: Config) -> Task:
    data = images.load(config.dataset, size=32, seed=config.split_seed)
    model = LeNet5(data.classes)
    train = Batches(data.train, config.batch_size, remainder="drop")
    steps = config.epochs * train.steps_per_epoch

    def init(key):
        return model.init(key, jnp.zeros(data.shape))["params"], {}

    def predict(params, model_state, example):
        return model.apply({"params": params}, example["image"])

    def score(params, model_state, example):
        return graded(predict(params, model_state, example), example)

    def loss(params, model_state, example, key):
        moved = random_shift(key, example["image"], config.max_shift)
        metrics = score(params, model_state, example | {"image": moved})
        return metrics.pop("loss"), (model_state, metrics)

    sets = {"train": data.train, "dev": data.dev, "test": data.test}
    return Task(
        init=init,
        loss=loss,
        optimizer=config.optimizer.build(steps, train.steps_per_epoch),
        train=train,
        steps=steps,
        score=score,
        evaluate={name: Batches(source, config.batch_size, shuffle=False) for name, source in sets.items()},
        predict=predict,
        class_names=data.class_names,
        figures=of_dev(predict, data),
    )


if __name__ == "__main__":
    run(build, Config)
