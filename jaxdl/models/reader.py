"""Networks that read a sequence and label it, whole or token by token, as a Task."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxdl.data.batches import Batches
from jaxdl.data.text import Buckets, Sequences
from jaxdl.errors import InputError
from jaxdl.layers.recurrence import Recurrent, bidirectional, length_mask, stacked
from jaxdl.losses.classification import cross_entropy
from jaxdl.models.transformer import SHARDING, Embedding, Size, Stack
from jaxdl.optim.chain import Chain
from jaxdl.task import EarlyStopping, Task
from jaxdl.typing import Example, Key, Mean, ModelState, Params


class Reader(nn.Module):
    """Embedding, recurrent layers, and logits: of each token (`each`), or of the whole sequence.

    Of the whole it reads the last output of each direction, which for the one to the left is that at the first token.
    With `layers` = 0 nothing is recurrent: each token is judged alone, a sequence by the mean of its embeddings.

    both      each layer reads in both directions, side by side
    dropout   of the embeddings and of what the last layer gives
    """

    vocabulary: int
    classes: int
    each: bool = False
    cell: str = "lstm"
    embedding: int = 32
    hidden: int = 32
    layers: int = 1
    both: bool = False
    dropout: float = 0.0

    @nn.compact
    def __call__(self, tokens: Int[Array, " time"], length: Int[Array, ""], train: bool = False) -> Array:
        mask = length_mask(length, len(tokens))
        drop = nn.Dropout(self.dropout, deterministic=not train)
        x = drop(
            nn.Embed(self.vocabulary, self.embedding, embedding_init=nn.initializers.normal(0.3), name="embed")(tokens)
        )
        h, carry = stacked([self._layer(place + 1) for place in range(self.layers)], x, None, mask)
        if not self.each:
            h = (h * mask[:, None]).sum(0) / jnp.maximum(length, 1) if self.layers == 0 else self._last(carry[-1])
        return nn.Dense(self.classes, name="output")(drop(h))

    def _layer(self, place: int) -> Any:
        def cell(side: str, reverse: bool) -> Recurrent:
            return Recurrent(self.cell, self.hidden, reverse, name=f"{side}{place}")

        right = cell("right", reverse=False)
        if not self.both:
            return right
        left = cell("left", reverse=True)
        return lambda x, carry, mask: bidirectional(right, left, x, carry, mask)

    def _last(self, carry: Any) -> Float[Array, " hidden"]:
        return jnp.concatenate([side[0] for side in carry]) if self.both else carry[0]


class TransformerReader(nn.Module):
    """Logits of each token from a Transformer's encoder, which looks both ways."""

    sharding = SHARDING

    vocabulary: int
    classes: int
    size: Size
    each: bool = True

    @nn.compact
    def __call__(
        self, tokens: Int[Array, " time"], length: Int[Array, ""], train: bool = False
    ) -> Float[Array, "time classes"]:
        x = Embedding(self.vocabulary, self.size, name="embedding")(tokens, 0, train)
        h, _ = Stack(self.size, name="stack")(x, length_mask(length, len(tokens)), train=train)
        return nn.Dense(self.classes, name="output")(h)


def reader(
    model: Reader | TransformerReader,
    data: Sequences,
    optimizer: Chain,
    epochs: int,
    batch_size: int,
    *,
    buckets: int = 1,
    stopping: EarlyStopping | None = None,
) -> Task:
    """Trains `model` on data.train, and scores it on dev and test: `loss` and `accuracy`, of sequences by their `label`
    or of their tokens by their `tags`.

    buckets  parts by length whose batches are cut to their longest example (see `data.text.Buckets`)

    InputError where the model's classes are not the data's.
    """
    if model.classes != len(data.classes) or model.vocabulary != len(data.vocabulary):
        raise InputError(
            f"a model of {model.vocabulary} symbols and {model.classes} classes for data of {len(data.vocabulary)} and "
            f"{len(data.classes)}: expected the same"
        )
    cut = ("tokens", "tags") if model.each else ("tokens",)
    train = Buckets(data.train, batch_size, buckets, cut) if buckets > 1 else Batches(data.train, batch_size)
    steps = epochs * train.steps_per_epoch
    time = data.train.fields["tokens"].shape[1]

    def init(key: Key) -> tuple[Params, ModelState]:
        return model.init(key, jnp.zeros(time, jnp.int32), jnp.int32(time))["params"], {}

    def predict(params: Params, model_state: ModelState, example: Example) -> Array:
        return model.apply({"params": params}, example["tokens"], example["length"])

    def graded(logits: Array, example: Example) -> dict[str, Mean]:
        if not model.each:
            correct = logits.argmax(-1) == example["label"]
            cost = cross_entropy(logits, example["label"])
            return {"loss": Mean.of(cost, example["mask"]), "accuracy": Mean.of(correct, example["mask"])}
        weight = example["mask"] * length_mask(example["length"], len(logits))
        cost = jax.vmap(cross_entropy)(logits, example["tags"])
        return {"loss": Mean.of(cost, weight), "accuracy": Mean.of(logits.argmax(-1) == example["tags"], weight)}

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, Any]:
        tokens, length = example["tokens"], example["length"]
        metrics = graded(model.apply({"params": params}, tokens, length, True, rngs={"dropout": key}), example)
        return metrics.pop("loss"), (model_state, metrics)

    sets = {"train": data.train, "dev": data.dev, "test": data.test}
    return Task(
        init=init,
        loss=loss,
        optimizer=optimizer.build(steps, train.steps_per_epoch),
        train=train,
        steps=steps,
        score=lambda *args: graded(predict(*args), args[-1]),
        evaluate={name: Batches(part, min(256, len(part)), shuffle=False) for name, part in sets.items()},
        predict=predict,
        class_names=data.classes,
        stopping=stopping,
        sharding=getattr(model, "sharding", {}),
    )
