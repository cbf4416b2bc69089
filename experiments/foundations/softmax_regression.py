"""Softmax regression on handwritten digits: ten linear boundaries, no hidden layer.

    python -m experiments.foundations.softmax_regression

About 6 s on two CPU cores. Expected test accuracy 0.96; measured 0.965 ± 0.007 (5 seeds).
"""

from dataclasses import dataclass, replace

import jax
import numpy as np

from jaxdl.data import images
from jaxdl.models.classifier import classifier
from jaxdl.models.logistic import SoftmaxRegression
from jaxdl.optim.chain import Chain
from jaxdl.report.classification import classification_figures
from jaxdl.run import run
from jaxdl.task import Task


@dataclass(frozen=True)
class Config:
    dataset: str = "digits"
    """`digits`, or any TFDS image set: mnist, fashion_mnist, …"""
    split_seed: int = 0
    """Of the division into train, dev and test."""
    epochs: int = 45
    batch_size: int = 64
    optimizer: Chain = Chain("adam", learning_rate=1e-2, decay="cosine")


def build(config: Config) -> Task:
    data = images.load(config.dataset, seed=config.split_seed)
    model = SoftmaxRegression(data.classes, event_axes=3)

    def figures(params, model_state):
        shown = data.dev[np.arange(min(len(data.dev), 2000))]
        probabilities = jax.nn.softmax(model.apply({"params": params}, shown["image"]))
        return classification_figures(shown["image"], shown["label"], probabilities, data.class_names)

    task = classifier(model, data, config.optimizer, config.epochs, config.batch_size)
    return replace(task, figures=figures)


if __name__ == "__main__":
    run(build, Config)
