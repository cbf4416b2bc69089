"""One metric to optimise, thresholds for the others."""

import pytest

from jaxdl.errors import InputError
from jaxdl.strategy.select import direction, parse_requirement, select

RUNS = {
    "A": {"dev/accuracy": 0.90, "latency_ms": 80},
    "B": {"dev/accuracy": 0.92, "latency_ms": 95},
    "C": {"dev/accuracy": 0.95, "latency_ms": 1500},
}


def test_the_most_accurate_of_those_that_answer_within_100_ms():
    choice = select(RUNS, "dev/accuracy", ["latency_ms<=100"])
    assert choice.best == ("B",)
    assert list(choice.ranking) == ["B", "A"]
    assert choice.failed == {"C": "latency_ms is 1500, not <= 100"}
    assert str(choice) == "B: the largest dev/accuracy, 0.92, of 2 that satisfy the thresholds"


def test_a_wake_word_is_to_be_accurate_and_sound_a_false_alarm_at_most_once_a_day():
    words = {"eager": {"accuracy": 0.98, "false_alarms": 4}, "shy": {"accuracy": 0.95, "false_alarms": 1}}
    assert select(words, "accuracy", ["false_alarms<=1"]).best == ("shy",)
    assert select(words, "accuracy", ["false_alarms<1"]).best == ()
    assert "false_alarms is 1, not < 1" in str(select(words, "accuracy", ["false_alarms<1"]))


def test_a_loss_is_to_be_small_and_a_prefix_says_otherwise():
    runs = {"a": {"dev/loss": 0.1, "depth": 2}, "b": {"dev/loss": 0.2, "depth": 9}}
    assert select(runs, "dev/loss").best == ("a",)
    assert select(runs, "max:depth").best == ("b",)
    assert select(runs, "min:depth").best == ("a",)
    assert select(runs, "max:dev/loss").best == ("b",)


def test_a_metric_whose_name_does_not_say_which_way_is_better_is_asked_about():
    with pytest.raises(InputError, match="give min:depth or max:depth"):
        select({"a": {"depth": 2}}, "depth")


@pytest.mark.parametrize(
    ("metric", "better"),
    [
        *[(f"dev/{name}", "min") for name in ("loss", "cost", "weighted_error", "perplexity", "bits", "mae", "wer")],
        *[(name, "min") for name in ("step_ms", "seconds", "parameters", "multiplications", "false_alarms", "latency")],
        *[(f"dev/{name}", "max") for name in ("accuracy", "f1", "recall", "member_accuracy", "bleu", "iou", "exact")],
        ("dev/temperature", None),
        ("dev/terrors", None),
    ],
)
def test_the_words_of_a_name_say_which_way_is_better(metric, better):
    assert direction(metric) == better


def test_a_tie_is_a_tie_and_who_lacks_the_metric_or_has_nan_is_out():
    runs = {"a": {"f1": 0.9}, "b": {"f1": 0.9}, "c": {"other": 1.0}, "d": {"f1": float("nan")}}
    choice = select(runs, "f1")
    assert choice.best == ("a", "b")
    assert choice.failed == {"c": "no f1", "d": "no f1"}
    near = {"a": {"f1": 0.3}, "b": {"f1": 0.1 + 0.2}, "c": {"f1": 0.2999}}
    assert set(select(near, "f1").best) == {"a", "b"}
    assert "a tie of a, b" in str(choice)


def test_an_infinite_value_can_be_the_best_and_ties_with_its_like():
    runs = {"a": {"perplexity": float("inf")}, "b": {"perplexity": float("inf")}}
    assert select(runs, "perplexity").best == ("a", "b")
    assert select(runs | {"c": {"perplexity": 9.0}}, "perplexity").best == ("c",)


def test_every_threshold_that_is_missed_is_told_and_nan_or_the_bound_itself_do_not_hold():
    runs = {"a": {"f1": 0.9, "ms": 50, "alarms": 9}, "b": {"f1": 0.8, "ms": float("nan"), "alarms": 1}}
    failed = select(runs, "f1", ["ms<=10", "alarms<2"]).failed
    assert failed == {"a": "ms is 50, not <= 10, alarms is 9, not < 2", "b": "no ms"}
    assert list(select(runs, "f1", ["f1>0.8"]).ranking) == ["a"]


@pytest.mark.parametrize("text", ["latency_ms", "latency_ms=100", "latency_ms<=fast", "<=3", ""])
def test_what_is_no_threshold_is_refused(text):
    with pytest.raises(InputError, match="expected METRIC<=NUMBER"):
        parse_requirement(text)


def test_thresholds_are_read_with_and_without_spaces():
    assert parse_requirement(" step_ms >= 1e-3 ") == ("step_ms", ">=", 1e-3)


def test_an_unknown_metric_names_the_closest_and_the_test_set_is_not_to_choose_by():
    with pytest.raises(InputError, match="did you mean dev/accuracy"):
        select(RUNS, "dev/acuracy")
    with pytest.raises(InputError, match="did you mean latency_ms"):
        select(RUNS, "dev/accuracy", ["latency<=100"])
    with pytest.raises(InputError, match="take dev/accuracy"):
        select({"a": {"test/accuracy": 1.0}}, "test/accuracy")
    with pytest.raises(InputError, match="take dev/accuracy"):
        select({"a": {"test/accuracy": 1.0, "dev/loss": 0.1}}, "dev/loss", ["test/accuracy>=0.9"])
    with pytest.raises(InputError, match="nothing to choose from"):
        select({}, "x")
