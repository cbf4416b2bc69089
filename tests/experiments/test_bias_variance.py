"""Bias and variance on a shrunken run."""

import types

import pytest

from experiments.strategy import bias_variance
from experiments.strategy.bias_variance import Config
from jaxdl.errors import InputError
from jaxdl.strategy.diagnose import diagnose
from jaxdl.train.settings import Run


def test_a_tiny_network_has_bias_and_a_large_one_on_few_examples_variance(tmp_path):
    config = Config(hidden=(1, 32), examples=(60, 1078), steps=300, seeds=1)
    found = bias_variance.measure(config, Run(tmp_path, mesh="data=1"))
    verdicts = {cell: diagnose(errors, counts).causes[0] for cell, (errors, counts) in found.items()}
    assert verdicts[1, 1078] == "avoidable bias"
    assert verdicts[32, 60] == "variance"
    assert found[32, 1078][0]["dev"] < found[32, 60][0]["dev"]


def test_more_examples_than_there_are_are_refused(tmp_path):
    with pytest.raises(InputError, match="--examples 5000: there are 1078"):
        bias_variance.measure(Config(examples=(60, 5000)), Run(tmp_path))


@pytest.mark.parametrize(("given", "level"), [(None, 0.01), (0.2, 0.2)])
def test_the_human_level_of_the_run_is_that_of_the_finding_and_of_the_report(given, level, monkeypatch, tmp_path):
    def described(builds, run, seeds):
        assert run.human_level == level
        found = types.SimpleNamespace(metrics={"train/accuracy": 0.99, "dev/accuracy": 0.9})
        return {name: [found] * seeds for name in builds}

    monkeypatch.setattr(bias_variance, "trials", described)
    run = Run(tmp_path, human_level=given)
    found = bias_variance.measure(Config(hidden=(1, 2), examples=(60,), seeds=2), run)
    assert found[1, 60] == ({"human": level, "train": pytest.approx(0.01), "dev": pytest.approx(0.1)},
                            {"train": 60, "dev": 360})  # fmt: skip
    told, drawn = bias_variance.main(Config(hidden=(1, 2), examples=(60,), seeds=2), run)
    verdict = told[0].rpartition(": ")[2]
    assert list(drawn) == [
        f"On 60 examples: 1 hidden units {verdict}, 2 {verdict}",
        f"With 2 hidden units: 60 examples {verdict}, 60 {verdict}",
    ]
