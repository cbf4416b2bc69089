"""The flags that make a run this run."""

import dataclasses
from pathlib import Path

import pytest

from jaxdl.errors import InputError
from jaxdl.train.settings import Run

RUN = Run(experiment={"experiment": "vision.lenet5", "config": {"epochs": 3}})


def test_the_same_flags_are_the_same_directory_and_others_are_another():
    again = Run(experiment={"experiment": "vision.lenet5", "config": {"epochs": 3}})
    assert RUN.directory == again.directory
    assert RUN.directory.parent == Path("runs/vision.lenet5")
    assert len(RUN.directory.name) == 8
    others = [
        dataclasses.replace(RUN, seed=1),
        dataclasses.replace(RUN, experiment={**RUN.experiment, "config": {"epochs": 4}}),
    ]
    assert len({run.directory for run in (RUN, *others)}) == 3


def test_looking_at_a_run_does_not_make_it_another():
    for change in ({"fresh": True}, {"dry_run": True}, {"profile": "1:2"}):
        assert dataclasses.replace(RUN, **change).directory == RUN.directory
    assert dataclasses.replace(RUN, workdir=Path("here")).directory == Path("here")


def test_a_run_within_a_run_lives_in_its_directory():
    assert RUN.within("adam").directory == RUN.directory / "adam"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"accumulate": 0}, "--accumulate 0: expected 1 or more"),
        ({"steps_per_call": -1}, "--steps-per-call -1"),
        ({"checkpoint_every": -5}, "--checkpoint-every -5: expected 0 or more"),
        ({"seed": -1}, "--seed -1"),
        ({"seed": 2**32}, "--seed 4294967296"),
        ({"profile": "5"}, "--profile 5: expected START:STOP"),
        ({"profile": "7:7"}, "--profile 7:7"),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_flag(change, said):
    with pytest.raises(InputError, match=said):
        Run(**change)
