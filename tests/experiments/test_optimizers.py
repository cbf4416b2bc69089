"""Rules on three surfaces and on a network: what momentum and scaling are for, and the bookkeeping around them."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.training import optimizers
from experiments.training.optimizers import RATES, SURFACES, Config
from jaxdl.train.settings import Run

SMALL = Config(
    seeds=1,
    rules=("gd", "momentum", "adam"),
    surface_rates=(0.005, 0.01, 0.3),
    surface_steps=1000,
    hidden=(16,),
    epochs=2,
)
BOWL, SADDLE, PLATEAU = SURFACES


@pytest.fixture(scope="module")
def descents():
    return optimizers.measure_surfaces(SMALL)


def test_the_bowl_is_100_times_as_steep_one_way_and_the_saddle_falls_one_way():
    def curvatures(surface):
        return np.linalg.eigvalsh(jax.hessian(lambda point: SURFACES[surface][0](*point))(jnp.zeros(2)))

    np.testing.assert_allclose(curvatures(BOWL), [1, 100], rtol=1e-4)
    np.testing.assert_allclose(curvatures(SADDLE), [-1, 1], rtol=1e-4)


def test_momentum_halves_the_way_down_a_narrow_bowl(descents):
    assert descents[BOWL]["momentum"][1] < descents[BOWL]["gd"][1] / 2


def test_every_rule_leaves_the_saddle(descents):
    assert all(steps for _, steps, _ in descents[SADDLE].values())


def test_only_a_rule_that_divides_by_the_gradients_size_crosses_the_plateau(descents):
    assert {rule for rule, (_, steps, _) in descents[PLATEAU].items() if steps} == {"adam"}


def test_a_path_that_is_said_to_have_arrived_stays_below_the_threshold_from_there_on(descents):
    for surface, found in descents.items():
        height, start, threshold = SURFACES[surface]
        for _, steps, path in found.values():
            np.testing.assert_allclose(path[0], start)
            heights = np.asarray(height(*jnp.asarray(path).T))
            if steps:
                assert heights[steps - 1] >= threshold > heights[steps:].max()
            else:
                assert heights[-1] >= threshold


def test_the_kept_rate_is_the_one_that_arrives_first(descents):
    height, start, threshold = SURFACES[BOWL]
    w, steps, rate = np.array(start), 0, descents[BOWL]["gd"][0]
    turn = np.array([[np.cos(np.pi / 6), np.sin(np.pi / 6)], [-np.sin(np.pi / 6), np.cos(np.pi / 6)]])
    curvature = turn.T @ np.diag([1.0, 100.0]) @ turn
    assert rate == 0.01  # half of it is slower, and 0.3 far beyond 2 / 100
    while height(*w) >= threshold:
        w, steps = w - rate * curvature @ w, steps + 1
    assert descents[BOWL]["gd"][1] == steps


@pytest.mark.parametrize(
    ("flags", "place"), [([0, 1, 0, 1, 1], 3), ([1, 1], 0), ([0, 0], None), ([1, 1, 0], None), ([0, 1], 1)]
)
def test_for_good_is_the_place_from_which_all_are_true(flags, place):
    assert optimizers.for_good(np.array(flags, bool)) == place


def test_every_rule_has_a_rate_for_the_network():
    assert set(RATES) == set(Config.rules)


def test_the_network_keeps_the_rate_with_the_best_dev_loss_and_passes_over_one_that_diverges(
    tmp_path, capsys, descents
):
    config = replace(SMALL, rules=("gd",), rates=(1e-3, 0.1, 1e9))
    trained = optimizers.measure_network(config, Run(tmp_path, mesh="data=1"))
    rate, losses, accuracies, steps = trained["gd"]
    assert rate == 0.1
    assert losses[0] < np.log(10)
    assert accuracies[0] > 0.5
    assert steps.shape == (1, 2 * 17)
    assert "gd-1e+09: the loss is" in capsys.readouterr().out
    findings = optimizers.surface_findings(SMALL, descents) + optimizers.network_findings(config, trained)
    assert findings[-1].startswith("gd, α = 0.1: loss 0.")
    assert [told.split(":")[0] for told in findings[:3]] == [f"On the {surface}" for surface in SURFACES]
    assert len(optimizers.surface_figures(descents) | optimizers.network_figures(trained)) == 5


def test_a_surface_on_which_no_rule_arrives_is_titled_so_and_drawn():
    found = {rule: (0.1, None, np.zeros((2, 2))) for rule in ("gd", "momentum")}
    assert list(optimizers.surface_figures({PLATEAU: found})) == [f"The {PLATEAU}: none of 2 rules arrives"]


@pytest.mark.parametrize(
    ("losses", "when"),
    [
        ([[0.5, 0.5], [0.5, 0.5]], "never below 0.2"),
        ([[0.1, 0.1], [0.1, 0.1]], "train loss below 0.2 after 0 ± 0 steps"),
        ([[0.1, 0.1], [0.5, 0.5]], "train loss below 0.2 after 0 steps with 1 of 2 seeds"),
    ],
)
def test_a_loss_that_starts_low_and_one_that_only_some_seeds_reach_are_told_as_they_are(losses, when):
    trained = {"gd": (0.3, np.ones(2), np.ones(2), np.array(losses))}
    assert optimizers.network_findings(SMALL, trained)[1].endswith(f", {when}")
