"""A finished run: what a later call with the same, more or other flags makes of it."""

import dataclasses
import json

import pytest

from jaxdl.errors import InputError
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run


def of_config(directory, seed=0, fresh=False, **config):
    return Run(directory, seed=seed, fresh=fresh, experiment={"experiment": "tiny", "config": config})


@pytest.fixture
def finished(make_task, tmp_path):
    fit(make_task(steps=4), of_config(tmp_path, rate=0.1, seeds=1))
    return tmp_path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rate": 0.2}, r"config.rate 0.1 -> 0.2"),
        ({"seed": 7}, "seed 0 -> 7"),
        ({"steps": 2}, "config.steps None -> 2"),
    ],
)
def test_a_finished_run_is_not_described_as_one_of_another_configuration(make_task, finished, change, said):
    before = {path.name: path.read_bytes() for path in finished.glob("*.json*")}
    with pytest.raises(InputError, match=rf"was trained with another configuration .{said}.: --fresh starts again"):
        fit(make_task(steps=change.get("steps", 4)), of_config(finished, **{"rate": 0.1, "seeds": 1, **change}))
    assert {path.name: path.read_bytes() for path in finished.glob("*.json*")} == before
    fit(make_task(steps=4), of_config(finished, fresh=True, **{"rate": 0.1, "seeds": 1, **change}))


def test_a_finished_run_is_scored_again_and_says_of_its_training_what_it_said(make_task, finished, capsys):
    before = json.loads((finished / "summary.json").read_text()) | {"metrics": None, "human_level": 0.01}
    settings = json.loads((finished / "config.json").read_text())["settings"]
    capsys.readouterr()
    run = of_config(finished, rate=0.1, seeds=2)  # a comparison that has grown
    fit(make_task(steps=4), dataclasses.replace(run, human_level=0.01, mesh="data=2", steps_per_call=2))
    assert json.loads((finished / "summary.json").read_text()) | {"metrics": None} == before
    described = json.loads((finished / "config.json").read_text())
    assert described["settings"] == settings
    assert described["config"]["seeds"] == 2
    assert "step 4/4  dev" in capsys.readouterr().out  # and no loss, for none was seen


def test_a_finished_run_goes_on_where_there_are_more_steps(make_task, finished, tmp_path):
    fit(make_task(steps=9), of_config(finished, rate=0.1, seeds=1, steps=9))
    assert json.loads((finished / "summary.json").read_text())["steps"] == 9
    assert json.loads((finished / "config.json").read_text())["config"]["steps"] == 9


def test_another_experiment_s_run_is_left_alone(make_task, finished):
    other = dataclasses.replace(of_config(finished), experiment={"experiment": "other"})
    with pytest.raises(InputError, match="is of tiny, not of other"):
        fit(make_task(steps=4), other)
    assert json.loads((finished / "config.json").read_text())["experiment"] == "tiny"


def test_one_training_of_a_comparison_stays_while_more_or_less_is_compared(make_task, tmp_path):
    for rates in ([0.1], [0.1, 0.2], [0.2]):
        fit(make_task(steps=1), dataclasses.replace(of_config(tmp_path, rates=rates), quiet=True))
    other = of_config(tmp_path, rates=[0.3])
    for run in (other, dataclasses.replace(other, quiet=True)):
        with pytest.raises(InputError, match=r"config.rates \[0.2\] -> \[0.3\]"):
            fit(make_task(steps=1), run)
    with pytest.raises(InputError, match=r"config.rates \[0.2\] -> \[0.2, 0.3\]"):  # by itself it is of its list
        fit(make_task(steps=1), of_config(tmp_path, rates=[0.2, 0.3]))


def test_of_a_comparison_no_training_goes_on_with_more_steps(make_task, finished):
    """Its steps would not be those of one that was trained so from the beginning, and the others are."""
    run = dataclasses.replace(of_config(finished, rate=0.1, seeds=1, steps=9), quiet=True)
    with pytest.raises(InputError, match=r"config.steps None -> 9"):
        fit(make_task(steps=9), run)
