"""Laws of the gradient checker on a Task: its data, its random numbers, its penalty, its coupled examples."""

from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from jaxdl.check.gradients import check_task, check_task_examples, without_dropout
from jaxdl.errors import InputError
from jaxdl.task import Task
from jaxdl.typing import Mean


def a_batch(mask=(1, 1, 1, 1, 1, 1, 1, 1)):
    rng = np.random.default_rng(0)
    return {
        "x": rng.normal(size=(8, 5)).astype(np.float32),
        "label": (np.arange(8) % 3).astype(np.int32),
        "mask": np.asarray(mask, np.float32),
        "row": np.arange(8, dtype=np.int32),
    }


@dataclass(frozen=True)
class OneBatch:
    batch: dict = field(default_factory=a_batch)
    batch_size: int = 8
    steps_per_epoch: int = 1

    def iterate(self, seed, process=0, processes=1):
        while True:
            yield self.batch


class Net(nn.Module):
    rate: float = 0.0

    @nn.compact
    def __call__(self, x, train=True):
        x = nn.relu(nn.Dense(7)(x))
        if self.rate:
            x = nn.Dropout(self.rate, deterministic=not train)(x)
        return nn.Dense(3)(x)


def cross_entropy(logits, label):
    return -jax.nn.log_softmax(logits)[label]


def a_task(loss=None, rate=0.0, batch=None, init=None):
    net = Net(rate)

    def own_loss(params, model_state, example, key):
        logits = net.apply({"params": params}, example["x"], rngs={"dropout": key})
        return Mean.of(cross_entropy(logits, example["label"]), example["mask"]), (model_state, {})

    def own_init(key):
        return net.init(key, jnp.zeros(5), train=False)["params"], {}

    return Task(
        init=init or own_init,
        loss=loss or own_loss,
        optimizer=optax.identity(),
        train=OneBatch() if batch is None else OneBatch(batch),
        steps=1,
    )


def with_loss(changed, rate=0.0):
    """A task whose loss is `changed(the usual loss)`."""
    task = a_task(rate=rate)
    return replace(task, loss=changed(task.loss))


@pytest.mark.parametrize("check", [check_task, check_task_examples])
def test_a_network_of_a_task_passes(check):
    report = check(a_task())
    assert report.ok
    assert report.difference < 1e-8
    assert [leaf.path for leaf in report.leaves if leaf.checked != leaf.size] == []
    assert sorted(leaf.path for leaf in report.leaves) == sorted(
        ["Dense_0/bias", "Dense_0/kernel", "Dense_1/bias", "Dense_1/kernel"]
    )


def test_reals_are_float64_inside_labels_and_rows_stay_integers():
    seen = {}

    def init(key):
        return {"w": jnp.ones((5, 3)), "n": jnp.arange(2)}, {"mean": jnp.zeros(5, jnp.bfloat16)}

    def loss(params, model_state, example, key):
        everything = {**example, **params, **model_state}
        seen.update({name: value.dtype.name for name, value in everything.items()})
        cost = cross_entropy((example["x"] - model_state["mean"]) @ params["w"], example["label"])
        return Mean.of(cost, example["mask"]), (model_state, {})

    assert check_task(a_task(loss=loss, init=init)).ok
    assert seen == {
        **{name: "float64" for name in ("x", "mask", "w", "mean")},
        **{name: "int32" for name in ("label", "row", "n")},
    }


def test_only_real_examples_are_taken_and_not_more_than_asked_for():
    rows = []

    def watched(loss):
        def inner(params, model_state, example, key):
            jax.debug.callback(lambda row, mask: rows.append((int(row), float(mask))), example["row"], example["mask"])
            return loss(params, model_state, example, key)

        return inner

    task = with_loss(watched)
    check_task(replace(task, train=OneBatch(a_batch([0, 1, 0, 1, 1, 1, 1, 1]))), examples=3, sample=1)
    jax.effects_barrier()
    assert set(rows) == {(1, 1.0), (3, 1.0), (4, 1.0)}


def test_the_cost_is_the_weighted_mean_of_the_examples():
    weights = np.array([1.0, 3.0, 0.0, 2.0, 1, 1, 1, 1], np.float32)

    def loss(params, model_state, example, key):
        return Mean(example["mask"] * params["w"] @ example["x"], example["mask"]), (model_state, {})

    batch = a_batch(weights)
    report = check_task(a_task(loss=loss, init=lambda key: ({"w": jnp.ones(5)}, {}), batch=batch), examples=3)
    taken = [0, 1, 3]
    expected = (weights[taken, None] * batch["x"][taken]).sum(0) / weights[taken].sum()
    assert report.leaves[0].analytic_norm == pytest.approx(np.linalg.norm(expected), rel=1e-6)


def test_an_l2_penalty_is_part_of_what_is_checked():
    def loss(params, model_state, example, key):
        penalty = 0.5 * jnp.sum(params["w"] ** 2)
        return Mean(example["mask"] * 3.0 * penalty, example["mask"]), (model_state, {})

    report = check_task(a_task(loss=loss, init=lambda key: ({"w": jnp.full((4, 4), 2.0)}, {})))
    assert report.ok
    assert report.leaves[0].analytic_norm == pytest.approx(3 * 2.0 * 4, rel=0.01)


def test_a_penalty_forgotten_on_the_way_back_is_found():
    def forgotten(loss):
        def inner(params, model_state, example, key):
            cost, rest = loss(params, model_state, example, key)
            penalty = 0.1 * jax.lax.stop_gradient(jnp.sum(params["Dense_1"]["kernel"] ** 2))
            return Mean(cost.total + cost.weight * penalty, cost.weight), rest

        return inner

    report = check_task(with_loss(forgotten))
    assert [leaf.path for leaf in report.leaves if not leaf.ok] == ["Dense_1/kernel"]


@pytest.mark.parametrize("check", [check_task, check_task_examples])
def test_dropout_passes_because_its_mask_is_held_fixed(check):
    report = check(a_task(rate=0.5))
    assert report.ok
    assert report.difference < 1e-8


def test_four_examples_are_taken_each_with_the_key_of_its_row_in_the_global_batch():
    keys = {}

    def watched(loss):
        def inner(params, model_state, example, key):
            jax.debug.callback(
                lambda row, data: keys.update({int(row): data.tolist()}), example["row"], jax.random.key_data(key)
            )
            return loss(params, model_state, example, key)

        return inner

    batch = a_batch() | {"row": np.arange(8, dtype=np.int32) + 16}
    check_task(replace(with_loss(watched), train=OneBatch(batch)), sample=1, seed=5)
    jax.effects_barrier()
    step_key = jax.random.key(5)
    assert keys == {row: jax.random.key_data(jax.random.fold_in(step_key, row)).tolist() for row in range(16, 20)}


def test_without_dropout_the_loss_is_that_of_the_network_as_evaluated():
    task, plain = a_task(rate=0.5), a_task(rate=0.0)
    params, state = task.init(jax.random.key(0))
    example, key = jax.tree.map(lambda rows: rows[2], a_batch()), jax.random.key(1)
    expected = plain.loss(params, state, example, key)[0].total
    assert task.loss(params, state, example, key)[0].total != pytest.approx(float(expected), rel=1e-3)
    assert without_dropout(task.loss)(params, state, example, key)[0].total == pytest.approx(float(expected), rel=1e-6)
    assert check_task(replace(task, loss=without_dropout(task.loss))).ok


def test_turning_off_dropout_that_is_not_there_is_refused():
    task = with_loss(without_dropout)
    with pytest.raises(InputError, match="no Linen Dropout layer"):
        check_task(task)


def centred(params, model_state, example, key):
    """The first half of batch normalisation, which couples the examples: z less its masked mean over the batch."""
    axes = ("batch", "data")
    z = example["x"] @ params["kernel"]
    z = z - jax.lax.psum(example["mask"] * z, axes) / jax.lax.psum(example["mask"], axes)
    return Mean.of(cross_entropy(jnp.tanh(z), example["label"]), example["mask"]), (model_state, {})


@pytest.mark.parametrize("check", [check_task, check_task_examples])
def test_a_loss_that_couples_the_examples_passes(check):
    init = lambda key: ({"kernel": jax.random.normal(key, (5, 3))}, {})  # noqa: E731
    report = check(a_task(loss=centred, init=init))
    assert report.ok
    assert 0 < report.difference < 1e-8


def test_a_loss_that_gathers_the_batch_passes():
    def loss(params, model_state, example, key):
        z = example["x"] @ params["kernel"]
        others = jax.lax.all_gather(jax.lax.all_gather(z, "batch"), "data").reshape(-1, 3)
        return Mean.of(((others - z) ** 2).sum() * 0.1, example["mask"]), (model_state, {})

    init = lambda key: ({"kernel": jax.random.normal(key, (5, 3))}, {})  # noqa: E731
    assert check_task(a_task(loss=loss, init=init)).ok
    assert check_task_examples(a_task(loss=loss, init=init)).ok


def test_a_network_that_starts_at_zero_is_warned_of():
    init = a_task().init
    zero = replace(a_task(), init=lambda key: (jax.tree.map(jnp.zeros_like, init(key)[0]), {}))
    assert any("all weights are zero" in warning for warning in check_task(zero).warnings)
    assert not any("zero" in warning for warning in check_task(a_task()).warnings)


@pytest.mark.parametrize("check", [check_task, check_task_examples])
def test_relu_over_zero_biases_and_blank_input_is_not_checked_right_at_its_kink(check):
    batch = a_batch() | {"x": np.zeros((8, 5), np.float32)}
    report = check(a_task(batch=batch))
    assert report.ok
    assert report.kinks == ()
    bias = next(leaf for leaf in report.leaves if leaf.path == "Dense_0/bias")
    assert bias.analytic_norm > 0


def test_no_examples_are_refused():
    with pytest.raises(InputError, match="examples = 0: expected at least 1"):
        check_task(a_task(), examples=0)
