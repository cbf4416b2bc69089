"""Small tasks that exercise what is hard about training: dropout, batch norm, padding, coupled examples."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdl.data.batches import Batches
from jaxdl.data.source import Arrays
from jaxdl.layers.normalization import BatchNorm
from jaxdl.losses.classification import cross_entropy
from jaxdl.task import Task
from jaxdl.typing import Mean


class Net(nn.Module):
    """Dense, batch norm by choice, ReLU, dropout, dense."""

    normalized: bool

    @nn.compact
    def __call__(self, x, mask, train):
        x = nn.Dense(16)(x)
        if self.normalized:
            x = BatchNorm()(x, mask, train)
        x = nn.Dropout(0.3, deterministic=not train)(nn.relu(x))
        return nn.Dense(3)(x)


def small_task(normalized=True, steps=20, batch_size=16, examples=40, optimizer=None, bad_at=None):
    """A Net on random points whose class is the largest coordinate. 40 examples, batches of 16: the last is padded."""
    random = np.random.default_rng(0)
    x = random.normal(size=(examples, 6)).astype(np.float32)
    y = x[:, :3].argmax(1).astype(np.int32)
    if bad_at is not None:
        x[bad_at] = np.nan
    net = Net(normalized)
    source = Arrays({"x": x, "label": y})

    def init(key):
        variables = jax.vmap(lambda x: net.init(key, x, jnp.float32(1), True), axis_name="batch", out_axes=None)
        variables = jax.vmap(variables, in_axes=None, out_axes=None, axis_name="data", axis_size=1)(jnp.zeros((1, 6)))
        return variables["params"], variables.get("batch_stats", {})

    def classify(logits, example):
        weight = example["mask"]
        correct = logits.argmax(-1) == example["label"]
        return Mean.of(cross_entropy(logits, example["label"]), weight), Mean.of(correct, weight)

    def loss(params, model_state, example, key):
        variables = {"params": params, "batch_stats": model_state}
        logits, new = net.apply(
            variables, example["x"], example["mask"], True, rngs={"dropout": key}, mutable=["batch_stats"]
        )
        cost, accuracy = classify(logits, example)
        return cost, (new.get("batch_stats", {}), {"accuracy": accuracy})

    def score(params, model_state, example):
        logits = net.apply({"params": params, "batch_stats": model_state}, example["x"], example["mask"], False)
        cost, accuracy = classify(logits, example)
        return {"loss": cost, "accuracy": accuracy}

    train = Batches(source, batch_size)
    dev = Batches(source, batch_size, shuffle=False)
    return Task(init, loss, optimizer or optax.sgd(0.3), train, steps, score, {"dev": dev})


@pytest.fixture
def make_task():
    """small_task itself."""
    return small_task
