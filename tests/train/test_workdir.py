"""A run directory has one holder."""

import errno
import fcntl
import json
import os
import resource
import signal
import subprocess
import sys

import pytest

from jaxdl.errors import InputError, StorageError
from jaxdl.train import workdir

HOLDER = """
import sys, time
from pathlib import Path
from jaxdl.train import workdir
with workdir.held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_told_who_the_first_is_and_a_killed_one_holds_nothing(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(InputError, match=rf"in use by pid {holder.pid} on \S+, started 20\d\d-"),
        workdir.held(tmp_path),
    ):
        pass
    holder.kill()
    holder.communicate()
    with workdir.held(tmp_path):
        assert f"pid {os.getpid()}" in (tmp_path / "lock").read_text()


def test_a_file_in_the_place_of_the_directory_is_an_input_error(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(InputError, match="give another --workdir"), workdir.held(tmp_path / "run"):
        pass


def test_a_file_system_without_locks_is_not_taken_for_a_directory_in_use(tmp_path, monkeypatch):
    def no_locks(*asked):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(InputError, match=r"can't be locked .No locks available.: give another"), workdir.held(tmp_path):
        pass


def test_a_disk_that_is_full_from_the_start_is_told_with_the_free_bytes(tmp_path, monkeypatch):
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(StorageError, match=r"could not write .*bytes are free"), workdir.held(tmp_path):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)

    def full(*asked, **how):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(workdir.Path, "mkdir", full)
    with pytest.raises(StorageError, match=r"could not write .*bytes are free"), workdir.held(tmp_path / "run"):
        pass


def test_what_another_experiment_left_is_touched_by_fresh_alone(tmp_path):
    with workdir.held(tmp_path, "vision.lenet5"):
        workdir.write_json(tmp_path / "config.json", {"experiment": "vision.lenet5"})
    (tmp_path / "report.html").write_text("")
    with (
        pytest.raises(InputError, match=r"is of vision.lenet5, not of training.optimizers: .* --fresh"),
        workdir.held(tmp_path, "training.optimizers"),
    ):
        pass
    with workdir.held(tmp_path, "vision.lenet5"):
        assert (tmp_path / "report.html").exists()
    with workdir.held(tmp_path, "training.optimizers", fresh=True):
        assert [path.name for path in tmp_path.iterdir()] == ["lock"]


@pytest.mark.parametrize("ours", ["figures", "config.json"])
def test_fresh_removes_nothing_where_no_run_was(tmp_path, ours):
    (tmp_path / ours).mkdir()
    for _ in range(2):
        with pytest.raises(InputError, match=f"would remove {ours}"), workdir.held(tmp_path, fresh=True):
            pass
        assert (tmp_path / ours).exists()


def test_a_number_that_json_has_not_is_null_at_any_depth(tmp_path):
    workdir.write_json(tmp_path / "a.json", {"a": float("nan"), "b": {"c": [float("inf"), 1.5]}, "d": "NaN"})
    assert json.loads((tmp_path / "a.json").read_text(), parse_constant=pytest.fail) == {
        "a": None,
        "b": {"c": [None, 1.5]},
        "d": "NaN",
    }
    assert workdir.read_json(tmp_path / "a.json")["b"] == {"c": [None, 1.5]}
    (tmp_path / "a.json").write_text('{"a": 1')
    assert workdir.read_json(tmp_path / "a.json") == workdir.read_json(tmp_path / "none.json") == {}


def test_fresh_removes_what_runs_leave_and_nothing_else(tmp_path):
    for name in ("checkpoints", "figures"):
        (tmp_path / name).mkdir()
    for name in ("metrics.jsonl", "summary.json", "notes.txt"):
        (tmp_path / name).write_text("")
    workdir.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
