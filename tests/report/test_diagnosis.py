"""The diagnosis in a report: of a run, of a comparison, and where there is nothing to diagnose."""

import json

import pytest

from jaxdl.report import records
from jaxdl.report.diagnosis import MOST, compared, measured, section


def summary(train, dev, count=1000, **more):
    metrics = {"train/accuracy": 1 - train, "dev/accuracy": 1 - dev, "dev/loss": 0.3}
    return {"metrics": metrics, "weights": dict.fromkeys(metrics, float(count)), **more}


def written(directory, found, config=None):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps({"config": config} if config else {}))
    (directory / "summary.json").write_text(json.dumps(found))


def told(directory):
    return section(directory, records.read(directory))


def test_a_run_s_own_metrics_are_diagnosed_and_the_human_level_moves_the_bias(tmp_path):
    written(tmp_path, summary(0.1, 0.12))
    assert "Largest: avoidable bias" in told(tmp_path)
    assert "taken as 0" in told(tmp_path)
    written(tmp_path, summary(0.1, 0.14, human_level=0.095))
    assert "Largest: variance" in told(tmp_path)
    assert "taken as 0" not in told(tmp_path)


def test_a_metric_called_error_counts_as_well_and_one_without_examples_does_not():
    assert measured({"metrics": {"dev/error": 0.2}, "weights": {"dev/error": 50.0}}) == {"dev": (0.2, 50)}
    assert measured({"metrics": {"dev/accuracy": 0.2}}) == {}
    both = {"dev/error": 0.4, "dev/accuracy": 0.9}
    assert measured({"metrics": both, "weights": dict.fromkeys(both, 50.0)})["dev"][0] == pytest.approx(0.1)


def test_the_trainings_of_a_comparison_are_rows_and_their_errors_means_over_seeds(tmp_path):
    for seed, (error, count) in enumerate(((0.1, 1500), (0.5, 500))):
        written(tmp_path / "small" / str(seed), summary(error, error, count))
    written(tmp_path / "large data" / "of 9" / "0", summary(0.0, 0.4))
    written(tmp_path / "<b>" / "0", summary(0.2, 0.21, human_level=0.2))
    (tmp_path / "config.json").write_text("{}")
    found, human = compared(tmp_path)["small"]
    assert found["dev"] == (pytest.approx(0.2), 500)
    assert human is None
    page = told(tmp_path)
    assert '<th scope="row">small</th><td>20.0</td><td>20.0</td><td>avoidable bias</td>' in page
    assert '<th scope="row">large data/of 9</th><td>0.0</td><td>40.0</td><td>variance</td>' in page
    assert '<th scope="row">&lt;b&gt;</th><td>20.0</td><td>21.0</td><td>nothing stands out</td>' in page
    assert "left out" not in page


def test_another_seed_measures_the_same_examples_and_makes_nothing_surer(tmp_path):
    for seed in range(20):
        written(tmp_path / "many" / str(seed), summary(0.02, 0.04, 100, human_level=0.02))
    (tmp_path / "config.json").write_text("{}")
    assert '<th scope="row">many</th><td>2.0</td><td>4.0</td><td>nothing stands out</td>' in told(tmp_path)


def test_what_is_remarked_of_a_training_stands_below_the_table_with_its_name_unless_it_is_of_all(tmp_path):
    written(tmp_path / "low" / "0", summary(0.0, 0.1, human_level=0.05))
    written(tmp_path / "high" / "0", summary(0.1, 0.2, human_level=0.05))
    (tmp_path / "config.json").write_text("{}")
    page = told(tmp_path)
    assert "Without a train-dev set, variance and data mismatch can&#x27;t be told apart." in page
    assert "people&#x27;s intuition no longer helps (low)" in page
    assert "taken as 0" not in page


def test_what_another_configuration_has_left_is_not_of_the_comparison(tmp_path):
    written(tmp_path / "old" / "0", summary(0.1, 0.1), {"sizes": [1, 2]})
    written(tmp_path / "new" / "0", summary(0.1, 0.1), {"sizes": [2]})
    (tmp_path / "config.json").write_text(json.dumps({"config": {"sizes": [2]}}))
    assert list(compared(tmp_path)) == ["new"]


def test_of_many_trainings_the_first_are_listed_and_the_rest_counted(tmp_path):
    for place in range(MOST + 3):
        written(tmp_path / f"{place:03d} units" / "0", summary(0.1, 0.1))
    (tmp_path / "config.json").write_text("{}")
    page = told(tmp_path)
    assert page.count('<th scope="row">') == MOST
    assert f"{MOST - 1:03d} units" in page
    assert "3 more are left out" in page


def test_where_there_is_nothing_to_diagnose_that_is_said(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert "No training here has a share of wrong answers" in told(tmp_path)
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "set": "train", "loss": 2.0}\n')
    assert "has not ended" in told(tmp_path)
    written(tmp_path, {"metrics": {"dev/loss": 1.0}, "weights": {"dev/loss": 5.0}})
    assert "needs a share of wrong answers" in told(tmp_path)
