"""The mean of several probabilities: of networks trained as one program, or of several views of one input."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from jaxdl.errors import InputError
from jaxdl.losses.classification import graded
from jaxdl.task import Task
from jaxdl.typing import Array, Example, Key, Mean, ModelState, Params


def ensemble(task: Task, members: int) -> Task:
    """The task of that many networks, each from its own key, side by side on a leading axis of every array.

    The loss of an example is the sum of the members' own, so each gets the gradient that it would get alone, and what
    an optimiser does element by element it does to each as to one; clipping by the global norm would tie them together.
    The score has the `loss` and `accuracy` of the mean probability, `member_accuracy`, the mean over the members, and
    `disagreement`, the share of members that say something else than the ensemble. InputError for no members.
    """
    if members < 1:
        raise InputError(f"an ensemble of {members}: expected 1 member or more")

    def init(key: Key) -> tuple[Params, ModelState]:
        return jax.vmap(task.init)(jax.random.split(key, members))

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, Any]:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(members))
        costs, (states, metrics) = jax.vmap(task.loss, (0, 0, None, 0))(params, model_state, example, keys)
        means = {name: Mean(found.total.mean(), found.weight.mean()) for name, found in metrics.items()}
        return Mean(costs.total.sum(), costs.weight[0]), (states, means)

    def of_each(params: Params, model_state: ModelState, example: Example) -> Array:
        return jax.vmap(task.predict, (0, 0, None))(params, model_state, example)

    def predict(params: Params, model_state: ModelState, example: Example) -> Array:
        return mean_probability(of_each(params, model_state, example))

    def score(params: Params, model_state: ModelState, example: Example) -> dict[str, Mean]:
        logits = of_each(params, model_state, example)
        together = mean_probability(logits)
        said, mask = logits.argmax(-1), example["mask"]
        return graded(together, example) | {
            "member_accuracy": Mean.of((said == example["label"]).mean(), mask),
            "disagreement": Mean.of((said != together.argmax()).mean(), mask),
        }

    return replace(task, init=init, loss=loss, score=score, predict=predict, figures=None)


def averaged(task: Task, views: Callable[[Array], Array], field: str = "image") -> Task:
    """The same training, scored by the mean probability over several views of an example, such as ten crops.

    views  an input -> [n, *input]
    The score has `loss` and `accuracy`. Source: Krizhevsky, Sutskever and Hinton (2012), section 4.1.
    """

    def predict(params: Params, model_state: ModelState, example: Example) -> Array:
        of_view = jax.vmap(lambda view: task.predict(params, model_state, {**example, field: view}))
        return mean_probability(of_view(views(example[field])))

    def score(params: Params, model_state: ModelState, example: Example) -> dict[str, Mean]:
        return graded(predict(params, model_state, example), example)

    return replace(task, score=score, predict=predict)


def mean_probability(logits: Array) -> Array:
    """log (1/n Σₖ softmax(zₖ)), from logits [n, classes]: the logits of the mean of n probabilities."""
    return jax.nn.logsumexp(jax.nn.log_softmax(logits), 0) - jnp.log(len(logits))
