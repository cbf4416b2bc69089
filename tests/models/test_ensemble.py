"""Ensembles: each member is the network it would be alone, and the mean probability is at least as good as they are."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.data import planar
from jaxdl.errors import InputError
from jaxdl.models.classifier import classifier
from jaxdl.models.ensemble import averaged, ensemble, mean_probability
from jaxdl.models.mlp import MLP
from jaxdl.optim.chain import Chain
from jaxdl.task import nothing_said
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run
from jaxdl.typing import Mean


def tasks(normalize, members=3):
    """(the task of one network, that of several)."""
    model = MLP((2, 8, 2), normalize=normalize)
    task = classifier(model, planar.load("moons", examples=120), Chain("momentum", learning_rate=0.1), 7, 24)
    return task, ensemble(task, members)


@pytest.mark.parametrize("normalize", ["", "z"])
def test_each_member_is_the_network_it_would_be_alone(normalize, tmp_path):
    task, together = tasks(normalize)
    run = Run(tmp_path / "together", mesh="data=1")
    result = fit(together, run)
    for member in range(3):
        alone = dataclasses.replace(task, init=lambda key, member=member: task.init(jax.random.split(key, 3)[member]))
        single = fit(alone, Run(tmp_path / str(member), mesh="data=1")).state
        for one, other in zip(
            jax.tree.leaves((single.params, single.model_state)),
            jax.tree.leaves((result.state.params, result.state.model_state)),
            strict=True,
        ):
            np.testing.assert_allclose(one, other[member], atol=1e-5)


def test_the_loss_of_the_mean_probability_is_at_most_the_mean_loss():
    """−log is convex (Jensen), and with members that agree the two are equal."""
    logits = jax.random.normal(jax.random.key(0), (5, 4))
    one_by_one = -jax.nn.log_softmax(logits)
    assert (-mean_probability(logits) < one_by_one.mean(0)).all()
    same = jnp.tile(logits[:1], (5, 1))
    np.testing.assert_allclose(mean_probability(same), jax.nn.log_softmax(logits[0]), rtol=1e-5)
    np.testing.assert_allclose(jnp.exp(mean_probability(logits)), jax.nn.softmax(logits).mean(0), rtol=1e-5)


def test_the_score_counts_the_members_and_their_disagreement():
    task, together = tasks("")
    params, _ = jax.vmap(task.init)(jax.random.split(jax.random.key(0), 3))
    params = jax.tree.map(jnp.zeros_like, params)
    params["output"]["bias"] = jnp.array([[3.0, 0], [3.0, 0], [0, 1.0]])
    for label, accuracy, of_members in ((0, 1, 2 / 3), (1, 0, 1 / 3)):
        example = {"x": jnp.zeros(2), "label": jnp.int32(label), "mask": jnp.float32(1)}
        scored = {name: float(mean.value) for name, mean in together.score(params, {}, example).items()}
        assert scored["accuracy"] == accuracy
        assert scored["member_accuracy"] == pytest.approx(of_members)
        assert scored["disagreement"] == pytest.approx(1 / 3)
    padding = together.score(params, {}, example | {"mask": jnp.float32(0)})
    assert all(mean.weight == 0 for mean in padding.values())


def test_each_member_draws_its_own_noise():
    task, _ = tasks("")

    def noisy(params, model_state, example, key):
        return Mean.of(params["w"] * jax.random.uniform(key), example["mask"]), (model_state, {})

    together = ensemble(dataclasses.replace(task, init=lambda key: ({"w": jnp.ones(())}, {}), loss=noisy), 3)
    example = {"mask": jnp.float32(1)}
    gradient = jax.grad(lambda params: together.loss(params, {}, example, jax.random.key(0))[0].total)
    assert len(np.unique(gradient({"w": jnp.ones(3)})["w"])) == 3


def test_an_ensemble_of_none_is_refused():
    with pytest.raises(InputError, match="expected 1 member or more"):
        tasks("", members=0)


def test_the_score_over_views_is_of_the_mean_of_their_probabilities():
    task, _ = tasks("")
    params, _ = task.init(jax.random.key(0))
    example = {"x": jnp.array([0.3, -0.7]), "label": jnp.int32(1), "mask": jnp.float32(1)}
    both = averaged(task, lambda x: jnp.stack([x, -2 * x]), "x")
    logits = [task.predict(params, {}, example | {"x": x}) for x in (example["x"], -2 * example["x"])]
    expected = sum(jax.nn.softmax(z) for z in logits) / 2
    np.testing.assert_allclose(jnp.exp(both.predict(params, {}, example)), expected, rtol=1e-6)
    np.testing.assert_allclose(both.score(params, {}, example)["loss"].value, -jnp.log(expected[1]), rtol=1e-6)
    same = averaged(task, lambda x: jnp.stack([x, x, x]), "x")
    np.testing.assert_allclose(
        same.score(params, {}, example)["loss"].value, task.score(params, {}, example)["loss"].value, rtol=1e-6
    )


def test_a_task_without_logits_has_no_mean_of_probabilities():
    task, _ = tasks("")
    silent = dataclasses.replace(task, predict=nothing_said)
    for changed in (averaged(silent, lambda x: x[None], "x"), ensemble(silent, 2)):
        with pytest.raises(InputError, match="has no `predict`"):
            changed.predict({"w": jnp.zeros(2)}, {}, {"x": jnp.zeros(2)})
