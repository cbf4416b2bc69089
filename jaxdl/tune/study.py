"""A study: trials of one search, trained one at a time or many as one program, in a directory that can be gone on with.

Its directory holds a run directory for each training and `results.csv`, a line a trial.
"""

import csv
import dataclasses
import functools
import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jaxdl.errors import Diverged, InputError, chosen
from jaxdl.task import Task
from jaxdl.train import workdir
from jaxdl.train.loop import Result, fit
from jaxdl.train.settings import Run
from jaxdl.tune.caviar import Values, caviar, per_trial
from jaxdl.tune.spaces import Trial

Goal = Literal["max", "min"]

Build = Callable[[Trial], Task]
"""build(trial) -> Task."""


@dataclass(frozen=True)
class Results:
    """What came of the trials, in their order.

    scores  the metric that was optimised; NaN for a trial that diverged
    goal    which way is better
    steps   each was trained for: fewer where it was given up
    whole   which were not given up (None: all)
    """

    trials: Sequence[Trial]
    scores: np.ndarray
    steps: np.ndarray
    seconds: np.ndarray
    goal: Goal = "max"
    whole: np.ndarray | None = None

    @property
    def merit(self) -> np.ndarray:
        """The scores turned so that more is better."""
        return self.scores if self.goal == "max" else -self.scores

    @property
    def best(self) -> int:
        """The place of the best of the trials that were not given up. InputError where all of them diverged."""
        merit = self.merit if self.whole is None else np.where(self.whole, self.merit, np.nan)
        if np.isnan(merit).all():
            raise InputError("every trial diverged: lower the learning rates of the space")
        return int(np.nanargmax(merit))


def panda(
    build: Build,
    trials: Sequence[Trial],
    run: Run,
    metric: str = "dev/accuracy",
    goal: Goal = "max",
    rungs: Sequence[float] = (1.0,),
    keep: float = 1 / 3,
) -> Results:
    """One training at a time, each in `trial NNN` of the run's directory; what is finished there is not trained again.

    rungs  shares of the training, rising to 1. At each but the last only the best `keep` of the trials go on, from
           where they are, and should all of them diverge, the next best: (1/9, 1/3, 1) is successive halving by three
           (Jamieson and Talwalkar, 2016); (1,) trains all

    InputError for no trials, for rungs that do not rise to 1 and for a metric that the runs have not.
    """
    _check(trials, run)
    if not rungs or list(rungs) != sorted(set(rungs)) or rungs[-1] != 1 or rungs[0] <= 0 or not 0 < keep <= 1:
        raise InputError(f"rungs {tuple(rungs)}, keep {keep:g}: expected shares that rise to 1, such as (0.1, 1)")
    scores, steps, seconds = np.full(len(trials), np.nan), np.zeros(len(trials), int), np.zeros(len(trials))
    sound, wanted, climbed = list(range(len(trials))), len(trials), list[int]()
    for rung in rungs:
        climbed = []
        for trial in sound:  # the best first
            if len(climbed) >= wanted and not np.isnan(scores[climbed]).all():
                break
            climbed.append(trial)
            task = build(trials[trial])
            steps[trial] = until = max(1, round(rung * task.steps))
            place = dataclasses.replace(run.within(f"trial {trial:03d}"), fresh=run.fresh and rung == rungs[0])
            scores[trial], took = _climbed(task, until, place, metric)
            seconds[trial] += took
            print(f"trial {trial}, {until} steps: {metric} {scores[trial]:.4f}  {_told(trials[trial])}", flush=True)
        merit = scores if goal == "max" else -scores
        sound = sorted((trial for trial in climbed if not np.isnan(scores[trial])), key=lambda trial: -merit[trial])
        wanted = max(1, round(keep * len(climbed)))
    whole = np.isin(np.arange(len(trials)), climbed)
    return _written(run.directory, metric, Results(trials, scores, steps, seconds, goal, whole))


def _climbed(task: Task, until: int, run: Run, metric: str) -> tuple[float, float]:
    """(score after so many steps, seconds): trained from where it is, or read where it has been there before."""
    path = run.directory / "rungs.json"
    known = json.loads(path.read_text()) if path.exists() and not run.fresh else {}
    if str(until) not in known:
        began = time.monotonic()
        place = dataclasses.replace(run, quiet=True, checkpoint_every=run.checkpoint_every or until)
        try:
            metrics = fit(dataclasses.replace(task, steps=until), place).metrics
        except Diverged:
            metrics = None
        known[str(until)] = {"metrics": metrics, "seconds": time.monotonic() - began}
        workdir.write_json(path, known)
    found = known[str(until)]
    return np.nan if found["metrics"] is None else chosen("metric", metric, found["metrics"]), found["seconds"]


def many(
    build: Build,
    trials: Sequence[Trial],
    values: Sequence[str],
    run: Run,
    metric: str = "dev/accuracy",
    goal: Goal = "max",
) -> Results:
    """All trials that differ only in `values` as one program, one such group after the other, each in `group NNN`.

    values  the hyperparameters that are numbers and change neither shapes nor steps (see `caviar`); trials that differ
            in any other are in different groups

    InputError for no trials, and for a metric that the runs have not.
    """
    _check(trials, run)
    scores, steps, seconds = np.full(len(trials), np.nan), np.zeros(len(trials), int), np.zeros(len(trials))
    for number, members in enumerate(groups(trials, values)):
        shared = {name: value for name, value in trials[members[0]].items() if name not in values}
        columns = {name: [trials[at][name] for at in members] for name in values if name in trials[members[0]]}
        began = time.monotonic()
        task = caviar(functools.partial(_built, build, shared), columns)
        place = dataclasses.replace(run.within(f"group {number:03d}"), quiet=True)
        result = fit(task, place)
        chosen("metric", f"{metric}/0", result.metrics)
        scores[members] = per_trial(result.metrics, metric, alive(result))
        steps[members] = task.steps
        seconds[members] = (time.monotonic() - began) / len(members)
    return _written(run.directory, metric, Results(trials, scores, steps, seconds, goal))


def _built(build: Build, shared: Trial, values: Values) -> Task:
    return build({**shared, **values})


def alive(result: Result) -> np.ndarray:
    """Which trials of a caviar have not diverged."""
    return np.asarray(result.state.opt_state.alive)


def groups(trials: Sequence[Trial], values: Sequence[str]) -> list[list[int]]:
    """The places of the trials that are alike in all but `values`."""
    found: dict[str, list[int]] = {}
    for at, trial in enumerate(trials):
        present = sorted(name for name in trial if name in values)
        same = sorted((name, repr(value)) for name, value in trial.items() if name not in values)
        if not present:
            raise InputError(f"trial {at} has none of {', '.join(values)}: nothing varies within its program")
        found.setdefault(repr((present, same)), []).append(at)
    return list(found.values())


def read(path: Path) -> list[dict[str, str]]:
    """The lines of a results.csv."""
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def _check(trials: Sequence[Trial], run: Run) -> None:
    """InputError for no trials, and for a directory in which others were trained, or from another seed."""
    if not trials:
        raise InputError("a study without trials: expected one or more")
    path = run.directory / "trials.json"
    study = {"seed": run.seed, "config": run.experiment.get("config"), "trials": list(trials)}
    text = json.dumps(study, default=repr)
    if path.exists() and not run.fresh and path.read_text() != text:
        raise InputError(
            f"{run.directory} holds a study of other trials, of another seed or configuration: "
            "give another --workdir, or --fresh"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    workdir.write_text(path, text)


def _written(directory: Path, metric: str, results: Results) -> Results:
    """The results, in results.csv too."""
    names = list(dict.fromkeys(name for trial in results.trials for name in trial))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["trial", *names, metric, "steps", "seconds"])
    columns = zip(results.trials, results.scores, results.steps, results.seconds, strict=True)
    for at, (trial, score, steps, seconds) in enumerate(columns):
        cells = [trial.get(name, "") for name in names]
        table.writerow([at, *cells, "" if np.isnan(score) else f"{score:.6g}", steps, f"{seconds:.2f}"])
    workdir.write_text(directory / "results.csv", text.getvalue())
    return results


def _told(trial: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in trial.items()
    )
