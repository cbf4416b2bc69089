"""A Task is a value: what to train, on what, and how it is judged. Nothing in it runs until somebody reads it.

`train.loop.fit` trains it, `check.gradients` checks it, `--dry-run` shapes it, a benchmark times it, a test shrinks it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import jax
import optax
from jax.sharding import PartitionSpec

from jaxdl.errors import InputError
from jaxdl.typing import Batch, Key, Loss, Mean, ModelState, Params, Predict, Score


@runtime_checkable
class BatchIterator(Protocol):
    """Yields one host's slice of each global batch, for ever, and knows where it is."""

    def __iter__(self) -> Iterator[Batch]: ...
    def __next__(self) -> Batch: ...
    def get_state(self) -> dict[str, Any]: ...
    def set_state(self, state: dict[str, Any]) -> None: ...


@runtime_checkable
class Batches(Protocol):
    """A data set cut into batches, as a value; `data.batches.Batches` is the one we use."""

    @property
    def batch_size(self) -> int: ...
    @property
    def steps_per_epoch(self) -> int: ...
    def iterate(self, seed: int, process: int = 0, processes: int = 1) -> BatchIterator: ...


@dataclass(frozen=True)
class EarlyStopping:
    """Training ends when `patience` evaluations in a row bring no better `metric`, and the best weights are the result.

    metric     of a watched set, such as "dev/loss"
    goal       which way is better
    margin     by how much better it must be to count

    InputError for a patience below 1 and a margin below 0. Source: Prechelt (1998), "Early Stopping - But When?".
    """

    metric: str = "dev/loss"
    patience: int = 5
    goal: Literal["min", "max"] = "min"
    margin: float = 0.0

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise InputError(f"patience {self.patience}: expected 1 evaluation or more")
        if not self.margin >= 0:
            raise InputError(f"margin {self.margin}: expected 0 or more")
        if "/" not in self.metric:
            raise InputError(f"metric {self.metric!r}: expected SET/METRIC, such as dev/loss")


def nothing_said(params: Params, model_state: ModelState, example: Mapping[str, Any]) -> Any:
    """The `predict` of a task that has none."""
    raise InputError("this task has no `predict`: expected what its model says of one example, such as logits")


@dataclass(frozen=True)
class Task:
    """Everything the loop needs.

    init       key -> (params, model_state)
    loss       of one example, as trained (see `typing.Loss`)
    optimizer  an Optax transformation
    train      the training batches
    steps      optimiser steps in the whole training
    score      metrics of one example, as evaluated (None: the run has no evaluation)
    evaluate   the sets that are scored when training ends
    predict    what the model says of one example, as evaluated: a classifier's logits
    watch      those of them that are scored during training too; never the test set
    stopping   when training ends early and with which weights (None: it takes all its steps and keeps the last)
    facts      what is worth knowing of the model beside its scores, such as {"multiplications": 300_000}
    class_names  of a classifier
    figures    (params, model_state) -> {title: matplotlib figure}, for the report
    sharding   {pattern of a parameter's path: its axes}, what `--mesh …,tensor=N` splits (see `train.sharding.spec`)
    """

    init: Callable[[Key], tuple[Params, ModelState]]
    loss: Loss
    optimizer: optax.GradientTransformation
    train: Batches
    steps: int
    score: Score | None = None
    evaluate: Mapping[str, Batches] = field(default_factory=dict)
    predict: Predict = nothing_said
    watch: tuple[str, ...] = ("dev",)
    stopping: EarlyStopping | None = None
    facts: Mapping[str, float | int] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()
    figures: Callable[[Params, ModelState], Mapping[str, Any]] | None = None
    sharding: Mapping[str, PartitionSpec] = field(default_factory=dict)


def is_coupled(task: Task) -> bool:
    """Whether the loss of one example looks at the others, that is, names the axis "batch" or "data"."""
    params, model_state = jax.eval_shape(task.init, jax.random.key(0))
    shared, carry = parted(model_state)
    batch = next(iter(task.train.iterate(0)))
    example, carry = jax.tree.map(lambda rows: jax.ShapeDtypeStruct(rows.shape[1:], rows.dtype), (batch, carry))
    model_state = joined(shared, carry)
    try:
        jax.eval_shape(task.loss, params, model_state, example, jax.random.key(0))
    except NameError as error:  # JAX's "unbound axis name"
        if "axis name" in str(error):
            return True
        raise
    return False


def map_loss(
    loss: Loss, params: Params, model_state: ModelState, batch: Batch, key: Key
) -> tuple[Mean, tuple[ModelState, dict[str, Mean]]]:
    """The loss of every example of a batch: costs and metrics with a leading batch axis, and the one new model state.

    Each example's key is fold_in(key, row), row being its place in the global batch: never the device's. That is what
    makes dropout equal under every layout. Call it where the axis "data" is bound if the loss names it.
    """
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, batch["row"])
    shared, carry = parted(model_state)
    axes = None if carry is None else {**dict.fromkeys(shared), CARRY: 0}
    over_batch = jax.vmap(loss, (None, axes, 0, 0), (0, (axes, 0)), axis_name="batch")
    return over_batch(params, model_state, batch, keys)


CARRY = "carry"
"""The collection of a model state that is not shared: each row of the batch has its own, and hands it to the same row
of the next batch. That is how a recurrent network goes on in a text that is longer than its examples."""


def parted(model_state: ModelState) -> tuple[ModelState, Any]:
    """(what all rows share, the collection `carry`, or None)."""
    if CARRY not in model_state:
        return model_state, None
    return {name: tree for name, tree in model_state.items() if name != CARRY}, model_state[CARRY]


def joined(shared: ModelState, carry: Any) -> ModelState:
    """The model state that `parted` took apart."""
    return shared if carry is None else {**shared, CARRY: carry}
