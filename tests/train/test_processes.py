"""How a process learns that it is one of several, and what it does when the others don't come."""

import threading

import pytest

from jaxdl.errors import InputError
from jaxdl.train import processes

GIVEN = {"JAXDL_COORDINATOR": "10.0.0.1:8476", "JAXDL_PROCESS_ID": "1", "JAXDL_PROCESS_COUNT": "2"}


def test_three_variables_name_the_coordinator_the_process_and_the_count():
    assert processes._given(GIVEN) == ("10.0.0.1:8476", 1, 2)
    assert processes._given({}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"JAXDL_PROCESS_ID": "2"},
        {"JAXDL_PROCESS_ID": ""},
        {"JAXDL_COORDINATOR": "10.0.0.1"},
        {"JAXDL_PROCESS_COUNT": "x"},
    ],
)
def test_variables_that_make_no_sense_are_shown_with_some_that_do(change):
    with pytest.raises(InputError, match=r"expected all three, such as 10\.0\.0\.1:8476, 0 and 2"):
        processes._given(GIVEN | change)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"SLURM_NTASKS": "1"}, False),
        ({"SLURM_NTASKS": "4"}, True),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, True),
    ],
)
def test_a_job_of_several_tasks_is_a_cluster_and_one_of_one_is_not(monkeypatch, environment, expected):
    monkeypatch.setattr(processes, "_has_libtpu", lambda: False)
    assert processes._is_cluster(environment) == expected


def test_who_waits_in_vain_says_for_whom_and_ends(monkeypatch, capsys):
    ended = []
    monkeypatch.setattr(processes, "PATIENCE", 0.01)
    monkeypatch.setattr(processes, "WAIT", 0.02)
    monkeypatch.setattr(processes.os, "_exit", ended.append)
    processes._impatient(threading.Event(), "process 1 is missing")
    assert ended == [1]
    assert capsys.readouterr().err.startswith("process 1 is missing\nnobody came")


def test_who_has_met_the_others_says_nothing(capsys):
    met = threading.Event()
    met.set()
    processes._impatient(met, "never said")
    assert capsys.readouterr().err == ""


def test_alone_there_is_one_voice_and_one_opinion():
    assert processes.is_first()
    assert processes.name() == ""
    assert processes.any_of(True)
    assert not processes.any_of(False)
