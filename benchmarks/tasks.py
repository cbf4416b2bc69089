"""What is timed: LeNet-5, an MLP and a model so small that only the host has work, as Tasks on random arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxdl.data.batches import Batches
from jaxdl.data.source import Arrays
from jaxdl.losses.classification import cross_entropy
from jaxdl.models.lenet import LeNet5
from jaxdl.optim.chain import Chain
from jaxdl.task import Task
from jaxdl.typing import Mean


class MLP(nn.Module):
    """Dense layers of these widths with ReLU between them."""

    widths: Sequence[int]

    @nn.compact
    def __call__(self, x: Float[Array, "*batch features"]) -> Float[Array, "*batch classes"]:
        for width in self.widths[:-1]:
            x = nn.relu(nn.Dense(width)(x))
        return nn.Dense(self.widths[-1])(x)


@dataclass(frozen=True)
class Work:
    """A model, the shape of one of its examples and a batch size. A block is the steps of one turn: some 50 ms."""

    model: nn.Module
    shape: tuple[int, ...]
    batch_size: int
    block: int
    classes: int = 10


WORKS = {
    "no-op": Work(MLP((4, 4, 2)), (4,), batch_size=8, block=500, classes=2),
    "lenet5": Work(LeNet5(), (32, 32, 1), batch_size=128, block=8),
    "mlp": Work(MLP((256, 128, 10)), (784,), batch_size=128, block=50),
}
"""LeNet-5 has 61,706 parameters, the MLP 784-256-128-10 has 235,146, both with batches of 128 examples."""


def arrays(work: Work, examples: int = 4096) -> dict[str, np.ndarray]:
    """Random images and labels, always the same ones."""
    random = np.random.default_rng(0)
    images = random.standard_normal((examples, *work.shape), dtype=np.float32)
    return {"image": images, "label": random.integers(0, work.classes, examples, dtype=np.int32)}


def make_task(work: Work, steps: int) -> Task:
    """Softmax cross-entropy and Adam on the random arrays, without an evaluation."""
    train = Batches(Arrays(arrays(work)), work.batch_size, remainder="drop")

    def init(key):
        return work.model.init(key, jnp.zeros(work.shape))["params"], {}

    def loss(params, model_state, example, key):
        logits = work.model.apply({"params": params}, example["image"])
        return Mean.of(cross_entropy(logits, example["label"]), example["mask"]), (model_state, {})

    return Task(init, loss, Chain("adam", 1e-3).build(steps, train.steps_per_epoch), train, steps)
