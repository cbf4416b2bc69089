"""A tiny experiment whose training can be slowed down, crashed or spoilt at a step."""

import dataclasses
import os
import time
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from jaxdl.data import images
from jaxdl.data.batches import Batches
from jaxdl.losses.classification import graded
from jaxdl.models.logistic import SoftmaxRegression
from jaxdl.optim.chain import Chain
from jaxdl.run import run
from jaxdl.task import Task


@dataclass(frozen=True)
class Config:
    dataset: str = "digits"
    size: int = 4
    steps: int = 60
    pause: float = 0.0
    """Seconds before each batch."""
    crash_at: int = -1
    nan_at: int = -1
    optimizer: Chain = Chain("adam")


class Misbehaving:
    """Batches that wait, raise, or hold a NaN when the configuration says so."""

    def __init__(self, batches, config):
        self.batches, self.config = batches, config

    def __next__(self):
        time.sleep(self.config.pause)
        step = self.batches.get_state()["next_batch"]
        batch = next(self.batches)
        if step == self.config.crash_at:
            raise RuntimeError("planted crash")
        return batch | {"image": np.full_like(batch["image"], np.nan)} if step == self.config.nan_at else batch

    def __getattr__(self, name):
        return getattr(self.batches, name)

    def __iter__(self):
        return self


@dataclass(frozen=True)
class Train:
    batches: Batches
    config: Config

    def iterate(self, *args):
        return Misbehaving(self.batches.iterate(*args), self.config)

    @property
    def batch_size(self):
        return self.batches.batch_size

    @property
    def steps_per_epoch(self):
        return self.batches.steps_per_epoch


def build(config: Config) -> Task:
    data = images.load(config.dataset, size=config.size)
    model = SoftmaxRegression(data.classes, event_axes=3)
    batches = Batches(data.train, 64)

    def init(key):
        return model.init(key, jnp.zeros(data.shape))["params"], {}

    def score(params, model_state, example):
        return graded(model.apply({"params": params}, example["image"]), example)

    def loss(params, model_state, example, key):
        metrics = score(params, model_state, example)
        return metrics.pop("loss"), (model_state, metrics)

    optimizer = config.optimizer.build(config.steps, batches.steps_per_epoch)
    dev = {"dev": Batches(data.dev, 64, shuffle=False)}
    return Task(init, loss, optimizer, Train(batches, config), config.steps, score, dev)


if __name__ == "__main__":
    # A mishap is part of what happens to a run, not of what it is: it comes from outside, and the same command resumes.
    mishaps = {"pause": float, "crash_at": int, "nan_at": int}
    chosen = {name: kind(os.environ[name.upper()]) for name, kind in mishaps.items() if name.upper() in os.environ}

    def tiny(config: Config) -> Task:
        return build(dataclasses.replace(config, **chosen))

    run(tiny, Config)
