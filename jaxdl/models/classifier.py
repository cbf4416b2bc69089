"""A model, a data set and an optimiser as a Task: what every plain classifier's experiment would write out again.

The models it takes are called as `model(x, mask, train)`; experiments/vision/lenet5.py writes the same by hand.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxdl.data.batches import Batches
from jaxdl.data.parts import Sets
from jaxdl.data.source import Source
from jaxdl.losses.classification import graded
from jaxdl.losses.regularization import penalized
from jaxdl.optim.chain import Chain, Varied
from jaxdl.task import EarlyStopping, Task
from jaxdl.typing import Array, Example, Key, Mean, ModelState, Params


def classifier(
    model: nn.Module,
    data: Sets,
    optimizer: Chain | Varied,
    epochs: int,
    batch_size: int,
    *,
    grade: Callable[[Array, Example], dict[str, Mean]] = graded,
    penalty: Callable[[Params], Array] | None = None,
    strength: float = 0.0,
    augment: Callable[[Key, Array], Array] | None = None,
    stopping: EarlyStopping | None = None,
    in_training: tuple[str, Callable[[Any, Example], dict[str, Mean]]] | None = None,
) -> Task:
    """Trains `model` on data.train, and scores it on train, dev and test.

    grade       (output, example) -> {"loss": …, and the metrics}
    penalty     of the parameters, such as `regularization.l2`, added to the mean loss `strength` times
    augment     (key, inputs) -> inputs, in training only
    in_training (method of the model, grade of what it gives) that take the place of calling it, where training needs
                more than the output, such as auxiliary heads
    """
    train = Batches(data.train, batch_size)
    steps = epochs * train.steps_per_epoch
    method, grade_training = in_training or ("__call__", grade)
    sets = {"train": data.train, "dev": data.dev, "test": data.test}

    def predict(params: Params, model_state: ModelState, example: Example) -> Array:
        return model.apply({"params": params, **model_state}, example[data.inputs], example["mask"], False)

    def score(params: Params, model_state: ModelState, example: Example) -> dict[str, Mean]:
        return grade(predict(params, model_state, example), example)

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, Any]:
        k_augment, k_dropout = jax.random.split(key)
        x = augment(k_augment, example[data.inputs]) if augment else example[data.inputs]
        variables, rngs = {"params": params, **model_state}, {"dropout": k_dropout}
        output, state = model.apply(
            variables, x, example["mask"], True, rngs=rngs, mutable=list(model_state), method=method
        )
        metrics = grade_training(output, example)
        cost = metrics.pop("loss")
        return penalized(cost, penalty(params), strength) if penalty else cost, (state, metrics)

    return Task(
        init=lambda key: initialised(model, key, data.shape),
        loss=loss,
        optimizer=optimizer.build(steps, train.steps_per_epoch),
        train=train,
        steps=steps,
        score=score,
        evaluate={name: _whole(part) for name, part in sets.items()},
        predict=predict,
        class_names=data.class_names,
        stopping=stopping,
        sharding=getattr(model, "sharding", {}),
    )


def _whole(part: Source) -> Batches:
    """A set to be scored, in batches of a power of two: what devices can share evenly."""
    return Batches(part, 2 ** min(9, len(part).bit_length() - 1), shuffle=False)


def initialised(model: nn.Module, key: Key, shape: tuple[int, ...]) -> tuple[Params, ModelState]:
    """(params, model_state) of a model called as `model(x, mask, train)`, from the shape of one example."""
    variables = dict(model.init(key, jnp.zeros(shape)))
    return variables.pop("params"), {name: tree for name, tree in variables.items() if name != "intermediates"}
