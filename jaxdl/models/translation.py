"""Sequences to sequences as a Task, whatever the model: a recurrent one with attention, or a Transformer.

A model is called as `model(source, source_mask, target, train)` and decodes by `start` and `step`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Num

from jaxdl.data.batches import Batches
from jaxdl.data.text import EOS, SOS, Pairs
from jaxdl.decode.beam import Beams, beam_search
from jaxdl.decode.sampling import Step
from jaxdl.errors import InputError
from jaxdl.layers.recurrence import length_mask
from jaxdl.losses.classification import cross_entropy, smoothed, soft_cross_entropy
from jaxdl.optim.chain import Chain
from jaxdl.task import EarlyStopping, Task
from jaxdl.typing import Example, Key, Mean, ModelState, Params


def translator(
    model: Any,
    data: Pairs,
    optimizer: Chain,
    epochs: int,
    batch_size: int,
    *,
    smoothing: float = 0.0,
    stopping: EarlyStopping | None = None,
) -> Task:
    """Trains `model` on data.train with the true target before each token, and scores it on dev and test.

    smoothing  of the labels (Szegedy et al., 2016): in training alone

    Metrics: `loss`, nats a token; `accuracy` of a token after the true ones before it; `exact`, the share of sequences
    in which every token is right, which is that of those whose greedy translation is the target.
    InputError where the model's vocabulary is not the data's.
    """
    if model.vocabulary != len(data.vocabulary):
        raise InputError(f"a model of {model.vocabulary} symbols for data of {len(data.vocabulary)}: expected the same")
    train = Batches(data.train, batch_size)
    steps = epochs * train.steps_per_epoch

    def init(key: Key) -> tuple[Params, ModelState]:
        source, target = (jnp.zeros_like(data.train.fields[name][0]) for name in ("source", "target"))
        return model.init(key, source, jnp.ones(len(source), bool), target[1:])["params"], {}

    def predict(params: Params, model_state: ModelState, example: Example) -> Array:
        return model.apply({"params": params}, *_inputs(example))

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, Any]:
        logits = model.apply({"params": params}, *_inputs(example), True, rngs={"dropout": key})
        metrics = graded(logits, example)
        cost = metrics.pop("loss")
        if smoothing:
            costs = jax.vmap(partial(_smoothed_cost, amount=smoothing))(logits, example["target"][1:])
            cost = Mean.of(costs, _weight(example))
        return cost, (model_state, metrics)

    def score(params: Params, model_state: ModelState, example: Example) -> dict[str, Mean]:
        return graded(predict(params, model_state, example), example)

    sets = {"dev": data.dev, "test": data.test}
    return Task(
        init=init,
        loss=loss,
        optimizer=optimizer.build(steps, train.steps_per_epoch),
        train=train,
        steps=steps,
        score=score,
        evaluate={name: Batches(part, min(128, len(part)), shuffle=False) for name, part in sets.items()},
        predict=predict,
        stopping=stopping,
        sharding=getattr(model, "sharding", {}),
    )


def graded(logits: Float[Array, "time vocabulary"], example: Example) -> dict[str, Mean]:
    """`loss` and `accuracy` of the tokens, `exact` of the sequence."""
    target, weight = example["target"][1:], _weight(example)
    right = logits.argmax(-1) == target
    return {
        "loss": Mean.of(jax.vmap(cross_entropy)(logits, target), weight),
        "accuracy": Mean.of(right, weight),
        "exact": Mean.of((right | (weight == 0)).all(), example["mask"]),
    }


def stepper(model: nn.Module, params: Params) -> Step:
    """step(where the decoder is, token) -> (logits of the token after it, where it is then), as `decode` takes it."""
    return lambda at, token: model.apply({"params": params}, at, token, method="step")


def begin(model: nn.Module, params: Params, source: Num[Array, "keys ..."], length: Int[Array, ""], limit: int) -> Any:
    """Where a decoder is that has read the source: what `stepper`'s step begins with. Room for `limit` tokens."""
    mask = length_mask(length, len(source))
    return model.apply({"params": params}, source, mask, limit, method="start")


def _inputs(example: Example) -> tuple[Array, Array, Array]:
    mask = length_mask(example["source_length"], len(example["source"]))
    return example["source"], mask, example["target"][:-1]


def _weight(example: Example) -> Array:
    return example["mask"] * length_mask(example["target_length"] - 1, len(example["target"]) - 1)


def _smoothed_cost(logits: Array, target: Array, amount: float) -> Array:
    return soft_cross_entropy(logits, smoothed(jax.nn.one_hot(target, logits.size, dtype=logits.dtype), amount))


def translations(
    model: nn.Module, params: Params, sources: Mapping[str, np.ndarray], limit: int, width: int = 1, alpha: float = 0.7
) -> Beams:
    """The best translations of each source by beam search, [N, width, …]: fields `source` and `source_length` [N, …].

    width 1 is greedy. See `decode.beam.beam_search`.
    """

    def search(params: Params, source: Array, length: Array) -> Beams:
        at, step = begin(model, params, source, length, limit), stepper(model, params)
        moving = at._fields[0]  # the rest is the source, the same for all hypotheses: not to be copied for each

        def of_hypothesis(carry: Any, token: Array) -> tuple[Array, Any]:
            logits, after = step(at._replace(**{moving: carry}), token)
            return logits, after[0]

        return beam_search(of_hypothesis, at[0], jnp.array([SOS]), limit, width, end=EOS, alpha=alpha)

    # The weights are an argument: as constants they would make another program to compile of every training.
    batch = jax.jit(lambda params, rows: jax.lax.map(lambda row: search(params, *row), rows, batch_size=64))
    return jax.tree.map(np.asarray, batch(params, (sources["source"], sources["source_length"])))
