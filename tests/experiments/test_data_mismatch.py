"""Data mismatch on a shrunken run."""

import numpy as np

from experiments.strategy import data_mismatch
from experiments.strategy.data_mismatch import Config
from jaxdl.strategy.diagnose import diagnose
from jaxdl.train.settings import Run


def test_train_dev_tells_mismatch_and_many_recordings_mend_what_one_makes_worse(tmp_path):
    config = Config(noises=(0, 1, 1000), epochs=25, hidden=32, seeds=2)
    found = data_mismatch.measure(config, Run(tmp_path, mesh="data=1"))
    means = {name: {of: float(values.mean()) for of, values in errors.items()} for name, errors in found.items()}
    assert diagnose(means["clean"]).causes == ("data mismatch",)
    gap = {name: errors["dev"] - errors["train_dev"] for name, errors in means.items()}
    assert gap["1000 noises"] < gap["clean"] < gap["1 noise"]


def test_the_title_says_what_was_trained_with_and_no_more(monkeypatch, tmp_path):
    errors = {
        name: dict.fromkeys(data_mismatch.SETS, np.array([error]))
        for name, error in (("1 noise", 0.2), ("9 noises", 0.3))
    }
    monkeypatch.setattr(data_mismatch, "measure", lambda config, run: errors)
    _, drawn = data_mismatch.main(Config(noises=(9, 1)), Run(tmp_path))
    assert list(drawn) == ["The dev error: 1 noise 20 %, 9 noises 30 %"]
