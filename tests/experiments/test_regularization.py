"""Regularisation: what each method promises, on a shrunken run."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.training import regularization
from experiments.training.regularization import Config, Recipe
from jaxdl.layers.activations import tanh
from jaxdl.models.mlp import MLP
from jaxdl.train.settings import Run
from jaxdl.train.trials import scores

SMALL = Config(
    seeds=1,
    sets=("moons",),
    moons=Recipe((2, 32, 32, 2), 0.5, 800, 0.01, 0.01, (0.9, 0.7), 4, 0.3),
    strengths=(1e-4, 1e-1),
    folds=2,
    followed=50,
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return regularization.measure(SMALL, Run(tmp_path_factory.mktemp("regularization"), mesh="data=1", quiet=True))


def test_regularisation_narrows_the_gap_between_train_and_test(measured):
    [results] = measured[0].values()
    train, test = scores(results, "train/accuracy"), scores(results, "test/accuracy")
    gap = {method: (train[method] - test[method]).mean() for method in results}
    for method in ("L2", "weight decay", "L1", "early stopping", "augmentation"):
        assert gap[method] < gap["none"], gap


def test_only_l1_makes_weights_exactly_zero(measured):
    [results] = measured[0].values()
    shares = {method: regularization.zeros(found) for method, found in results.items()}
    assert shares.pop("L1").min() > 0.5
    assert not any(share.any() for share in shares.values())


def test_early_stopping_hands_back_the_weights_of_its_best_dev_loss(measured):
    [results] = measured[0].values()
    for stopped, plain in zip(results["early stopping"], results["none"], strict=True):
        assert 0 < int(stopped.state.best.step) < int(stopped.state.step) < SMALL.moons.steps
        assert stopped.metrics["dev/loss"] == pytest.approx(float(stopped.state.best.value), rel=1e-5)
        assert stopped.metrics["dev/loss"] < plain.metrics["dev/loss"]


def test_a_larger_penalty_shrinks_z_until_tanh_is_near_linear(measured):
    weak, strong = (measured[1][strength] for strength in SMALL.strengths)
    assert (strong["mean |z|"] < 0.5 * weak["mean |z|"]).all()
    assert (strong["mean |tanh z − z|"] < 0.05 * strong["mean |z|"]).all()
    assert (weak["mean |tanh z − z|"] > 0.2 * weak["mean |z|"]).all()


def test_cross_validation_chooses_the_strength_that_costs_least_where_it_was_not_trained():
    losses = {1e-3: [0.1, 0.9], 1e-2: [0.4, 0.4], 1e-1: [0.3, 0.6]}
    assert regularization.chosen({strength: {"held-out loss": np.array(x)} for strength, x in losses.items()}) == 1e-2


def test_l2_in_the_loss_is_weight_decay_for_gradient_descent_and_not_for_adam(measured):
    assert measured[2]["gd"] < 1e-13
    assert measured[2]["adam"] > 1e-3


def test_z_is_what_the_network_computes():
    """The last hidden layer's tanh z, times the output's weights, is the network's own output."""
    task = regularization.of_seed(SMALL, "moons", "none", 0)
    params, _ = task.init(jax.random.key(0))
    x = task.train.source.fields["x"]
    z = regularization.preactivations(params, x)[-len(x) * 32 :].reshape(-1, 32)
    logits = np.tanh(z) @ params["output"]["kernel"] + params["output"]["bias"]
    network = MLP(SMALL.moons.widths, activation=tanh)
    np.testing.assert_allclose(logits, network.apply({"params": params}, jnp.asarray(x)), atol=1e-5)


def test_the_methods_of_a_seed_share_its_examples_and_first_weights():
    first, second = (regularization.of_seed(SMALL, "moons", method, 1) for method in ("none", "L1"))
    other = regularization.of_seed(SMALL, "moons", "none", 2)
    x, same, different = (task.train.source.fields["x"] for task in (first, second, other))
    assert (x == same).all()
    assert not (x == different).all()


def test_the_findings_and_figures_of_a_run_have_its_numbers(measured):
    told = regularization.findings(SMALL, *measured)
    gap = scores(measured[0]["moons"], "test/accuracy")["none"].mean()
    assert f"none {gap:.3f}" in told[0]
    drawn = regularization.figures(SMALL, measured[0], measured[1])
    assert len(drawn) == 5


def test_the_title_names_the_best_method_and_says_where_none_is_better_than_none():
    accuracy = {"none": np.array([0.5]), "L1": np.array([0.4]), "L2": np.array([0.45])}
    assert regularization.told_of("moons", accuracy) == "moons: no method does better than none"
    assert regularization.told_of("moons", accuracy | {"L1": np.array([0.6])}) == "moons: L1 gains 0.100 over none"
