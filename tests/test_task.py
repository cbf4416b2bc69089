"""Which losses look at other examples."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdl.data.batches import Batches
from jaxdl.data.source import Arrays
from jaxdl.task import Task, is_coupled, map_loss
from jaxdl.typing import Mean


def task_of(loss):
    train = Batches(Arrays({"x": np.ones((4, 2), np.float32)}), 2)
    return Task(lambda key: ({"w": jnp.ones(2)}, {}), loss, optax.sgd(0.1), train, 1)


def alone(params, model_state, example, key):
    return Mean.of(example["x"] @ params["w"]), (model_state, {})


def together(params, model_state, example, key):
    centred = example["x"] - jax.lax.pmean(example["x"], "batch")
    return Mean.of(centred @ params["w"]), (model_state, {})


@pytest.mark.parametrize(("loss", "coupled"), [(alone, False), (together, True)])
def test_a_loss_that_names_the_batch_axis_is_coupled(loss, coupled):
    assert is_coupled(task_of(loss)) == coupled


def test_another_mistake_in_a_loss_is_not_taken_for_coupling():
    def broken(params, model_state, example, key):
        return undefined  # noqa: F821

    with pytest.raises(NameError, match="undefined"):
        is_coupled(task_of(broken))


def test_each_example_has_a_key_of_its_own_from_its_place_in_the_global_batch():
    def loss(params, model_state, example, key):
        return Mean.of(jax.random.uniform(key)), (model_state, {})

    batch = {"row": jnp.array([0, 1, 2, 3], jnp.int32)}
    costs, _ = map_loss(loss, {}, {}, batch, jax.random.key(0))
    assert len(set(costs.total.tolist())) == 4
    shard, _ = map_loss(loss, {}, {}, {"row": batch["row"][2:]}, jax.random.key(0))
    np.testing.assert_array_equal(shard.total, costs.total[2:])
