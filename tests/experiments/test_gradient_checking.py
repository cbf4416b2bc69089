"""What the gradient check tells right from wrong, and where it is blind."""

import numpy as np
import pytest

from experiments.foundations.gradient_checking import BUGS, EPSILONS, Config, failed, measure, tell

CONFIG = Config(seeds=1, units=3, examples=7, timings=1)  # with as many examples as classes one bug would not show


@pytest.fixture(scope="module")
def measured():
    return measure(CONFIG)


def test_the_central_difference_of_a_cube_is_a_hundred_times_closer_than_the_one_sided(measured):
    assert measured["cube"] == pytest.approx((3.0001, 3.0301), abs=1e-9)


def test_the_right_backward_pass_is_passed(measured):
    (report,) = measured["random"]["right"]
    assert report.ok
    assert report.difference < 1e-8


@pytest.mark.parametrize("title", BUGS)
def test_each_planted_bug_is_found_and_its_parameters_named(title, measured):
    (report,) = measured["random"][title]
    assert not report.ok
    assert failed(report) == BUGS[title].spoils


def test_from_zero_parameters_only_what_reaches_the_last_bias_is_seen(measured):
    seen = {title for title, reports in measured["zero"].items() if not reports[0].ok}
    assert seen == {"m of the feature axis"}
    assert all("weights are zero" in reports[0].warnings[0] for reports in measured["zero"].values())


def test_every_difference_is_best_at_some_epsilon_between_truncation_and_rounding(measured):
    best = {name: curve[0].min() for name, curve in measured["curves"].items()}
    at = {name: EPSILONS[curve[0].argmin()] for name, curve in measured["curves"].items()}
    assert best["central float64"] < 1e-8 < best["one-sided float64"] < 1e-5 < best["central float32"] < 1e-2
    assert 1e-7 < at["central float64"] < 1e-3
    assert 1e-9 < at["one-sided float64"] < at["central float64"] < at["central float32"] < 1
    for name, curve in measured["curves"].items():
        assert curve[0, 0] > 100 * best[name]
        assert curve[0, -1] > 100 * best[name]


def test_the_errors_fall_as_epsilon_and_as_its_square(measured):
    between = slice(4, 7)  # ε from 1e-2 to 1e-3
    for name, order in (("one-sided float64", 1), ("central float64", 2)):
        slope = np.polyfit(np.log(EPSILONS[between]), np.log(measured["curves"][name][0, between]), 1)[0]
        assert slope == pytest.approx(order, abs=0.1)


def test_its_findings_count_what_was_found_and_every_figure_draws(measured):
    findings, figures = tell(CONFIG, measured)
    assert any("finds 7 of 7 planted bugs" in finding for finding in findings)
    assert any("in 7 of 7 checks" in finding for finding in findings)
    assert len(figures) == 2
    for drawn in figures.values():
        drawn.canvas.draw()
