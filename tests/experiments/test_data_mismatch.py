"""Data mismatch on a shrunken run."""

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
