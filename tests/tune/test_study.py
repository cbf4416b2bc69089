"""A study: what is finished stays finished, the weak are given up early, and both executions find the same."""

import dataclasses
import json
import math
import types

import numpy as np
import pytest

from jaxdl.data import planar
from jaxdl.errors import InputError
from jaxdl.models.classifier import classifier
from jaxdl.models.mlp import MLP
from jaxdl.optim.chain import Chain, Varied
from jaxdl.train.settings import Run
from jaxdl.tune import figures, study
from jaxdl.tune.spaces import Choice, Integer, Log, When, sample
from jaxdl.tune.study import many, panda

DATA = planar.load("moons", examples=120)
SPACE = {"learning_rate": Log(1e-5, 1.0), "units": Integer(4, 5), "rule": Choice(("gd", "adam"))}


def build(trial):
    chain = Varied(Chain(trial.get("rule", "gd")), {"learning_rate": trial["learning_rate"]})
    return classifier(MLP((2, trial.get("units", 4), 2)), DATA, chain, 6, 24)


def test_one_at_a_time_and_as_one_program_find_the_same(tmp_path):
    trials = sample(SPACE, 6, seed=1)
    one = panda(build, trials, Run(tmp_path / "panda", mesh="data=1"), "dev/loss", "min")
    all_at_once = many(build, trials, ["learning_rate"], Run(tmp_path / "caviar", mesh="data=1"), "dev/loss", "min")
    np.testing.assert_allclose(one.scores, all_at_once.scores, atol=1e-5)
    assert one.best == all_at_once.best == int(np.argmin(one.scores))
    groups = {(trial["units"], trial["rule"]) for trial in trials}
    assert len(list((tmp_path / "caviar").glob("group *"))) == len(groups) > 1
    lines = study.read(tmp_path / "caviar" / "results.csv")
    assert [float(line["dev/loss"]) for line in lines] == pytest.approx(all_at_once.scores.tolist(), rel=1e-5)
    assert [line["rule"] for line in lines] == [trial["rule"] for trial in trials]
    drawn = figures.scatter(SPACE, one, "dev/loss"), figures.parallel(SPACE, one, "dev/loss")
    assert [len(sheet.axes) for sheet in drawn] == [3, 1]
    assert len(drawn[1].axes[0].lines) == 6 + 4  # the trials, and an axis for each dimension and the score


def test_a_killed_study_goes_on_where_it_was(tmp_path, monkeypatch):
    trials, run = sample(SPACE, 3, seed=2), Run(tmp_path, mesh="data=1")
    fitted = []

    def counting(task, run):
        if len(fitted) == 2:
            raise KeyboardInterrupt
        fitted.append(run.directory.name)
        return real(task, run)

    real = study.fit
    monkeypatch.setattr(study, "fit", counting)
    with pytest.raises(KeyboardInterrupt):
        panda(build, trials, run)
    assert fitted == ["trial 000", "trial 001"]
    monkeypatch.setattr(study, "fit", real)
    before = {path: path.read_text() for path in tmp_path.glob("*/metrics.jsonl")}
    panda(build, trials, run)
    trained = {path: '"set": "train"' in text[len(before.get(path, "")) :] for path, text in _logs(tmp_path).items()}
    assert {path.parent.name for path, again in trained.items() if again} == {"trial 002"}


def _logs(directory):
    return {path: path.read_text() for path in directory.glob("*/metrics.jsonl")}


def test_successive_halving_gives_up_the_weak_and_ends_where_a_whole_training_does(tmp_path):
    trials = [{"learning_rate": rate} for rate in (1e-5, 1e-4, 0.3, 1e-3)]
    halved = panda(build, trials, Run(tmp_path / "a", mesh="data=1"), rungs=(1 / 6, 1 / 2, 1.0), keep=0.5)
    assert sorted(halved.steps.tolist()) == [3, 3, 9, 18]
    whole = panda(build, [trials[halved.best]], Run(tmp_path / "b", mesh="data=1"))
    assert halved.scores[halved.best] == whole.scores[0]
    assert halved.best == int(np.argmax(halved.steps))
    again = panda(build, trials, Run(tmp_path / "a", mesh="data=1"), rungs=(1 / 6, 1 / 2, 1.0), keep=0.5)
    np.testing.assert_array_equal(again.scores, halved.scores)
    np.testing.assert_array_equal(again.steps, halved.steps)


def test_of_losses_the_smallest_go_on_and_who_was_given_up_is_never_the_best(tmp_path):
    trials = [{"learning_rate": rate} for rate in (0.3, 1e-5, 1e-4)]
    found = panda(build, trials, Run(tmp_path, mesh="data=1"), "dev/loss", "min", rungs=(1 / 6, 1.0), keep=1 / 3)
    assert found.steps.tolist() == [18, 3, 3]
    lucky = dataclasses.replace(found, scores=np.array([0.6, 0.1, 0.7]))
    assert lucky.best == 0


def test_a_fresh_study_goes_on_from_rung_to_rung_and_a_finished_one_trains_nothing(tmp_path, monkeypatch):
    trials, run = [{"learning_rate": 0.1}, {"learning_rate": 1e30}], Run(tmp_path, mesh="data=1", fresh=True)
    found = panda(build, trials, run, rungs=(1 / 2, 1.0), keep=0.5)
    assert json.loads((tmp_path / "trial 000" / "summary.json").read_text())["restarts"] == 1
    monkeypatch.setattr(study, "fit", None)
    again = panda(build, trials, dataclasses.replace(run, fresh=False), rungs=(1 / 2, 1.0), keep=0.5)
    np.testing.assert_array_equal(again.scores, found.scores)
    np.testing.assert_array_equal(again.seconds, found.seconds)


def test_another_metric_of_the_same_study_is_read_and_another_seed_refused(tmp_path):
    trials, run = [{"learning_rate": 0.1}], Run(tmp_path / "a", mesh="data=1")
    accuracy = panda(build, trials, run).scores[0]
    loss = panda(build, trials, run, "dev/loss", "min").scores[0]
    summary = json.loads((tmp_path / "a" / "trial 000" / "summary.json").read_text())
    assert (accuracy, loss) == (summary["metrics"]["dev/accuracy"], summary["metrics"]["dev/loss"])
    with pytest.raises(InputError, match="another seed"):
        panda(build, trials, dataclasses.replace(run, seed=7))


def test_a_trial_that_diverges_has_no_score_and_never_wins(tmp_path):
    trials = [{"learning_rate": rate} for rate in (0.1, 1e30)]
    for name, results in {
        "panda": panda(build, trials, Run(tmp_path / "panda", mesh="data=1")),
        "caviar": many(build, trials, ["learning_rate"], Run(tmp_path / "caviar", mesh="data=1")),
    }.items():
        assert results.best == 0, name
        assert math.isnan(results.scores[1]), name
        assert study.read(tmp_path / name / "results.csv")[1]["dev/accuracy"] == ""


@pytest.fixture
def climb(monkeypatch):
    """climb(run, {until: scores}, **how) -> the results of a study whose trials have those scores, in 1 second each."""

    def results(run, scores, **how):
        def climbed(task, until, place, metric):
            return scores[until][int(place.directory.name.split()[-1])], 1.0

        monkeypatch.setattr(study, "_climbed", climbed)
        trials = [{"learning_rate": 0.1}] * len(next(iter(scores.values())))
        return panda(lambda trial: types.SimpleNamespace(steps=100), trials, run, **how)

    return results


def test_of_all_that_were_tried_the_share_goes_on_and_who_diverged_counts_as_given_up(tmp_path, climb):
    lost = math.nan
    scores = {10: [lost, 0.4, 0.9, lost, 0.7, lost], 100: [0.0, 0.0, 0.5, 0.0, 0.8, 0.0]}
    found = climb(Run(tmp_path), scores, rungs=(0.1, 1.0), keep=1 / 3)
    assert found.steps.tolist() == [10, 10, 100, 10, 100, 10]
    assert found.seconds.tolist() == [1, 1, 2, 1, 2, 1]
    assert found.best == 4


@pytest.mark.parametrize("goal", ["max", "min"])
def test_where_all_that_went_on_diverge_the_next_best_goes_on_in_their_place(tmp_path, climb, goal):
    sign = 1 if goal == "max" else -1
    scores = {10: [0.1, 0.2, 0.9, 0.95], 50: [0.1, 0.2, 0.9, math.nan], 100: [0.3, 0.3, 0.8, 0.9]}
    of_goal = {until: [sign * score for score in of] for until, of in scores.items()}
    found = climb(Run(tmp_path), of_goal, rungs=(0.1, 0.5, 1.0), keep=0.25, goal=goal)
    assert found.steps.tolist() == [10, 10, 100, 50]
    assert found.whole.tolist() == [False, False, True, False]
    assert found.best == 2


def test_a_study_that_is_killed_while_it_begins_can_be_begun_again(tmp_path, climb, monkeypatch):
    def killed(path, text, **how):
        with path.open("w") as file:
            file.write(text[:9])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(study.Path, "write_text", killed)
        with pytest.raises(KeyboardInterrupt):
            climb(Run(tmp_path), {100: [0.5]})
    assert climb(Run(tmp_path), {100: [0.5]}).best == 0


def test_what_is_no_study_is_refused(tmp_path):
    run, trials = Run(tmp_path, mesh="data=1"), [{"learning_rate": 0.1}]
    with pytest.raises(InputError, match="without trials"):
        panda(build, [], run)
    for rungs in ((0.5, 0.2, 1.0), ()):
        with pytest.raises(InputError, match="rise to 1"):
            panda(build, trials, run, rungs=rungs)
    with pytest.raises(InputError, match="did you mean dev/accuracy"):
        panda(build, trials, run, "dev/acuracy")
    with pytest.raises(InputError, match="nothing varies"):
        many(build, trials, ["units"], run)
    with pytest.raises(InputError, match="holds a study of other trials"):
        panda(build, [{"learning_rate": 0.2}], run)
    with pytest.raises(InputError, match="holds a study of other trials"):
        many(build, [{"learning_rate": 0.2}], ["learning_rate"], run)


def test_trials_with_and_without_a_conditional_value_are_in_different_programs():
    trials = [{"rule": "adam", "b2": 0.9}, {"rule": "gd", "b2": 0.9}, {"rule": "adam", "b2": 0.99, "b1": 0.5}]
    assert study.groups(trials, ["b2", "b1"]) == [[0], [1], [2]]
    widths = [{"widths": (2, 3), "b2": np.float32(0.9)}, {"widths": (2, 3), "b2": 0.5}, {"widths": (2, 4), "b2": 0.5}]
    assert study.groups(widths, ["b2"]) == [[0, 1], [2]]


def test_who_diverged_is_drawn_with_the_worst_and_not_as_the_best():
    trials = [{"learning_rate": rate} for rate in (1.0, 0.1, 0.01)]
    space = {"learning_rate": SPACE["learning_rate"]}
    for goal, scores in (("min", [np.nan, 0.2, 0.5]), ("max", [np.nan, 0.5, 0.2])):
        results = study.Results(trials, np.array(scores), np.ones(3, int), np.ones(3), goal)
        drawn = figures.parallel(space, results, "x").axes[0].lines[:3]
        (best,) = [line for line in drawn if line.get_color() == figures.color("dev")]
        assert best.get_ydata()[0] == pytest.approx(space["learning_rate"].place(0.1))
        assert best.get_ydata()[1] == (0 if goal == "min" else 1)
        found, lost = figures.scatter(space, results, "x").axes[0].lines
        np.testing.assert_allclose(found.get_ydata(), scores[1:])
        np.testing.assert_allclose((lost.get_xdata()[0], lost.get_ydata()[0]), (1, scores[2]))


def test_each_value_is_marked_where_its_trials_are_drawn():
    space = {
        "rate": Log(1e-4, 1.0),
        "units": Integer(2, 4),
        "rule": Choice(("gd", "momentum")),
        "b1": When("rule", "momentum", Choice((0.5, 0.9))),
    }
    trials = [{"rate": 1e-2, "units": 2, "rule": "gd"}, {"rate": 1.0, "units": 4, "rule": "momentum", "b1": 0.9}]
    results = study.Results(trials, np.array([0.5, 0.6]), np.ones(2, int), np.ones(2))
    shown = {"rate": ("1.0e-02", "1.0e+00"), "units": ("2", "4"), "rule": ("gd", "momentum"), "b1": ("0.9",)}
    for axes in figures.scatter(space, results, "x").axes:
        ticks = {label.get_text(): at for label, at in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True)}
        drawn = axes.lines[0].get_xdata()
        assert [ticks[value] for value in shown[axes.get_xlabel()]] == pytest.approx(drawn)
        np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.5, 0.6][-len(drawn) :])
    [axes] = figures.parallel(space, results, "x").axes
    marks = {(text.xy[0], text.get_text()): text.xy[1] for text in axes.texts}
    for line, trial in zip(axes.lines, trials, strict=False):
        for place, name in enumerate(space):
            text = shown[name][-1 if trial is trials[1] else 0]
            if name in trial and (place, text) in marks:
                assert marks[place, text] == pytest.approx(line.get_ydata()[place])
    assert {(1, "2"), (1, "4"), (2, "gd"), (2, "momentum"), (3, "0.9")} <= marks.keys()


def test_a_study_of_which_every_trial_diverged_can_be_drawn_and_has_no_best():
    results = study.Results([{"learning_rate": 0.1}] * 2, np.full(2, np.nan), np.ones(2, int), np.ones(2))
    space = {"learning_rate": SPACE["learning_rate"]}
    assert len(figures.parallel(space, results, "x").axes) == len(figures.scatter(space, results, "x").axes) == 1
    with pytest.raises(InputError, match="every trial diverged"):
        _ = results.best
