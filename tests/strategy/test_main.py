"""`python -m jaxdl.strategy`: from the directories of runs to a choice, to a folder of mistakes, to a verdict."""

import csv
import json

import numpy as np
import pytest

from experiments.foundations import softmax_regression
from jaxdl.run import plain
from jaxdl.strategy.__main__ import main
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    config = softmax_regression.Config(epochs=1)
    described = {"experiment": "foundations.softmax_regression", "doc": "", "config": plain(config)}
    fit(softmax_regression.build(config), Run(directory, mesh="data=1", experiment=described))
    return directory


def test_mistakes_are_written_tagged_and_summed_up(run, tmp_path, capsys):
    assert main(["errors", str(run), "--count", "5", "--tags", "faint", "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    dev = json.loads((run / "summary.json").read_text())
    wrong = round((1 - dev["metrics"]["dev/accuracy"]) * dev["weights"]["dev/accuracy"])
    assert told.startswith(f"{wrong} of {dev['weights']['dev/accuracy']:g} wrong on dev")
    table = tmp_path / "out" / "table.csv"
    lines = list(csv.reader(table.read_text().splitlines()))
    assert len(lines) == 6
    assert all(line[2] != line[3] for line in lines[1:])
    assert len(list((tmp_path / "out").glob("*.png"))) == 5
    for line in lines[1:3]:
        line[-1] = "1"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    assert main(["summarize", str(table), "--error", "0.1"]) == 0
    assert "faint: 2 of 5 (40 %); without them the error is 6 % instead of 10 %" in capsys.readouterr().out


def test_of_the_surest_mistakes_no_ceiling_is_offered_for_they_are_not_like_the_others(run, tmp_path, capsys):
    assert main(["errors", str(run), "--count", "5", "--how", "confident", "--out", str(tmp_path / "out")]) == 0
    assert "--error" not in capsys.readouterr().out
    lines = list(csv.reader((tmp_path / "out" / "table.csv").read_text().splitlines()))
    sure = [float(line[4]) for line in lines[1:]]
    assert sure == sorted(sure, reverse=True)
    assert main(["errors", str(run), "--count", "10000", "--how", "confident", "--out", str(tmp_path / "all")]) == 0
    assert "--error" in capsys.readouterr().out  # all of them are like all of them


def test_where_nothing_is_wrong_there_is_nothing_to_tag(tmp_path, monkeypatch, capsys):
    perfect = np.array([0, 1]), np.eye(2), np.zeros((2, 3)), ()
    monkeypatch.setattr("jaxdl.strategy.__main__._predictions", lambda run, name: perfect)
    assert main(["errors", str(tmp_path)]) == 2
    assert "all of dev is right" in capsys.readouterr().err
    assert not (tmp_path / "errors").exists()


def test_what_is_no_summary_or_no_longer_here_is_said_in_a_line(run, tmp_path, capsys):
    for text in ("[]", "{}", '{"metrics": null, "facts": {}}', "{"):
        (tmp_path / "summary.json").write_text(text)
        assert main(["select", str(tmp_path), "--optimize", "dev/accuracy"]) == 2
        assert "no summary.json" in capsys.readouterr().err
    config = (run / "config.json").read_text()
    (tmp_path / "config.json").write_text(config.replace("softmax_regression", "nowhere"))
    assert main(["errors", str(tmp_path)]) == 2
    assert "experiments.foundations.nowhere is not here" in capsys.readouterr().err


def test_the_best_run_is_chosen_and_those_that_miss_a_threshold_say_why(tmp_path, capsys):
    for name, accuracy, ms in (("a", 0.9, 5.0), ("b", 0.95, 50.0)):
        (tmp_path / name).mkdir()
        summary = {"metrics": {"dev/accuracy": accuracy}, "facts": {"step_ms": ms}}
        (tmp_path / name / "summary.json").write_text(json.dumps(summary))
    runs = [str(tmp_path / name) for name in "ab"]
    assert main(["select", *runs, "--optimize", "dev/accuracy", "--require", "step_ms<=10"]) == 0
    told = capsys.readouterr().out
    assert "step_ms is 50, not <= 10" in told
    assert told.splitlines()[-1].startswith(f"{runs[0]}: the largest dev/accuracy, 0.9")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["select", "nowhere", "--optimize", "x"], "no summary.json"),
        (["errors", "nowhere"], "expected the directory of a run"),
        (["errors", "RUN", "--set", "devel"], "did you mean dev"),
        (["summarize", "nowhere.csv"], "No such file"),
        (["chose"], "invalid choice"),
        ([], "required"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(run, argv, message, capsys):
    assert main([str(run) if arg == "RUN" else arg for arg in argv]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert len(told.splitlines()) == 1
