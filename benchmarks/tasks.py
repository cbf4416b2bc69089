"""What is timed: from a network so small that only the host has work to a ResNet-20 and language models, as Tasks."""

from dataclasses import dataclass

import flax.linen as nn
import numpy as np

from jaxdl.data.batches import Batches
from jaxdl.data.source import Arrays
from jaxdl.losses.classification import cross_entropy
from jaxdl.models.classifier import initialised
from jaxdl.models.language_model import LanguageModel, language_model
from jaxdl.models.lenet import LeNet5
from jaxdl.models.mlp import MLP
from jaxdl.models.mobilenet import small_mobilenet_v2
from jaxdl.models.resnet import cifar_resnet
from jaxdl.models.transformer import Size, TransformerLM
from jaxdl.optim.chain import Chain
from jaxdl.task import Task
from jaxdl.typing import Mean


@dataclass(frozen=True)
class Work:
    """A model, the shape of one of its examples and a batch size. A block is the steps of one turn: some 50 ms."""

    model: nn.Module
    shape: tuple[int, ...]
    batch_size: int
    block: int
    classes: int = 10


WORKS = {
    "no-op": Work(MLP((4, 4, 4, 2)), (4,), batch_size=8, block=500, classes=2),
    "lenet5": Work(LeNet5(), (32, 32, 1), batch_size=128, block=8),
    "mlp": Work(MLP((784, 256, 128, 10)), (784,), batch_size=128, block=50),
    "resnet20": Work(cifar_resnet(20), (32, 32, 3), batch_size=64, block=1),
    "mobilenet": Work(small_mobilenet_v2(), (16, 16, 1), batch_size=64, block=2),
}
"""LeNet-5 has 61,706 parameters, the MLP 235,146, ResNet-20 269,722, the small MobileNet v2 32,234."""


@dataclass(frozen=True)
class Text:
    """A language model, and batches of so many segments of `length` random tokens."""

    model: LanguageModel | TransformerLM
    batch_size: int = 32
    length: int = 128
    block: int = 1


TEXTS = {
    "lstm-lm": Text(LanguageModel(96, "lstm", embedding=64, hidden=256)),
    "transformer-lm": Text(TransformerLM(96, Size(4, 128, 4, 512, dropout=0.0, norm="pre", limit=128))),
}


def make_text_task(text: Text) -> Task:
    """Next-token cross-entropy and Adam, without an evaluation."""
    count = 4 * text.batch_size * text.length + 1
    tokens = np.random.default_rng(0).integers(0, text.model.vocabulary, count)
    return language_model(text.model, {"train": tokens}, Chain("adam", 1e-3), 1, text.batch_size, text.length)


def arrays(work: Work, examples: int = 4096) -> dict[str, np.ndarray]:
    """Random images and labels, always the same ones."""
    random = np.random.default_rng(0)
    images = random.standard_normal((examples, *work.shape), dtype=np.float32)
    return {"image": images, "label": random.integers(0, work.classes, examples, dtype=np.int32)}


def make_task(work: Work, steps: int) -> Task:
    """Softmax cross-entropy and Adam on the random arrays, without an evaluation."""
    train = Batches(Arrays(arrays(work)), work.batch_size, remainder="drop")

    def init(key):
        return initialised(work.model, key, work.shape)

    def loss(params, model_state, example, key):
        variables, image, mask = {"params": params, **model_state}, example["image"], example["mask"]
        logits, state = work.model.apply(variables, image, mask, True, rngs={"dropout": key}, mutable=list(model_state))
        return Mean.of(cross_entropy(logits, example["label"]), mask), (state, {})

    return Task(init, loss, Chain("adam", 1e-3).build(steps, train.steps_per_epoch), train, steps)
