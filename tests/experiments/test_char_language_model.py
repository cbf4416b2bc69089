"""A network that reads characters in order needs fewer bits for them the longer it learns."""

import math

import pytest

from experiments.sequences import char_language_model
from jaxdl.train.settings import Run


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    config = char_language_model.Config(
        seeds=1, cell="gru", embedding=16, hidden=32, epochs=1, batch_size=64, characters=40, order=2
    )
    return char_language_model.main(config, Run(tmp_path_factory.mktemp("run"), mesh="data=1"))


def test_it_learns_more_than_the_uniform_distribution(told):
    findings, _ = told
    bits = float(next(line for line in findings if "on dev" in line).split("gru ")[1].split(",")[0])
    assert bits < math.log2(107) - 2


def test_the_sample_goes_on_from_the_prompt(told):
    findings, figures = told
    assert "The " in findings[-1]
    assert len(findings[-1]) > len("A sample at temperature 0.7: The ") + 20
    assert len(figures) == 2
