"""Error analysis on a shrunken run."""

import numpy as np
import pytest

from experiments.strategy import error_analysis
from experiments.strategy.error_analysis import CAUSES, Config
from jaxdl.train.settings import Run


def test_the_most_frequent_cause_has_the_lowest_ceiling_and_mending_it_helps_most(tmp_path):
    config = Config(epochs=8, seeds=1)
    shares, ceilings, errors = error_analysis.measure(config, Run(tmp_path, mesh="data=1"))
    assert (
        max(shares, key=lambda cause: shares[cause][0])
        == min(ceilings, key=lambda cause: ceilings[cause][0])
        == "shifted"
    )
    assert min(CAUSES, key=lambda cause: errors[cause][0]) == "shifted"
    assert ceilings["shifted"][0] < errors["shifted"][0] < errors["as it was"][0]


def test_pictures_as_they_are_sent_have_the_causes_that_they_are_marked_with():
    data, marks = error_analysis.load(Config(shares=(0.0, 0.0, 1.0)), 0)
    assert marks.tolist() == [[0, 0, 1]] * len(data.dev)
    clean = np.ptp(data.train.fields["image"][0])
    assert 0.05 * clean < np.ptp(data.dev.fields["image"][0]) < 0.2 * clean


@pytest.mark.parametrize(
    ("mended", "title"),
    [
        ((0.1, 0.2, 0.2), "The most frequent cause, shifted, is worth most: "),
        ((0.2, 0.2, 0.1), "The most frequent cause is shifted, but mending faint is worth more: "),
    ],
)
def test_the_title_says_whether_the_most_frequent_cause_is_worth_most(mended, title, monkeypatch, tmp_path):
    shares = dict(zip(CAUSES, np.array([[0.8], [0.3], [0.1]]), strict=True))
    errors = dict(zip(CAUSES, np.array(mended)[:, None], strict=True)) | {"as it was": np.array([0.3])}
    monkeypatch.setattr(error_analysis, "measure", lambda config, run: (shares, shares, errors))
    _, drawn = error_analysis.main(Config(), Run(tmp_path))
    assert next(iter(drawn)).startswith(title)
