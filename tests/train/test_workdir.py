"""A run directory has one holder."""

import os
import subprocess
import sys

import pytest

from jaxdl.errors import InputError
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


def test_fresh_removes_what_runs_leave_and_nothing_else(tmp_path):
    for name in ("checkpoints", "figures"):
        (tmp_path / name).mkdir()
    for name in ("metrics.jsonl", "summary.json", "notes.txt"):
        (tmp_path / name).write_text("")
    workdir.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
