"""The Task that `classifier` makes: what trains, what is scored, and that nothing but training is random."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_task
from jaxdl.data import planar
from jaxdl.layers.activations import tanh
from jaxdl.losses.classification import graded
from jaxdl.models.classifier import classifier
from jaxdl.models.mlp import MLP
from jaxdl.optim.chain import Chain
from jaxdl.task import is_coupled
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run
from jaxdl.train.trials import scores, trials
from jaxdl.typing import Mean

GD = Chain("gd", learning_rate=0.5)


def build(model=None, **options):
    data = planar.load("moons", examples=120)
    return classifier(model or MLP((2, 8, 2), activation=tanh), data, GD, 2, 32, **options)


def first(task):
    """(params, model_state, one example of the first batch)."""
    params, model_state = task.init(jax.random.key(0))
    return params, model_state, {name: jnp.asarray(x[0]) for name, x in next(task.train.iterate(0)).items()}


def test_it_learns_the_moons(tmp_path):
    task = build()
    assert task.steps == 2 * task.train.steps_per_epoch
    data = planar.load("moons")
    learned = classifier(MLP((2, 16, 2), activation=tanh), data, Chain("adam", learning_rate=0.03), 40, 60)
    assert fit(learned, Run(tmp_path, mesh="data=1")).metrics["test/accuracy"] > 0.9


def test_a_penalty_is_added_to_the_mean_loss_and_left_out_of_the_score():
    task, plain = build(penalty=lambda params: jnp.asarray(0.5), strength=0.5), build()
    params, model_state, example = first(task)
    key = jax.random.key(1)
    with_penalty, without = (float(t.loss(params, model_state, example, key)[0].value) for t in (task, plain))
    assert with_penalty - without == pytest.approx(0.25, rel=1e-5)
    assert float(task.score(params, model_state, example)["loss"].value) == pytest.approx(without, rel=1e-5)


def test_training_may_call_another_method_and_grade_it_differently():
    class Doubled(MLP):
        def doubled(self, x, mask, train):
            return 2 * self(x, mask, train)

    def tenth(output, example):
        return {**graded(output, example), "loss": Mean(graded(output, example)["loss"].total / 10, example["mask"])}

    plain, other = build(Doubled((2, 8, 2))), build(Doubled((2, 8, 2)), in_training=("doubled", tenth))
    params, model_state, example = first(plain)
    logits = Doubled((2, 8, 2)).apply({"params": params}, example["x"])
    expected = graded(2 * logits, example)["loss"].value / 10
    np.testing.assert_allclose(
        other.loss(params, model_state, example, jax.random.key(0))[0].value, expected, rtol=1e-5
    )
    scores = [task.score(params, model_state, example)["loss"].value for task in (plain, other)]
    assert float(scores[0]) == float(scores[1])


def test_augmentation_and_dropout_act_in_training_only_and_depend_on_the_key():
    noisy = build(augment=lambda key, x: x + jax.random.normal(key, x.shape))
    dropped = build(MLP((2, 8, 2), activation=tanh, keep=0.5))
    for task in (noisy, dropped):
        params, model_state, example = first(task)
        losses = [task.loss(params, model_state, example, jax.random.key(k))[0].value for k in range(4)]
        assert len({float(loss) for loss in losses}) > 1
        plain = build().score(params, model_state, example)["loss"].value
        np.testing.assert_allclose(task.score(params, model_state, example)["loss"].value, plain)


def test_with_batch_norm_it_is_coupled_and_its_gradients_are_right():
    task = build(MLP((2, 4, 2), activation=tanh, normalize="z"))
    assert is_coupled(task)
    assert not is_coupled(build())
    assert check_task(task).ok
    assert check_task(build()).ok


def test_trials_give_each_seed_weights_and_a_directory_of_its_own(tmp_path, capsys):
    results = trials({"a": lambda seed: build(), "b": lambda seed: build(wider(seed))}, Run(tmp_path), 2)
    assert scores(results, "test/accuracy")["a"].shape == (2,)
    leaves = [np.asarray(jax.tree.leaves(result.state.params)[-1]) for result in results["a"]]
    assert not np.allclose(*leaves)
    assert (tmp_path / "a/1/summary.json").exists()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" (")[0] for line in lines] == ["a, seed 0", "b, seed 0", "a, seed 1", "b, seed 1"]


def wider(seed):
    return MLP((2, 8 + seed, 2), activation=tanh)
