"""One device, many devices, XLA's collectives or our own: the same numbers."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdl.errors import InputError
from jaxdl.train import state as states
from jaxdl.train import step as steps
from jaxdl.train.parallel import Runner
from jaxdl.train.sharding import make_mesh
from jaxdl.typing import Mean


def trained(task, kind="jit", devices=1, accumulate=1, per_call=1, dtype=np.float32):
    """Parameters and losses after the task's steps."""
    runner = Runner(make_mesh(f"data={devices}"), kind)
    state = jax.jit(lambda key: states.create(task.init, task.optimizer, key))(jax.random.key(0))
    state = jax.tree.map(lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x, state)
    body = steps.make_step(task.loss, task.optimizer, accumulate)
    step = runner.bind(steps.repeated(body, per_call), batch_axis=1)
    batches, vectors = task.train.iterate(0), []
    for _ in range(task.steps // per_call):
        together = [next(batches) for _ in range(per_call)]
        together = {name: np.stack([batch[name] for batch in together]) for name in together[0]}
        together = {name: x.astype(dtype) if x.dtype == np.float32 else x for name, x in together.items()}
        state, metrics = step(state, together)
        vectors.append(np.asarray(metrics.vector))
    return states.leaves({"params": state.params, "model_state": state.model_state}), np.concatenate(vectors)


def distance(a, b):
    """The largest difference between two trained models, parameters, running moments and metrics together."""
    leaves = [np.abs(a[0][path] - b[0][path]).max() for path in a[0]]
    return max([*leaves, np.abs(a[1] - b[1]).max()])


LAYOUTS = [(kind, devices) for kind in ("jit", "pmap") for devices in (1, 2, 4, 8)][1:]


@pytest.mark.parametrize(("kind", "devices"), LAYOUTS)
def test_every_layout_trains_the_one_device_model_in_float64(make_task, kind, devices):
    with jax.enable_x64():
        task = make_task(optimizer=optax.adam(1e-2))
        one = trained(task, dtype=np.float64)
        assert distance(one, trained(task, kind, devices, dtype=np.float64)) < 1e-9


@pytest.mark.parametrize(("kind", "devices"), [("jit", 8), ("pmap", 8)])
def test_every_layout_trains_the_one_device_model_in_float32(make_task, kind, devices):
    task = make_task(optimizer=optax.sgd(0.1))
    assert distance(trained(task), trained(task, kind, devices)) < 1e-5


@pytest.mark.parametrize(("kind", "devices"), [("jit", 1), ("jit", 4), ("pmap", 4)])
def test_micro_batches_give_the_plain_step(make_task, kind, devices):
    with jax.enable_x64():
        task = make_task(normalized=False)
        plain = trained(task, dtype=np.float64)
        assert distance(plain, trained(task, kind, devices, accumulate=4, dtype=np.float64)) < 1e-9


@pytest.mark.parametrize(("kind", "devices"), [("jit", 1), ("jit", 4), ("pmap", 4)])
def test_several_steps_in_a_call_give_the_plain_steps(make_task, kind, devices):
    with jax.enable_x64():
        task = make_task()
        plain = trained(task, dtype=np.float64)
        assert distance(plain, trained(task, kind, devices, per_call=5, dtype=np.float64)) < 1e-9


@pytest.mark.parametrize(
    ("convolves", "times", "written_out"), [(False, 4, False), (True, 4, True), (True, 9, False), (True, 1, False)]
)
def test_several_steps_are_a_loop_but_for_a_few_with_convolutions(convolves, times, written_out):
    """A convolution inside a loop has one thread on a CPU; many steps written out take minutes to compile."""

    def loss(params, model_state, example, key):
        x = example["x"]
        y = jax.lax.conv(x[None], params["w"], (1, 1), "SAME") if convolves else x * params["w"].sum()
        return Mean.of((y**2).sum(), example["mask"]), (model_state, {})

    state = states.create(lambda key: ({"w": jnp.ones((1, 1, 2, 2))}, {}), optax.sgd(0.1), jax.random.key(0))
    batch = {"x": np.ones((times, 2, 1, 4, 4)), "mask": np.ones((times, 2)), "row": np.zeros((times, 2), int)}
    many = Runner(make_mesh("data=1")).bind(steps.repeated(steps.make_step(loss, optax.sgd(0.1)), times), batch_axis=1)
    unrolled = re.findall(r"unroll=(\d+)", str(jax.make_jaxpr(many)(state, batch)))
    assert unrolled == [str(times if written_out else 1)]


def test_each_step_draws_its_own_dropout(make_task):
    task = make_task(normalized=False)
    body = Runner(make_mesh("data=1")).bind(steps.make_step(task.loss, task.optimizer))
    state = states.create(task.init, task.optimizer, jax.random.key(0))
    batch = next(task.train.iterate(0))
    losses = {float(body(state._replace(step=jnp.int32(step)), batch)[1].vector[1]) for step in range(5)}
    assert len(losses) == 5


def test_padding_changes_nothing(make_task):
    """A batch of 16 whose last 8 are padding trains like the batch of 8 alone, batch norm included."""
    with jax.enable_x64():
        task = make_task()
        full = next(task.train.iterate(0))
        half = {name: x[:8] for name, x in full.items()}
        padded = full | {
            "mask": (np.arange(16) < 8).astype(np.float32),
            "x": np.where(np.arange(16)[:, None] < 8, full["x"], 9),
        }
        body = Runner(make_mesh("data=1")).bind(steps.make_step(task.loss, task.optimizer))
        state = states.create(task.init, task.optimizer, jax.random.key(0))
        state = jax.tree.map(lambda x: x.astype(np.float64) if jnp.issubdtype(x.dtype, jnp.floating) else x, state)
        a, b = body(state, half), body(state, padded)
        for one, other in zip(jax.tree.leaves(a[0].params), jax.tree.leaves(b[0].params), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12)
        np.testing.assert_allclose(a[1].vector, b[1].vector, atol=1e-12)


def test_a_batch_that_weighs_nothing_changes_no_parameter(make_task):
    task = make_task(normalized=False)
    body = Runner(make_mesh("data=1")).bind(steps.make_step(task.loss, task.optimizer))
    state = states.create(task.init, task.optimizer, jax.random.key(0))
    batch = next(task.train.iterate(0)) | {"mask": np.zeros(16, np.float32)}
    after, metrics = body(state, batch)
    for before, now in zip(jax.tree.leaves(state.params), jax.tree.leaves(after.params), strict=True):
        np.testing.assert_array_equal(now, before)
    assert next(metrics.rows())["loss"] == 0


@pytest.mark.parametrize("description", ["data=9", "data=0", "data=-2", "data", "rows=2", "data=x"])
def test_a_mesh_that_can_t_be_is_refused(description):
    with pytest.raises(InputError, match="data="):
        make_mesh(description)


def test_a_batch_that_can_t_be_split_is_refused_with_one_that_can_and_one_device_that_takes_any():
    with pytest.raises(InputError, match="such as 96, or --mesh data=1"):
        Runner(make_mesh("data=8")).check_batch("train", 100)
    with pytest.raises(InputError, match=r"such as 96$"):
        Runner(make_mesh("data=8")).check_batch("train", 100, parts=3)
