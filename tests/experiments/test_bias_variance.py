"""Bias and variance on a shrunken run."""

from experiments.strategy import bias_variance
from experiments.strategy.bias_variance import Config
from jaxdl.strategy.diagnose import diagnose
from jaxdl.train.settings import Run


def test_a_tiny_network_has_bias_and_a_large_one_on_few_examples_variance(tmp_path):
    config = Config(hidden=(1, 32), examples=(60, 1078), steps=300, seeds=1)
    found = bias_variance.measure(config, Run(tmp_path, mesh="data=1"))
    verdicts = {cell: diagnose(errors, counts).causes[0] for cell, (errors, counts) in found.items()}
    assert verdicts[1, 1078] == "avoidable bias"
    assert verdicts[32, 60] == "variance"
    assert found[32, 1078][0]["dev"] < found[32, 60][0]["dev"]
