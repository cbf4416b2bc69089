"""Diagnosis: every worked example of the notes, the intervals against their literature, and what is refused."""

import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.strategy.diagnose import KNOBS, bayes_proxy, diagnose, difference, wilson


def percent(**errors):
    return diagnose({name: error / 100 for name, error in errors.items()})


BIAS, VARIANCE, MISMATCH = "avoidable bias", "variance", "data mismatch"


@pytest.mark.parametrize(
    ("errors", "causes"),
    [
        ({"human": 0, "train": 1, "dev": 11}, {VARIANCE}),
        ({"human": 0, "train": 15, "dev": 16}, {BIAS}),
        ({"human": 0, "train": 15, "dev": 30}, {BIAS, VARIANCE}),
        ({"human": 0, "train": 0.5, "dev": 1}, set()),
        ({"human": 15, "train": 15, "dev": 16}, set()),
        ({"train": 10, "dev": 11, "test": 12}, {BIAS}),
        ({"human": 1, "train": 8, "dev": 10}, {BIAS}),
        ({"human": 7.5, "train": 8, "dev": 10}, {VARIANCE}),
        ({"human": 0, "train": 1, "train_dev": 1.5, "dev": 10}, {MISMATCH}),
        ({"human": 0, "train": 1, "train_dev": 9, "dev": 10}, {VARIANCE}),
        ({"human": 0, "train": 10, "train_dev": 11, "dev": 20}, {BIAS, MISMATCH}),
        ({"human": 4, "train": 4.2, "dev": 4.4, "test": 9}, {"dev overfit"}),
        ({"human": 0, "train": 1, "dev": 10, "test": 10}, {VARIANCE}),
    ],
)
def test_the_worked_examples(errors, causes):
    assert set(percent(**errors).causes) == causes


@pytest.mark.parametrize("errors", [(0, 0.2, 0.3), (0, 0.3, 0.45), (0, 0.04, 0.06), (0, 0.06, 0.09), (0, 0.1, 0.15)])
def test_a_gap_half_as_large_as_the_largest_is_a_cause_however_its_floats_round(errors):
    assert diagnose(dict(zip(("human", "train", "dev"), errors, strict=True))).causes == (BIAS, VARIANCE)


@pytest.mark.parametrize("train", [0.0, 0.05, 0.06, 0.1, 0.2, 0.3, 0.4])
def test_a_gap_of_a_point_and_a_half_is_a_cause_wherever_it_begins_and_less_is_none(train):
    assert diagnose({"human": train, "train": train, "dev": round(train + 0.015, 9)}).causes == (VARIANCE,)
    assert diagnose({"human": train, "train": train, "dev": train + 0.0149}).causes == ()


def test_below_the_human_level_it_is_undecidable():
    found = percent(human=0.5, train=0.3, dev=0.4)
    assert found.verdict == "undecidable"
    assert any("below the human level" in remark for remark in found.remarks)
    assert percent(human=0.5, train=0.3, dev=9).verdict == VARIANCE
    for train in (0.2, 1 - 0.8, float(1 - np.float32(0.8))):
        assert diagnose({"human": 0.2, "train": train, "dev": 0.21}).verdict == "nothing stands out"


def test_a_dev_set_that_is_easier_than_train_is_said_to_be():
    found = percent(human=4, train=7, train_dev=10, dev=6)
    assert found.gaps[MISMATCH].value == pytest.approx(-0.04)
    assert any("dev is easier than train" in remark for remark in found.remarks)
    assert percent(human=4, train=7, train_dev=10, dev=8.5).remarks == found.remarks
    assert percent(human=4, train=7, train_dev=10, dev=8.6).remarks == ()


def test_the_proxy_for_bayes_is_the_lowest_error_of_any_expert():
    assert bayes_proxy({"a person": 0.03, "a doctor": 0.01, "a specialist": 0.007, "a team": 0.005}) == 0.005


def test_each_cause_has_its_knob_and_the_largest_comes_first():
    found = percent(human=0, train=12, dev=20)
    assert found.causes == (BIAS, VARIANCE)
    assert percent(human=0, train=8, dev=20).causes == (VARIANCE, BIAS)
    assert found.actions[0] == "a bigger network"
    assert found.actions.index("more data, or augmentation") > found.actions.index("less regularisation")
    assert len(set(found.actions)) == len(found.actions)
    assert "bigger dev set" in KNOBS["dev overfit"][0]
    assert any("turns the knob of bias too" in knob for knob in KNOBS[VARIANCE])


def test_wilson_s_interval_of_0_of_10_and_of_15_of_148():
    """0/10: 0 to .2775; 15/148: .0624 to .1605 (Newcombe, 1998, Statistics in Medicine 17:857, table I, method 3)."""
    np.testing.assert_allclose(wilson(0, 10), (0, 0.2775), atol=5e-5)
    np.testing.assert_allclose(wilson(15 / 148, 148), (0.0624, 0.1605), atol=5e-5)


def test_newcombe_s_interval_of_56_of_70_less_48_of_80():
    """.2: .0524 to .3339 (Newcombe, 1998, Statistics in Medicine 17:873, table II, method 10)."""
    np.testing.assert_allclose(difference(48 / 80, 80, 56 / 70, 70), (0.0524, 0.3339), atol=5e-5)


def test_the_interval_holds_the_true_difference_in_about_95_of_100_draws():
    random = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        first, second = random.binomial(200, 0.1) / 200, random.binomial(100, 0.25) / 100
        low, high = difference(first, 200, second, 100)
        held += low <= 0.15 <= high
    assert 0.935 <= held / 2000 <= 0.97


def test_what_chance_explains_is_no_cause():
    errors = {"human": 0.02, "train": 0.02, "dev": 0.06}
    few, many = (diagnose(errors, {"train": 1000, "dev": n}) for n in (50, 1000))
    assert few.causes == ()
    assert "not distinguishable from zero" in few.lines()[1]
    assert many.causes == ("variance",)
    assert few.gaps[BIAS].interval is not None  # one of the two is of a count
    assert diagnose(errors).gaps[BIAS].interval is None


def test_what_chance_explains_is_not_remarked_on_either():
    easier = {"human": 0.04, "train": 0.07, "train_dev": 0.10, "dev": 0.06}
    few, many = (diagnose(easier, dict.fromkeys(("train", "train_dev", "dev"), n)) for n in (100, 10_000))
    assert not few.remarks
    assert "dev is easier than train" in many.remarks[0]
    below = {"human": 0.01, "train": 0.009, "dev": 0.012}
    few, many = (diagnose(below, {"train": n, "dev": n}) for n in (1000, 10**6))
    assert (few.verdict, many.verdict) == ("nothing stands out", "undecidable")
    assert not any("below the human level" in remark for remark in few.remarks)


def test_the_human_level_is_taken_as_zero_and_that_is_said():
    assert "taken as 0" in diagnose({"train": 0.1, "dev": 0.1}).remarks[0]


def test_without_a_train_dev_set_variance_and_mismatch_are_said_not_to_be_told_apart():
    assert any("can't be told apart" in remark for remark in percent(human=0, train=1, dev=9).remarks)
    assert percent(human=0, train=1, train_dev=5, dev=9).remarks == ()


@pytest.mark.parametrize(
    ("errors", "counts", "message"),
    [
        ({"train": 8, "dev": 10}, {}, "train error 8: expected a share between 0 and 1"),
        ({"train": -0.1, "dev": 0.1}, {}, "between 0 and 1"),
        ({"train": float("nan"), "dev": 0.1}, {}, "between 0 and 1"),
        ({"train": 0.1, "dev": 0.1}, {"dev": 0}, "dev error from 0 examples"),
        ({"train": 0.1}, {}, "no dev error"),
        ({"train": 0.1, "devel": 0.1}, {}, "dev"),
    ],
)
def test_what_is_no_error_is_refused(errors, counts, message):
    with pytest.raises(InputError, match=message):
        diagnose(errors, counts)
