"""Word vectors as Tasks: skip-gram by three losses, GloVe, and models that tell a word from the words around it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from jaxdl.data.batches import Batches
from jaxdl.data.contexts import skip_grams
from jaxdl.data.source import Arrays
from jaxdl.data.text import check_tokens
from jaxdl.errors import InputError, chosen
from jaxdl.losses.classification import cross_entropy
from jaxdl.losses.embedding import (
    Cooccurrence,
    draw_noise,
    glove,
    hierarchical_softmax,
    huffman,
    negative_sampling,
    unigram_noise,
)
from jaxdl.models.word_vectors import GloVe, SkipGram
from jaxdl.optim.chain import Chain
from jaxdl.task import Task
from jaxdl.typing import Array, Example, Key, Mean, ModelState, Params

Method = Literal["softmax", "hierarchical softmax", "negative sampling"]

PairLoss = Callable[[Params, Example, Key], Array]
"""The loss of one pair (word, context)."""


def skip_gram_pairs(texts: Sequence[np.ndarray], window: int) -> Arrays:
    """All pairs, `word` and `context` int32 [P], that stand at most `window` apart in one of the texts [T].

    InputError where no text has a pair.
    """
    pairs = [skip_grams(text, window) for text in texts if len(text) > 1]
    if not pairs:
        raise InputError(f"{len(texts)} texts, none of two tokens: expected one that has a pair")
    word, context = (np.concatenate(side).astype(np.int32) for side in zip(*pairs, strict=True))
    return Arrays({"word": word, "context": context})


def skip_gram(
    pairs: Arrays,
    words: int,
    optimizer: Chain,
    steps: int,
    *,
    method: str = "negative sampling",
    dimension: int = 32,
    batch_size: int = 2048,
    negatives: int = 5,
) -> Task:
    """Trains a `SkipGram` of so many words on `skip_gram_pairs`; its vectors are params["e"].

    method     how the context is asked for: among all words, along the Huffman tree of the contexts' counts, or among
               so many `negatives` drawn from the contexts' counts to the power 3/4
    InputError for an unknown method and for a word that is not one of 0 … words − 1.
    """
    check_tokens(pairs.fields["word"], words)
    check_tokens(pairs.fields["context"], words)
    counts = np.bincount(pairs.fields["context"], minlength=words)
    make = chosen("method", method, dict(zip(get_args(Method), (_by_softmax, _by_tree, _by_noise), strict=True)))
    model, cost = make(words, dimension, counts, negatives)
    return _of_pairs(model, 1, cost, pairs, optimizer, steps, batch_size)


def glove_vectors(
    counted: Cooccurrence,
    words: int,
    optimizer: Chain,
    steps: int,
    *,
    dimension: int = 32,
    batch_size: int = 2048,
    x_max: float = 100.0,
) -> Task:
    """Trains `GloVe` on the counts that are not 0; its vectors are `average_vectors(params)`.

    InputError for a word that is not one of 0 … words − 1.
    """
    check_tokens(counted.word, words)
    check_tokens(counted.context, words)
    model = GloVe(words, dimension)

    def cost(params: Params, example: Example, key: Key) -> Array:
        return glove(model.apply({"params": params}, example["word"], example["context"]), example["x"], x_max)

    return _of_pairs(model, 2, cost, Arrays(counted._asdict()), optimizer, steps, batch_size)


def word_model(
    model: nn.Module,
    windows: Mapping[str, tuple[np.ndarray, np.ndarray]],
    optimizer: Chain,
    epochs: int,
    batch_size: int,
) -> Task:
    """Trains model(context [C]) -> logits of the target on windows["train"], (contexts [P, C], targets [P]).

    The other windows are scored. Metric: `loss`, nats a word; the perplexity is exp(loss).
    """
    sets = {
        name: Arrays({"context": context.astype(np.int32), "word": target.astype(np.int32)})
        for name, (context, target) in windows.items()
    }

    def predict(params: Params, model_state: ModelState, example: Example) -> Array:
        return model.apply({"params": params}, example["context"])

    def score(params: Params, model_state: ModelState, example: Example) -> dict[str, Mean]:
        cost = cross_entropy(predict(params, model_state, example), example["word"])
        return {"loss": Mean.of(cost, example["mask"])}

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, Any]:
        return score(params, model_state, example)["loss"], (model_state, {})

    width = windows["train"][0].shape[1]
    train = Batches(sets.pop("train"), batch_size)
    steps = epochs * train.steps_per_epoch
    return Task(
        init=lambda key: (model.init(key, jnp.zeros(width, jnp.int32))["params"], {}),
        loss=loss,
        optimizer=optimizer.build(steps, train.steps_per_epoch),
        train=train,
        steps=steps,
        score=score,
        predict=predict,
        evaluate={name: Batches(part, min(512, len(part)), shuffle=False) for name, part in sets.items()},
    )


def _by_softmax(words: int, dimension: int, counts: np.ndarray, negatives: int) -> tuple[nn.Module, PairLoss]:
    model = SkipGram(words, dimension)

    def cost(params: Params, example: Example, key: Key) -> Array:
        return cross_entropy(model.apply({"params": params}, example["word"]), example["context"])

    return model, cost


def _by_tree(words: int, dimension: int, counts: np.ndarray, negatives: int) -> tuple[nn.Module, PairLoss]:
    model, tree = SkipGram(words, dimension, outputs=words - 1), huffman(counts)

    def cost(params: Params, example: Example, key: Key) -> Array:
        path, code, known = (jnp.asarray(part)[example["context"]] for part in tree)
        return hierarchical_softmax(model.apply({"params": params}, example["word"], path), code, known)

    return model, cost


def _by_noise(words: int, dimension: int, counts: np.ndarray, negatives: int) -> tuple[nn.Module, PairLoss]:
    model, noise = SkipGram(words, dimension), unigram_noise(counts)

    def cost(params: Params, example: Example, key: Key) -> Array:
        candidates = jnp.append(example["context"], draw_noise(key, noise, negatives))
        return negative_sampling(model.apply({"params": params}, example["word"], candidates))

    return model, cost


def _of_pairs(
    model: nn.Module, inputs: int, cost: PairLoss, source: Arrays, optimizer: Chain, steps: int, batch_size: int
) -> Task:
    """A model of one or two words as a Task without evaluation: what its vectors are good for is asked afterwards."""
    train = Batches(source, min(batch_size, len(source)))

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, Any]:
        return Mean.of(cost(params, example, key), example["mask"]), (model_state, {})

    return Task(
        init=lambda key: (model.init(key, *[jnp.zeros((), jnp.int32)] * inputs)["params"], {}),
        loss=loss,
        optimizer=optimizer.build(steps, train.steps_per_epoch),
        train=train,
        steps=steps,
    )
