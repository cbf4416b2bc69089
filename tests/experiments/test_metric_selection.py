"""Which metric chooses, on a shrunken run."""

import pytest

from experiments.strategy import metric_selection
from experiments.strategy.metric_selection import Config
from jaxdl.errors import InputError
from jaxdl.train.settings import Run


def test_the_weighted_error_chooses_who_misses_less_and_a_threshold_on_recall_too(tmp_path):
    found = metric_selection.measure(Config(hidden=(2, 16), epochs=15, seeds=2), Run(tmp_path, mesh="data=1"))
    recall = {asked: of["recall"].mean() for asked, of in found.items()}
    assert recall["weighted error"] > recall["accuracy"]
    assert recall["accuracy where recall is high"] > recall["accuracy"]
    assert all("2 units" in who for who in found["smallest where recall is high"]["who"])


def test_a_recall_that_none_has_is_said_and_one_above_1_refused(monkeypatch, tmp_path):
    with pytest.raises(InputError, match=r"--recall 1\.01: expected a share between 0 and 1"):
        metric_selection.measure(Config(recall=1.01), Run(tmp_path))
    metrics = {f"{of}/{name}": 0.9 for of in ("dev", "test") for name in ("accuracy", "recall", "f1", "weighted_error")}
    monkeypatch.setattr(metric_selection, "trials", lambda builds, run, seeds: {name: [None] for name in builds})
    monkeypatch.setattr(metric_selection, "judged", lambda *which: {"2 units": {**metrics, "parameters": 9}})
    found = metric_selection.measure(Config(hidden=(2,), seeds=1, recall=0.95), Run(tmp_path))
    for asked in ("accuracy where recall is high", "smallest where recall is high"):
        assert found[asked]["who"] == ["2 units, for want of one (the highest recall)"]
    assert found["accuracy"]["who"] == ["2 units"]
