"""Caviar: each model gets the numbers that it would get alone."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdl.data import planar
from jaxdl.data.batches import Batches
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError
from jaxdl.models.classifier import classifier
from jaxdl.models.mlp import MLP
from jaxdl.optim.chain import Chain, Varied
from jaxdl.task import Task
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run
from jaxdl.tune.caviar import caviar, per_trial
from jaxdl.typing import Mean

DATA = planar.load("moons", examples=120)
TRIALS = {"learning_rate": [0.3, 0.01, 1e30, 0.1], "b1": [0.9, 0.5, 0.9, 0.0], "weight_decay": [0.0, 0.1, 0.0, 0.01]}


def build(values, rule="adam", normalize="z", keep=0.8):
    chain = Varied(Chain(rule, learning_rate=0.2, decay="cosine"), dict(values))
    return classifier(MLP((2, 8, 2), normalize=normalize, keep=keep), DATA, chain, 5, 24)


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    return fit(caviar(build, TRIALS), Run(tmp_path_factory.mktemp("all"), mesh="data=1", seed=3))


@pytest.mark.parametrize("trial", [0, 1, 3])
def test_each_trial_is_the_training_it_would_be_alone(trial, together, tmp_path):
    """With dropout, batch norm and a schedule, beside a trial that diverges; 1e-5 for float32."""
    values = {name: column[trial] for name, column in TRIALS.items()}
    chain = Chain("adam", decay="cosine", **values)
    task = dataclasses.replace(build({}), optimizer=chain.build(15, 3))
    assert task.steps == 15
    alone = fit(task, Run(tmp_path, mesh="data=1", seed=3))
    ours = (alone.state.params, alone.state.model_state)
    theirs = (together.state.params, together.state.model_state)
    for one, many in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, many[trial], atol=1e-5)
    for name, value in alone.metrics.items():
        assert together.metrics[f"{name}/{trial}"] == pytest.approx(value, abs=1e-5)


def test_trials_spread_over_devices_are_the_same_trials_and_each_device_holds_its_own(together, tmp_path):
    spread = fit(caviar(build, TRIALS), Run(tmp_path, mesh="data=2,tensor=4", seed=3))
    for one, many in zip(jax.tree.leaves(together.state), jax.tree.leaves(spread.state), strict=True):
        np.testing.assert_allclose(one, many, rtol=1e-5, atol=1e-5)
    assert spread.metrics == pytest.approx(together.metrics, abs=1e-5, nan_ok=True)
    moments = spread.state.opt_state.inner
    vectors = [leaf for leaf in jax.tree.leaves((spread.state.params, moments)) if leaf.ndim > 1]
    assert len(vectors) == 3 * len(jax.tree.leaves(spread.state.params))  # Adam's two moments of each
    assert {leaf.sharding.shard_shape(leaf.shape)[0] for leaf in vectors} == {1}


def test_a_trial_that_diverges_is_marked_and_keeps_finite_weights(together):
    alive = np.asarray(together.state.opt_state.alive)
    np.testing.assert_array_equal(alive, [True, True, False, True])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(together.state.params))
    found = per_trial(together.metrics, "dev/loss", alive)
    np.testing.assert_array_equal(np.isnan(found), [False, False, True, False])


def regression(values, cost):
    """Least squares of one weight on y = x, whose cost is spoilt by `cost`."""
    batches = Batches(Arrays({"x": np.ones((8, 1), np.float32)}), 4)

    def loss(params, model_state, example, key):
        return Mean.of(cost(params["w"], values), example["mask"]), (model_state, {})

    return Task(lambda key: ({"w": jnp.zeros(())}, {}), loss, optax.sgd(values["rate"]), batches, 6)


def test_a_cost_that_is_finite_an_example_and_not_in_sum_stops_its_own_trial_alone(tmp_path):
    rates = {"rate": [0.1, 3e18, 1e19, 0.01]}
    task = caviar(lambda values: regression(values, lambda w, values: (w - 1) ** 2), rates)
    state = fit(task, Run(tmp_path, mesh="data=1")).state
    np.testing.assert_array_equal(state.opt_state.alive, [True, False, False, True])
    np.testing.assert_allclose(state.params["w"][np.array([0, 3])], 1 - (1 - 2 * np.array([0.1, 0.01])) ** 6, rtol=1e-5)
    assert np.isfinite(state.params["w"]).all()


def test_a_trial_whose_cost_is_infinite_dies_though_its_gradient_is_finite(tmp_path):
    task = caviar(
        lambda values: regression(values, lambda w, values: (w - 1) ** 2 + values["spoilt"]),
        {"rate": [0.1, 0.1], "spoilt": [0.0, np.inf]},
    )
    np.testing.assert_array_equal(fit(task, Run(tmp_path, mesh="data=1")).state.opt_state.alive, [True, False])


def test_a_step_to_infinity_is_not_taken(tmp_path):
    task = caviar(lambda values: regression(values, lambda w, values: (w - 1) ** 2), {"rate": [2e38, 0.1]})
    state = fit(task, Run(tmp_path, mesh="data=1")).state
    np.testing.assert_array_equal(state.opt_state.alive, [False, True])
    assert state.params["w"][0] == 0


def test_who_diverged_once_stays_where_it_was_and_is_left_out_of_the_metrics():
    task = caviar(lambda values: regression(values, lambda w, values: (w - 1) ** 2), {"rate": [0.1, 0.1]})
    params, model_state = task.init(jax.random.key(0))
    state = task.optimizer.init(params)
    for spoilt in (jnp.nan, 1.0):
        updates, state = task.optimizer.update({"w": jnp.array([1.0, spoilt])}, state, params)
        np.testing.assert_allclose(updates["w"], [-0.1, 0.0])
    np.testing.assert_array_equal(state.alive, [True, False])

    def measured(values):
        def loss(params, model_state, example, key):
            cost = Mean.of(values["cost"], example["mask"])
            return cost, (model_state, {"cost": cost})

        return dataclasses.replace(regression({"rate": 0.1}, None), loss=loss)

    example = {"x": jnp.ones(1), "mask": jnp.float32(1)}
    _, (_, metrics) = caviar(measured, {"cost": [3.0, np.inf]}).loss(params, model_state, example, jax.random.key(0))
    assert metrics["cost"].value == 3


def test_what_is_no_number_is_of_another_program():
    with pytest.raises(InputError, match="rule = adam: expected numbers"):
        caviar(build, {"rule": np.array(["adam", "gd"])})


def test_a_value_may_stand_in_the_initial_weights_too():
    def scaled(values):
        task = build({})

        def init(key):
            params, state = task.init(jax.random.fold_in(key, values["seed"].astype(int)))
            return jax.tree.map(lambda leaf: leaf * values["scale"], params), state

        return dataclasses.replace(task, init=init)

    params, _ = caviar(scaled, {"scale": [1.0, 2.0, 1.0], "seed": [0, 0, 1]}).init(jax.random.key(0))
    kernel = params["output"]["kernel"]
    np.testing.assert_allclose(kernel[1], 2 * kernel[0])
    assert float(jnp.abs(kernel[2] - kernel[0]).max()) > 0.1


@pytest.mark.parametrize("trials", [{}, {"b1": []}, {"b1": [0.1, 0.2], "b2": [0.3]}])
def test_uneven_columns_are_refused(trials):
    with pytest.raises(InputError, match="expected as many of each"):
        caviar(build, trials)


def test_only_numbers_of_the_optimiser_can_vary():
    with pytest.raises(InputError, match="unknown value of an optimiser 'decay'"):
        Varied(Chain(), {"decay": 1.0})
    with pytest.raises(InputError, match="decay = table"):
        Varied(Chain(decay="table", table=((0, 0.1),)), {"learning_rate": 1.0})
    with pytest.raises(InputError, match="learning_rate = 0"):
        Varied(Chain(learning_rate=0.0), {"learning_rate": 1.0})
