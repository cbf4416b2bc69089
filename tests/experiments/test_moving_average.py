"""The weighted average: the notes' worked numbers, what theory says of noise and lag, and the bias of the start."""

import numpy as np
import pytest

from experiments.training import moving_average
from experiments.training.moving_average import Config, averages, lag, weight_within
from jaxdl.errors import InputError

CONFIG = Config(seeds=5)
MEASURED = moving_average.measure(CONFIG)


def test_the_worked_numbers():
    plain, corrected = averages(np.array([10.0, 10.0]), 0.5)
    np.testing.assert_allclose(plain, [5.0, 7.5])
    np.testing.assert_allclose(corrected, [10.0, 10.0])
    assert weight_within(0.98, 2) == pytest.approx(0.0396)


def test_the_plain_average_is_the_recursion_of_the_notes():
    values, v, expected = np.random.default_rng(0).normal(size=50), 0.0, []
    for value in values:
        v = 0.9 * v + 0.1 * value
        expected.append(v)
    np.testing.assert_allclose(averages(values, 0.9)[0], expected, rtol=1e-12)


@pytest.mark.parametrize("beta", CONFIG.betas)
def test_about_two_thirds_of_the_weight_or_more_lie_within_the_window(beta):
    assert 1 - np.exp(-1) < weight_within(beta, 1 / (1 - beta)) <= 0.75 + 1e-9


@pytest.mark.parametrize("beta", CONFIG.betas)
def test_the_noise_left_is_what_theory_says(beta):
    expected = CONFIG.noise * np.sqrt((1 - beta) / (1 + beta))
    assert MEASURED[beta]["noise"].mean() == pytest.approx(expected, rel=0.35)


def test_a_ramp_is_followed_late_by_beta_over_one_minus_beta():
    ramp = np.arange(400.0)
    assert lag(averages(ramp, 0.9)[1][200:], ramp[200:]) == 9


def test_more_memory_trails_further_and_the_middle_one_is_nearest():
    lags = [MEASURED[beta]["lag"].mean() for beta in (0.5, 0.9, 0.98)]
    assert lags == sorted(set(lags))
    errors = {beta: found["error"].mean() for beta, found in MEASURED.items()}
    assert min(errors, key=errors.get) == 0.9


@pytest.mark.parametrize("beta", [0.9, 0.98])
def test_without_correction_the_start_is_near_zero(beta):
    found = MEASURED[beta]
    assert found["start"].min() > 3 * found["corrected start"].max()


def test_it_tells_every_beta_and_draws_three_figures():
    findings, figures = moving_average.main(Config(seeds=2, days=120, betas=(0.5, 0.9)), None)
    assert all(any(f"β = {beta:g} averages" in told for told in findings) for beta in (0.5, 0.9))
    assert len(figures) == 3


def test_a_year_too_short_for_noise_and_lag_is_refused():
    with pytest.raises(InputError, match="--days 60: expected 120 or more"):
        Config(days=60)


def test_the_start_is_shown_of_the_longest_memory_in_whatever_order_they_come():
    _, figures = moving_average.main(Config(seeds=1, days=120, betas=(0.98, 0.5)), None)
    assert list(figures)[1].startswith("β = 0.98: without bias correction")
