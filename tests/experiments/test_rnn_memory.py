"""What recurrent networks remember, on a smaller run."""

import jax
import numpy as np
import pytest

from experiments.sequences.rnn_memory import Config, adding, build, copying, gradient_ratios, measure, together
from jaxdl.check.gradients import check_task
from jaxdl.optim.chain import Chain
from jaxdl.train.settings import Run

SMALL = Config(seeds=1, cells=("gru",), lengths=(4, 12), steps=250, hidden=16, symbols=3, copied=2, scored=200)
ADAM = Chain("adam")


def test_an_adding_problem_marks_one_number_of_each_half_of_its_last_steps():
    for seed in range(20):
        x, mask, target = adding(SMALL, 6, jax.random.key(seed))
        first, second = np.flatnonzero(x[:, 1])
        assert 6 <= first < 9 <= second < 12
        assert target[0] == x[first, 0] + x[second, 0]
        np.testing.assert_array_equal(mask, [0] * 6 + [1] * 6)


def test_a_copying_problem_asks_for_each_symbol_so_many_steps_after_it():
    for seed in range(10):
        x, mask, target = copying(SMALL, 5, jax.random.key(seed))
        np.testing.assert_array_equal(mask, [0] * 7 + [1] * 7)
        np.testing.assert_array_equal(x[7:].argmax(-1), [*target, 3, 3, 3, 4, 4])
        np.testing.assert_array_equal(x.sum(-1), 1)


def test_no_problem_of_the_test_set_is_trained_on():
    task = build(SMALL, "adding", "gru", ADAM, 1.0, {"seed": 0, "length": 12})
    numbers = {
        name: {*batches.source.fields["number"]} for name, batches in (("train", task.train), *task.evaluate.items())
    }
    assert not numbers["train"] & numbers["test"]


@pytest.mark.parametrize("problem", ["adding", "copying"])
def test_its_gradients_are_right(problem):
    report = check_task(build(SMALL, problem, "gru", ADAM, 1.0, {"seed": 0, "length": 4}), sample=20)
    assert report.ok, str(report)


def test_one_linear_step_back_is_the_recurrent_matrix():
    """Near zero tanh is the identity: the gradient d steps back is wᵀUᵈ, so its ratio gainᵈ for orthogonal U."""
    for gain in (0.5, 2.0):
        params = together(SMALL, "adding", "rnn", ADAM, gain).init(jax.random.key(0))[0]
        params["recurrent"]["kernel"] *= 0
        np.testing.assert_allclose(gradient_ratios(SMALL, "rnn", params), gain ** np.arange(12.0)[None], rtol=1e-4)


@pytest.mark.parametrize(("forget", "kept"), [(20.0, 1.0), (-20.0, 0.0)])
def test_a_forget_gate_that_is_open_lets_the_gradient_through_and_a_shut_one_stops_it(forget, kept):
    params = together(SMALL, "adding", "lstm", ADAM).init(jax.random.key(0))[0]
    params["recurrent"] = jax.tree.map(np.zeros_like, params["recurrent"])
    params["recurrent"]["bias"][:] = np.repeat([-20.0, forget, 0.0, 20.0], SMALL.hidden)
    ratios = gradient_ratios(SMALL, "lstm", params)
    np.testing.assert_allclose(ratios[0], [1] + [kept] * 11, atol=1e-6)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return measure(SMALL, Run(tmp_path_factory.mktemp("memory"), mesh="data=1"))


def test_a_gru_learns_to_add_and_to_copy(measured):
    found, _, _ = measured
    assert found["adding"]["gru"].shape == (1, 2)
    assert (found["adding"]["gru"] < 0.02).all()  # 1/6 to say 1 always
    assert found["copying"]["gru"][0, 0] > 0.9  # 1/3 by chance


def test_training_opens_the_way_back_and_large_weights_grow_the_gradient(measured):
    _, ratios, _ = measured
    before, after = (ratios[when]["gru"][0, -1] for when in ("before training", "after training"))
    assert after > 3 * before
    assert ratios["before training"]["rnn, weights × 2"][0, -1] > 1


def test_clipping_keeps_the_rnn_with_large_weights_finite(measured):
    _, _, clipping = measured
    assert np.isfinite(clipping["clipped"]).all()
