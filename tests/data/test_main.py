import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from jaxdl.data import sets
from jaxdl.data.__main__ import main


def test_list_says_what_is_bundled_and_where_what_is_prepared_lies(empty_data_directory, capsys):
    assert main(["list"]) == 0
    before = capsys.readouterr().out
    assert str(empty_data_directory) in before
    assert all(name in before for name in sets.bundled())
    assert "digits               bundled, prepared on first use" in before
    assert main(["prepare", "digits"]) == 0
    place = str(empty_data_directory / "digits" / "1.0.0")
    assert capsys.readouterr().out == f"digits  {place}\n"
    assert main(["list"]) == 0
    assert f"digits               bundled, {place}\n" in capsys.readouterr().out


def test_a_tfds_set_without_tensorflow_comes_with_the_command_that_installs_it(monkeypatch, capsys):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorflow" else find_spec(name))
    assert main(["prepare", "mnist"]) == 2
    assert capsys.readouterr().err.endswith("run `pip install -e '.[tensorflow]'` and try again\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prepare", "digts"], "did you mean digits"),
        (["prepare"], "NAME"),
        (["lst"], "'list', 'prepare'"),
        ([], "command"),
    ],
)
def test_bad_input_exits_with_2_and_one_line(arguments, message):
    command = [sys.executable, "-m", "jaxdl.data", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(sets.__file__).parents[2])
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
