"""The notes' parabola: the first step of each rule by hand, and which rules settle."""

import pytest

from experiments.foundations import quadratic

PATHS = quadratic.measure(quadratic.Config())


@pytest.mark.parametrize(
    ("rule", "w"),
    [
        ("gradient descent", 1.0),  # 0.1 · 10
        ("momentum", 1.0),
        ("averaged momentum", 0.1),  # 0.1 · (1 − 0.9) · 10
        ("averaged, corrected", 1.0),
        ("Nesterov", 1.9),  # 0.1 · (10 + 0.9 · 10)
        ("AdaGrad", 0.1),  # 0.1 · 10 / 10
        ("RMSprop", 0.1 / 0.1**0.5),  # 0.1 · 10 / √(0.1 · 10²)
        ("AdaDelta (α = 1)", (1e-6 / 0.05) ** 0.5),  # 10 · √ε / √(0.05 · 10²)
        ("Adam", 0.1),
        ("AdamW (λ = 0.01)", 0.1),
        ("Nadam", 0.1 * (0.09 / 0.19 + 1)),
    ],
)
def test_the_first_step_is_that_of_the_formula(rule, w):
    assert PATHS[rule][1] == pytest.approx(w, rel=1e-4)


def test_gradient_descent_closes_a_fifth_of_the_distance_a_step():
    assert PATHS["gradient descent"][:4] == pytest.approx([0, 1, 1.8, 2.44], rel=1e-5)
    assert quadratic.settling_step(PATHS["gradient descent"], 1e-3) == 39  # 5 · 0.8³⁸ > 0.001 > 5 · 0.8³⁹


def test_adam_ends_at_the_minimum_and_adamw_is_held_below_it_by_its_decay():
    assert PATHS["Adam"][-1] == pytest.approx(5.0, abs=5e-5)
    assert 4.9 < PATHS["AdamW (λ = 0.01)"][-1] < 4.99


def test_momentum_overshoots_and_adagrad_and_adadelta_do_not_arrive():
    assert PATHS["momentum"].max() > 8
    assert all(quadratic.settling_step(PATHS[rule], 1e-3) is None for rule in ("AdaGrad", "AdaDelta (α = 1)"))


def test_it_tells_every_rule_and_draws_two_figures():
    config = quadratic.Config(steps=60)
    findings, figures = quadratic.main(config, None)
    assert all(any(told.startswith(rule) for told in findings) for rule in quadratic.RULES)
    assert len(figures) == 2
