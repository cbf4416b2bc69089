"""Search spaces: bounds, scales, conditions, zoom."""

import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.tune.optuna import suggest
from jaxdl.tune.spaces import Choice, Integer, Log, OneMinusLog, Uniform, When, check_space, grid, sample, zoom

SPACE = {
    "learning_rate": Log(1e-4, 1.0),
    "beta": OneMinusLog(0.9, 0.999),
    "keep": Uniform(0.5, 1.0),
    "units": Integer(50, 100),
    "rule": Choice(("momentum", "adam")),
    "b2": When("rule", "adam", OneMinusLog(0.9, 0.9999)),
}


def test_each_power_of_ten_of_a_rate_and_of_what_a_beta_lacks_to_1_is_as_likely():
    trials = sample(SPACE, 4000)
    rates = np.log10([trial["learning_rate"] for trial in trials])
    counts = np.histogram(rates, [-4, -3, -2, -1, 0])[0]
    np.testing.assert_allclose(counts, 1000, atol=120)  # binomial: standard deviation 27
    missing = np.log10(1 - np.array([trial["beta"] for trial in trials]))
    np.testing.assert_allclose(np.histogram(missing, [-3, -2, -1])[0], 2000, atol=140)
    units = np.bincount([trial["units"] for trial in trials], minlength=101)
    assert units[:50].sum() == 0
    assert units[50:].min() > 35
    assert len(units) == 101


@pytest.mark.parametrize(
    "dimension", [Uniform(-2.0, 3.0), Log(1e-3, 10.0), OneMinusLog(0.5, 0.99), Integer(2, 4), Choice(("a", "b", "c"))]
)
def test_the_ends_are_the_bounds_and_place_undoes_at(dimension):
    ends = dimension.at(0.0), dimension.at(1.0)
    if not isinstance(dimension, Choice):
        np.testing.assert_allclose(ends, (dimension.low, dimension.high))
    for u in (0.0, 0.2, 0.5, 0.99):
        value = dimension.at(u)
        again = dimension.at(dimension.place(value))
        assert again == (value if isinstance(value, str | int) else pytest.approx(value))


def test_of_a_grid_of_four_a_rate_has_four_values_and_of_sixteen_draws_sixteen():
    space = {"rate": Log(1e-4, 1e-1), "keep": Uniform(0.5, 1.0)}
    of_grid, drawn = grid(space, 4), sample(space, 16)
    assert len(of_grid) == len(drawn) == 16
    np.testing.assert_allclose(sorted({trial["rate"] for trial in of_grid}), [1e-4, 1e-3, 1e-2, 1e-1])
    assert len({trial["rate"] for trial in drawn}) == 16


def test_a_condition_decides_what_a_trial_has_and_a_grid_has_no_trial_twice():
    for trial in sample(SPACE, 50):
        assert ("b2" in trial) == (trial["rule"] == "adam")
    conditional = {"rule": SPACE["rule"], "b2": SPACE["b2"]}
    assert len(grid(conditional, 3)) == 1 + 3
    shapes = {"hidden": Choice(([8], [8, 8])), "rate": Log(1e-3, 1.0)}
    assert [trial["hidden"] for trial in grid(shapes, 2)] == [[8], [8], [8, 8], [8, 8]]
    nested = {"rule": SPACE["rule"], "decay": When("rule", "adam", Choice(("none", "step", "cosine")))}
    assert {trial.get("decay") for trial in grid(nested, 2)} == {None, "none", "step", "cosine"}


def test_a_seed_gives_the_same_trials_and_another_gives_others():
    assert sample(SPACE, 5, seed=1) == sample(SPACE, 5, seed=1) != sample(SPACE, 5, seed=2)


def test_a_zoom_holds_the_best_and_is_smaller_and_lies_within():
    space = {"rate": Log(1e-4, 1.0), "rule": Choice(("a", "b", "c")), "units": Integer(1, 100)}
    trials = sample(space, 200)
    scores = np.array([-abs(np.log10(trial["rate"]) + 2) - (trial["rule"] != "b") for trial in trials])
    scores[3] = np.nan
    finer = zoom(space, trials, scores, 0.1)
    assert 1e-3 < finer["rate"].low < 1e-2 < finer["rate"].high < 1e-1
    assert finer["rule"] == Choice(("b",))
    assert 1 <= finer["units"].low <= finer["units"].high <= 100
    again = zoom(finer, sample(finer, 100), np.arange(100.0), 1.0)
    assert finer["rate"].low <= again["rate"].low < again["rate"].high <= finer["rate"].high


def test_a_zoom_narrows_what_is_conditional_drops_what_can_no_longer_be_and_keeps_two_at_least():
    trials = [{"rule": "adam", "b2": 1 - 10.0**-r} for r in (1.5, 2, 2.5, 3)] + [{"rule": "momentum"}] * 4
    space = {"rule": SPACE["rule"], "b2": SPACE["b2"]}
    finer = zoom(space, trials, np.array([0.1, 0.9, 0.8, 0, 0, 0, 0, 0]), 0.01)
    assert finer["rule"] == Choice(("adam",))
    np.testing.assert_allclose((finer["b2"].dimension.low, finer["b2"].dimension.high), (0.99, 1 - 10**-2.5))
    other = zoom(space, trials, np.array([0, 0, 0, 0, 1, 1, 1, 1.0]), 0.5)
    assert other == {"rule": Choice(("momentum",))}
    assert sample(other, 2) == [{"rule": "momentum"}] * 2


def test_who_diverged_is_worst_and_takes_no_place_among_the_best():
    space = {"rate": Log(1e-4, 1.0)}
    trials = [{"rate": rate} for rate in (1e-4, 1e-3, 1e-2, 1e-1, 1.0)]
    assert zoom(space, trials, np.array([np.nan, 0.9, 0.8, 0.1, np.nan]), 0.4) == {"rate": Log(1e-3, 1e-2)}


def test_a_zoom_away_from_the_number_that_is_waited_for_drops_what_waits():
    space = {"layers": Integer(1, 4), "skip": When("layers", 4, Choice((True, False)))}
    finer = zoom(space, [{"layers": n} for n in (1, 2, 3)], np.array([0.9, 0.8, 0.1]), 0.5)
    assert finer == {"layers": Integer(1, 2)}
    assert sample(finer, 1)


def test_a_whole_number_stands_in_the_middle_of_its_part_of_the_unit():
    assert [Integer(2, 4).place(value) for value in (2, 3, 4)] == pytest.approx([1 / 6, 1 / 2, 5 / 6])


def test_optuna_is_asked_for_the_same_space():
    class Asked:
        def __init__(self, rule):
            self.rule, self.seen = rule, {}

        def suggest_categorical(self, name, options):
            self.seen[name] = options
            return self.rule

        def suggest_int(self, name, low, high):
            self.seen[name] = (low, high)
            return high

        def suggest_float(self, name, low, high, log=False):
            self.seen[name] = (low, high, log)
            return high

    asked = Asked("adam")
    found = suggest(asked, SPACE)
    assert found["learning_rate"] == 1.0
    assert found["beta"] == pytest.approx(0.9)
    assert asked.seen["1 - beta"] == pytest.approx((0.001, 0.1, True))
    assert asked.seen["learning_rate"] == (1e-4, 1.0, True)
    assert asked.seen["keep"] == (0.5, 1.0, False)
    assert asked.seen["units"] == (50, 100)
    assert "b2" in found
    assert "b2" not in suggest(Asked("momentum"), SPACE)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Log(0.0, 1.0), "0 < low < high"),
        (lambda: Log(-1.0, 1.0), "0 < low < high"),
        (lambda: OneMinusLog(0.9, 1.0), "low < high < 1"),
        (lambda: Uniform(1.0, 1.0), "low < high"),
        (lambda: Integer(3, 2), "low <= high"),
        (lambda: Choice(()), "an option or more"),
        (lambda: Log(1.0, float("inf")), "0 < low < high"),
        (lambda: Uniform(0.0, float("inf")), "low < high"),
        (lambda: check_space({}), "an empty space"),
        (lambda: check_space({"rule": SPACE["rule"], "b2": When("rule", "adma", Uniform(0.0, 1.0))}), "it never is"),
        (lambda: check_space({"n": Integer(1, 3), "x": When("n", 7, Uniform(0.0, 1.0))}), "it never is"),
        (lambda: check_space({"u": Uniform(0.0, 1.0), "x": When("u", "a", Uniform(0.0, 1.0))}), "it never is"),
        (lambda: When("a", 1, When("b", 2, Uniform(0.0, 1.0))), "expected one condition"),
        (lambda: check_space({"b2": When("rul", "adam", Uniform(0.0, 1.0))}), "unknown condition"),
        (lambda: sample(SPACE, 0), "0 trials"),
        (lambda: grid(SPACE, 0), "0 values"),
        (lambda: zoom(SPACE, sample(SPACE, 4), np.full(4, np.nan)), "nothing to zoom"),
        (lambda: zoom(SPACE, sample(SPACE, 4), np.ones(4), 0.0), "a share above 0"),
    ],
)
def test_what_is_no_space_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
