"""Learning curves: the average has its closed form, the title tells the truth, every set is drawn."""

import numpy as np
import pytest

from jaxdl.report.curves import last, learning_curves, smooth, span, weighted_average
from jaxdl.report.style import COLORS


def train(values, name="loss"):
    return [{"step": step, "set": "train", name: value} for step, value in enumerate(values, start=1)]


def dev(values, name="loss"):
    return [{"step": 10 * step, "set": "dev", name: value} for step, value in enumerate(values, start=1)]


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.99])
def test_the_corrected_average_of_a_constant_is_the_constant_from_the_first_step(beta):
    np.testing.assert_allclose(weighted_average(np.full(50, 3.7), beta), 3.7, rtol=1e-12)


def test_the_corrected_average_by_hand():
    # β = .5, θ = 10, 10, 4: v = 5, 7.5, 5.75; divided by 1 − βᵗ = .5, .75, .875
    found = weighted_average(np.array([10.0, 10.0, 4.0]), 0.5)
    np.testing.assert_allclose(found, [10.0, 10.0, 5.75 / 0.875], rtol=1e-12)


def test_the_corrected_average_is_the_mean_under_geometric_weights():
    values, beta = np.random.default_rng(0).normal(size=30), 0.8
    weights = beta ** np.arange(30)[::-1]
    assert weighted_average(values, beta)[-1] == pytest.approx(np.average(values, weights=weights), rel=1e-12)


def test_a_nan_in_the_middle_has_no_weight():
    # What is left is 8 at weight β² and 2 at weight 1.
    assert weighted_average(np.array([8.0, np.nan, 2.0]), 0.5)[-1] == pytest.approx((8 * 0.25 + 2) / 1.25)


def test_a_schedule_is_drawn_as_it_is_and_noise_is_averaged():
    schedule = np.cos(np.linspace(0, np.pi, 400))
    assert span(schedule) == 1
    np.testing.assert_array_equal(smooth(schedule), schedule)
    wave = np.sin(np.linspace(0, 40 * np.pi, 200))  # turns at every 5th step
    assert span(wave) == 5
    slow = np.sin(np.linspace(0, 19 * np.pi, 400))  # 19 turns
    assert span(slow) == 1
    noise = np.random.default_rng(0).normal(size=400)
    assert smooth(noise)[100:].std() < 0.5 * noise.std()


def test_a_training_that_ends_in_nan_is_not_told_by_its_average():
    values = np.append(np.random.default_rng(0).random(200), np.nan)
    assert np.isnan(last("train", values))
    assert last("train", values[:-1]) == pytest.approx(weighted_average(values[:-1], 0.8)[-1])
    assert any("train NaN at step 201" in title for title in learning_curves(train(values)))


@pytest.mark.parametrize(
    ("name", "values", "title"),
    [
        ("accuracy", [0.9, 0.989, 0.986], "accuracy: dev 0.986 at step 30 (best 0.989 at step 20)"),
        ("loss", [0.5, 0.25, 0.3], "loss: dev 0.3 at step 30 (best 0.25 at step 20)"),
        ("loss", [0.5, 0.3, 0.25], "loss: dev 0.25 at step 30, its best"),
        ("loss", [0.5, 0.25, float("nan")], "loss: dev NaN at step 30 (best 0.25 at step 20)"),
        ("bits", [0.5, 0.25, 0.3], "bits: dev 0.3 at step 30 (best 0.25 at step 20)"),
        ("step_ms", [0.5, 0.25, 0.25], "step_ms: dev 0.25 at step 30, its best"),
        ("temperature", [0.5, 0.25, 0.3], "temperature: dev 0.3 at step 30"),
    ],
)
def test_the_title_says_the_last_and_the_best_value_of_dev(name, values, title):
    assert list(learning_curves(train([1.0, 0.9], name) + dev(values, name))) == [title]


def test_every_set_is_in_the_figure_in_its_own_colour():
    scored = [*dev([0.8, 0.7]), {"step": 20, "set": "test", "loss": 0.75}]
    (figure,) = learning_curves(train(np.random.default_rng(0).random(100)) + scored).values()
    drawn = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert drawn["train, each step"].get_color() == drawn["mean of ≈ 2 steps"].get_color() == COLORS["train"]
    assert drawn["dev"].get_color() == COLORS["dev"]
    assert drawn["test"].get_color() == COLORS["test"]
    assert drawn["dev"].get_ydata().tolist() == [0.8, 0.7]


def test_a_restart_is_a_vertical_line_and_the_first_start_is_not():
    starts = [{"step": 0, "event": "start"}, {"step": 2, "event": "start"}]
    (figure,) = learning_curves(starts + train([3.0, 2.0, 1.0])).values()
    upright = [line for line in figure.axes[0].get_lines() if list(line.get_xdata()) == [2, 2]]
    assert [line.get_label() for line in upright] == ["restart"]
    assert not any(list(line.get_xdata()) == [0, 0] for line in figure.axes[0].get_lines())


def test_a_cost_that_falls_by_decades_has_a_logarithmic_axis_that_says_so():
    (figure,) = learning_curves(train(np.geomspace(1, 1e-4, 50))).values()
    assert figure.axes[0].get_yscale() == "log"
    assert figure.axes[0].get_ylabel() == "loss (log scale)"
    (figure,) = learning_curves(train(np.geomspace(1e-4, 1, 50), "accuracy")).values()
    assert figure.axes[0].get_yscale() == "linear"
