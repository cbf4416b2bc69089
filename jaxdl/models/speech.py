"""Speech as Tasks: a recogniser of words by CTC, and a detector of one word that listens frame by frame."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxdl.data.batches import Batches
from jaxdl.data.source import Arrays
from jaxdl.data.speech import Speech
from jaxdl.data.text import EOS, SOS, Pairs, pad
from jaxdl.errors import InputError
from jaxdl.layers.recurrence import Recurrent, bidirectional, length_mask, stacked
from jaxdl.layers.spectrogram import BANDS, HOP, SIZE, frame_count, log_mel, normalize, spec_augment
from jaxdl.losses.classification import binary_cross_entropy
from jaxdl.losses.ctc import check_feasible, ctc
from jaxdl.optim.chain import Chain
from jaxdl.task import Task
from jaxdl.typing import Example, Key, Mean, ModelState, Params


class Recognizer(nn.Module):
    """Logits of CTC: `every` frames side by side become one step, and recurrent layers read the steps both ways.

    Steps, not frames, are what CTC counts in: `every` = 2 halves the time, and the work.
    """

    classes: int
    hidden: int = 64
    layers: int = 1
    every: int = 2
    cell: str = "gru"
    dropout: float = 0.0

    @nn.compact
    def __call__(
        self, features: Float[Array, "frames bands"], length: Int[Array, ""], train: bool = False
    ) -> Float[Array, "time classes"]:
        drop = nn.Dropout(self.dropout, deterministic=not train)
        time = len(features) // self.every
        x = features[: time * self.every].reshape(time, -1)
        x = drop(nn.relu(nn.Dense(self.hidden, name="input")(x)))
        mask = length_mask(length // self.every, time)
        h, _ = stacked([self._layer(place + 1) for place in range(self.layers)], x, None, mask)
        return nn.Dense(self.classes, name="output")(drop(h))

    def _layer(self, place: int) -> Any:
        right = Recurrent(self.cell, self.hidden, name=f"right{place}")
        left = Recurrent(self.cell, self.hidden, reverse=True, name=f"left{place}")
        return lambda x, carry, mask: bidirectional(right, left, x, carry, mask)


def heard(part: Arrays) -> Arrays:
    """The examples with normalised log-mel `features` [N, frames, bands], `length` in frames, in place of `audio`."""
    fields = dict(part.fields)
    audio, samples = fields.pop("audio"), fields.pop("audio_length")
    length = frame_count(jnp.asarray(samples))
    features = np.asarray(_normalized(audio, length))
    return Arrays({**fields, "features": features, "length": np.asarray(length)})


def transcripts(data: Speech) -> Pairs:
    """Pairs whose source is what is heard, features [N, frames, bands], and whose target the labels that are said."""
    parts, lines = {}, {}
    for name, part in _parts(data).items():
        found = heard(part).fields
        lines[name] = [labels[:size] for labels, size in zip(found["labels"], found["label_length"], strict=True)]
        limit = found["labels"].shape[1] + 2
        target, size = pad([[SOS, *line.tolist(), EOS] for line in lines[name]], limit)
        of_source = {"source": found["features"], "source_length": found["length"]}
        parts[name] = Arrays({**of_source, "target": target, "target_length": size})
    references: dict[str, tuple[tuple[str, ...], ...]] = {
        name: tuple((" ".join(data.vocabulary.decode(line)),) for line in lines[name]) for name in ("dev", "test")
    }
    return Pairs(**parts, vocabulary=data.vocabulary, references=references)


@jax.jit
def _normalized(audio: Array, length: Array) -> Array:
    return jax.lax.map(lambda row: normalize(log_mel(row[0]), row[1]), (audio, length), batch_size=64)


def recognizer(
    model: Recognizer, data: Speech, optimizer: Chain, epochs: int, batch_size: int, *, augment: bool = False
) -> Task:
    """Trains `model` on what is said in data.train, and scores it on dev and test: `loss`, nats a label.

    augment  SpecAugment, in training

    Label errors are counted on the host, from `predict` and `decode.ctc`. InputError where the model's classes are not
    the vocabulary's, and for labels that have no room in their time (see `losses.ctc.check_feasible`).
    """
    if model.classes != len(data.vocabulary):
        raise InputError(f"a model of {model.classes} classes for {len(data.vocabulary)} symbols: expected the same")
    sets = {name: heard(part) for name, part in _parts(data).items()}
    for part in sets.values():
        of = part.fields
        check_feasible(of["labels"], of["length"] // model.every, of["label_length"], model.classes)

    def predict(params: Params, model_state: ModelState, example: Example) -> Array:
        return model.apply({"params": params}, example["features"], example["length"])

    def cost(logits: Array, example: Example) -> Mean:
        count = example["label_length"]
        nats = ctc(logits, example["labels"], example["length"] // model.every, count)
        return Mean(nats * example["mask"], count * example["mask"])

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, Any]:
        k_augment, k_dropout = jax.random.split(key)
        features, length = example["features"], example["length"]
        if augment:
            features = spec_augment(k_augment, features, length)
        logits = model.apply({"params": params}, features, length, True, rngs={"dropout": k_dropout})
        return cost(logits, example), (model_state, {})

    def init(key: Key) -> tuple[Params, ModelState]:
        frames, bands = sets["train"].fields["features"].shape[1:]
        return model.init(key, jnp.zeros((frames, bands)), jnp.int32(frames))["params"], {}

    def score(params: Params, model_state: ModelState, example: Example) -> dict[str, Mean]:
        return {"loss": cost(predict(params, model_state, example), example)}

    return _task(sets, optimizer, epochs, batch_size, init=init, loss=loss, score=score, predict=predict)


class Detector(nn.Module):
    """The logit, at each frame, that the word has just been said; it knows the past alone, in its carry.

    A stream can be cut anywhere, down to single frames: what comes back as carry is where the next piece goes on. The
    collection `bands` holds mean and standard deviation of each band in training: an utterance that has not ended
    cannot be normalised by itself.
    """

    hidden: int = 48
    cell: str = "gru"

    @nn.compact
    def __call__(
        self, features: Float[Array, "frames bands"], carry: Any = None
    ) -> tuple[Float[Array, " frames"], Any]:
        bands = features.shape[-1]
        mean = self.variable("bands", "mean", jnp.zeros, bands).value
        deviation = self.variable("bands", "deviation", jnp.ones, bands).value
        x = nn.relu(nn.Dense(self.hidden, name="input")((features - mean) / deviation))
        h, carry = Recurrent(self.cell, self.hidden, name="recurrent")(x, carry)
        return nn.Dense(1, name="output")(h)[:, 0], carry


def unnormalized(part: Arrays, size: int = SIZE, hop: int = HOP) -> Arrays:
    """The examples with log-mel `features` [N, frames, bands] in place of `audio`, all as long.

    InputError where `trigger` was laid out for other frames.
    """
    fields = dict(part.fields)
    features = np.asarray(_log_mels(fields.pop("audio"), size, hop))
    frames, laid_out = features.shape[1], fields["trigger"].shape[1]
    if frames != laid_out:
        raise InputError(
            f"{frames} frames of {size} samples every {hop}, and triggers laid out for {laid_out}: give both the same"
        )
    return Arrays({**fields, "features": features})


@partial(jax.jit, static_argnames=("size", "hop"))
def _log_mels(audio: Array, size: int, hop: int) -> Array:
    return jax.lax.map(lambda row: _log_mel(row, size, hop), audio, batch_size=64)


def _log_mel(audio: Float[Array, " samples"], size: int, hop: int) -> Float[Array, "frames bands"]:
    return log_mel(audio, size, hop, fft=1 << (size - 1).bit_length())


def listen(
    model: Detector, variables: Mapping[str, Any], size: int = SIZE
) -> Callable[[Float[Array, " {size}"], Any], tuple[Float[Array, ""], Any]]:
    """step(the newest frame, `size` samples, carry or None) -> (probability that the word has just been said, carry).

    Frame after frame, every `hop` samples, it says what the detector says of the whole recording.
    """

    def step(samples: Array, carry: Any) -> tuple[Array, Any]:
        logits, carry = model.apply(variables, _log_mel(samples, size, size), carry)
        return jax.nn.sigmoid(logits[0]), carry

    return step


def detector(
    model: Detector, data: Speech, optimizer: Chain, epochs: int, batch_size: int, size: int = SIZE, hop: int = HOP
) -> Task:
    """Trains `model` on the field `trigger` of data.train, and scores its frames on dev and test: `loss`, `accuracy`.

    InputError unless frames of `size` samples every `hop` are those that the triggers were laid out for.
    """
    sets = {name: unnormalized(part, size, hop) for name, part in _parts(data).items()}
    found = sets["train"].fields["features"]
    bands = {"mean": found.mean((0, 1)), "deviation": found.std((0, 1))}

    def init(key: Key) -> tuple[Params, ModelState]:
        params = model.init(key, jnp.zeros((1, BANDS)))["params"]
        return params, {"bands": jax.tree.map(jnp.asarray, bands)}

    def predict(params: Params, model_state: ModelState, example: Example) -> Array:
        return model.apply({"params": params, **model_state}, example["features"])[0]

    def score(params: Params, model_state: ModelState, example: Example) -> dict[str, Mean]:
        logits, trigger = predict(params, model_state, example), example["trigger"]
        cost = jax.vmap(binary_cross_entropy)(logits, trigger)
        right = (logits > 0) == (trigger == 1)
        return {"loss": Mean.of(cost, example["mask"]), "accuracy": Mean.of(right, example["mask"])}

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, Any]:
        metrics = score(params, model_state, example)
        return metrics.pop("loss"), (model_state, metrics)

    return _task(sets, optimizer, epochs, batch_size, init=init, loss=loss, score=score, predict=predict)


def _parts(data: Speech) -> dict[str, Arrays]:
    return {"train": data.train, "dev": data.dev, "test": data.test}


def _task(sets: Mapping[str, Arrays], optimizer: Chain, epochs: int, batch_size: int, **of_model: Any) -> Task:
    train = Batches(sets["train"], batch_size)
    steps = epochs * train.steps_per_epoch
    return Task(
        optimizer=optimizer.build(steps, train.steps_per_epoch),
        train=train,
        steps=steps,
        evaluate={name: Batches(sets[name], min(128, len(sets[name])), shuffle=False) for name in ("dev", "test")},
        **of_model,
    )
