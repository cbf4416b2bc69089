"""Models that make whole sequences, from <SOS> to <EOS>: a recurrent one as a Task, and a count model to beat."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from jaxdl.data.batches import Batches
from jaxdl.data.source import Arrays
from jaxdl.data.text import EOS, PAD, SOS, UNK, Buckets, Sequences
from jaxdl.decode.sampling import check, sample
from jaxdl.errors import InputError
from jaxdl.layers.recurrence import length_mask
from jaxdl.models.language_model import LanguageModel, graded, stepper
from jaxdl.models.ngram import NGram
from jaxdl.optim.chain import Chain
from jaxdl.task import Task
from jaxdl.typing import Example, Key, Mean, ModelState, Params

NEVER = (PAD, UNK, SOS)
"""What no sequence holds, and so what is never drawn."""


def generator(
    model: LanguageModel, data: Sequences, optimizer: Chain, epochs: int, batch_size: int, *, buckets: int = 1
) -> Task:
    """Trains on data.train, each sequence by itself, and scores dev and test: P(sequence) = Π P(token | <SOS>, tokens
    before it), <EOS> being its last token.

    buckets  parts by length whose batches are cut to their longest sequence (see `data.text.Buckets`)

    Metrics: `loss`, nats a token, and `bits` a token. InputError where the model's vocabulary is not the data's.
    """
    if model.vocabulary != len(data.vocabulary):
        raise InputError(f"a model of {model.vocabulary} symbols for data of {len(data.vocabulary)}: expected the same")
    train = Buckets(data.train, batch_size, buckets) if buckets > 1 else Batches(data.train, batch_size)
    steps = epochs * train.steps_per_epoch

    def init(key: Key) -> tuple[Params, ModelState]:
        return model.init(key, jnp.zeros(1, jnp.int32))["params"], {}

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, tuple]:
        seen, targets, weight = shifted(example["tokens"], example["length"])
        logits, _ = model.apply({"params": params}, seen, None, True, rngs={"dropout": key})
        metrics = graded(logits, targets, example["mask"] * weight)
        return metrics.pop("loss"), (model_state, metrics)

    def predict(params: Params, model_state: ModelState, example: Example) -> Array:
        return model.apply({"params": params}, shifted(example["tokens"], example["length"])[0])[0]

    def score(params: Params, model_state: ModelState, example: Example) -> dict[str, Mean]:
        _, targets, weight = shifted(example["tokens"], example["length"])
        return graded(predict(params, model_state, example), targets, example["mask"] * weight)

    return Task(
        init=init,
        loss=loss,
        optimizer=optimizer.build(steps, train.steps_per_epoch),
        train=train,
        steps=steps,
        score=score,
        evaluate={name: Batches(part, min(256, len(part)), shuffle=False) for name, part in
                  (("dev", data.dev), ("test", data.test))},
        predict=predict,
    )  # fmt: skip


def shifted(
    tokens: Int[Array, " time"], length: Int[Array, ""]
) -> tuple[Int[Array, " seen"], Int[Array, " seen"], Array]:
    """(<SOS> and the tokens, the tokens and <EOS>, 1 for these targets and 0 for padding), time + 1 of each."""
    seen = jnp.concatenate([jnp.array([SOS]), tokens])
    targets = jnp.concatenate([tokens, jnp.array([PAD])]).at[length].set(EOS)
    return seen, targets, length_mask(length + 1, len(targets)).astype(jnp.float32)


def drawn(
    model: LanguageModel, params: Params, key: Key, count: int, limit: int, temperature: float = 1.0
) -> list[np.ndarray]:
    """`count` sequences of the model, each up to its <EOS>, which is left out, or to `limit` tokens."""
    draw = partial(
        sample, stepper(model, params), model.start(), jnp.array([SOS]), limit=limit, end=EOS, banned=NEVER,
        temperature=temperature,
    )  # fmt: skip
    tokens = jax.jit(jax.vmap(draw))(jax.random.split(key, count)).tokens
    return [until_end(row) for row in np.asarray(tokens)]


def until_end(tokens: np.ndarray) -> np.ndarray:
    """The tokens before the first <EOS>."""
    ends = np.flatnonzero(tokens == EOS)
    return tokens[: ends[0]] if len(ends) else tokens


@dataclass(frozen=True, eq=False)
class CountModel:
    """An n-gram model of whole sequences: each is read after order − 1 times <SOS>, and ends on <EOS>."""

    order: int
    ngram: NGram

    @classmethod
    def of(cls, data: Sequences, order: int) -> "CountModel":
        """The model of data.train. InputError for an order below 1, as from `NGram.count`."""
        return cls(order, NGram.count(as_text(data.train, order), order, len(data.vocabulary)))

    def bits(self, sequences: Arrays) -> float:
        """−log₂ P a token, <EOS> counted, as `generator` scores."""
        text = as_text(sequences, self.order)
        return float(-np.log2(self.ngram.probability(text)[text != SOS]).mean())

    def drawn(self, seed: int, count: int, limit: int, temperature: float = 1.0) -> list[np.ndarray]:
        """`count` sequences, as `drawn` of a network has them. InputError for a temperature that is not above 0."""
        check(self.ngram.vocabulary, temperature, top_k=0, top_p=1.0, banned=NEVER)
        random = np.random.Generator(np.random.Philox(seed))
        tokens = np.full((count, self.order - 1 + limit), EOS, np.int64)
        tokens[:, : self.order - 1] = SOS
        going = np.arange(count)
        for place in range(self.order - 1, tokens.shape[1]):
            p = self.following(tokens[going, place - self.order + 1 : place])
            p[:, NEVER] = 0
            p /= p.max(-1, keepdims=True)  # which stays 1 in any power, where the others may come to 0
            summed = (p ** (1 / temperature)).cumsum(-1)
            tokens[going, place] = (random.random((len(going), 1)) * summed[:, -1:] >= summed).sum(-1)
            going = going[tokens[going, place] != EOS]
        return [until_end(row) for row in tokens[:, self.order - 1 :]]

    def following(self, history: np.ndarray) -> np.ndarray:
        """P(token | history) of every token [rows, vocabulary], for histories [rows, order − 1]."""
        different, which = np.unique(history, axis=0, return_inverse=True)
        rows, tokens = len(different), np.arange(self.ngram.vocabulary)
        text = np.empty((rows, len(tokens), self.order), np.int64)
        text[..., :-1], text[..., -1] = different[:, None], tokens
        return self.ngram.probability(text.ravel()).reshape(text.shape)[..., -1][which.reshape(-1)]


def as_text(sequences: Arrays, order: int) -> np.ndarray:
    """All sequences one after the other, each with order − 1 times <SOS> before it, once at least, and <EOS> after."""
    start, end = np.full(max(order - 1, 1), SOS), np.array([EOS])
    rows = zip(sequences.fields["tokens"], sequences.fields["length"], strict=True)
    return np.concatenate([piece for tokens, length in rows for piece in (start, tokens[:length], end)])
