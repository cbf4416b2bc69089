"""The benchmark compares equal work."""

import jax
import numpy as np
import pytest

from benchmarks.contenders import ByHand, our_step, per_example_gradients
from benchmarks.step import row
from benchmarks.tasks import WORKS, make_task
from benchmarks.turns import WARM, fit_in_turns, take_turns


@pytest.mark.parametrize("name", ["no-op", "lenet5", "mlp"])
def test_fit_and_the_loop_by_hand_train_to_the_same_parameters(name):
    work = WORKS[name]
    task = make_task(work, steps=1)
    by_hand = ByHand(work, task)
    ours, theirs, result = fit_in_turns(task, by_hand, block=2, turns=1)
    assert ours.shape == theirs.shape == (1,)
    by_hand(1)  # fit ends with a step that is not timed
    assert by_hand.at == result.state.step == 2 * (WARM + 1) + 1
    for a, b in zip(jax.tree.leaves(by_hand.params), jax.tree.leaves(result.state.params), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


def test_an_epoch_by_hand_ends_where_an_epoch_of_fit_ends():
    work = WORKS["no-op"]
    task = make_task(work, steps=1)
    by_hand, steps = ByHand(work, task), task.train.steps_per_epoch
    *_, result = fit_in_turns(task, by_hand, block=steps // 2, turns=1)  # one epoch and a half
    by_hand(1)
    for a, b in zip(jax.tree.leaves(by_hand.params), jax.tree.leaves(result.state.params), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_each_contender_is_timed_in_each_turn_and_the_first_turns_are_not_counted():
    calls = []

    def contender(name, seconds):
        return lambda count: calls.append((name, count)) or seconds

    times = take_turns({"a": contender("a", 6.0), "b": contender("b", 3.0)}, block=3, turns=2)
    assert calls == [("a", 3), ("b", 3)] * (WARM + 2)
    assert {name: list(values) for name, values in times.items()} == {"a": [2.0, 2.0], "b": [1.0, 1.0]}


@pytest.mark.parametrize("make", [our_step, per_example_gradients])
def test_more_steps_take_more_time(make):
    run = make(make_task(WORKS["no-op"], steps=1))
    run(1)
    assert run(200) > run(2) > 0


def test_the_median_is_held_against_the_bar():
    assert row("x", "×", [1.0, 1.02, 9.0], "≤ 1.03").endswith("met")
    assert row("x", "×", [1.0, 1.04, 1.05], "≤ 1.03").endswith("short")
    assert row("x", "×", [1.0, 3.1, 3.2], "≥ 3").endswith("met")
