"""Ensembling on a shrunken run."""

from experiments.vision import ensembling
from experiments.vision.ensembling import Config
from jaxdl.train.settings import Run


def test_the_mean_of_probabilities_is_no_worse_than_its_members(tmp_path):
    accuracy, alone, times = ensembling.measure(Config(members=(1, 6), epochs=8, seeds=2), Run(tmp_path, mesh="data=1"))
    assert accuracy[6].mean() > alone.mean()
    assert set(times) == {"alone", "together"}


def test_an_ensemble_of_one_is_that_network(tmp_path):
    accuracy, alone, _ = ensembling.measure(Config(members=(1,), epochs=2, seeds=1), Run(tmp_path, mesh="data=1"))
    assert abs(accuracy[1][0] - alone[0]) < 1e-6
