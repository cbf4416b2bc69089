"""Runs the tiny experiment as a user would: a process of its own, judged by exit code, output and what it leaves."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TINY = Path(__file__).parent / "tiny.py"


class Launcher:
    """Commands on one run directory, all on the same core count and a single device."""

    def __init__(self, workdir):
        self.workdir = workdir

    def start(self, *flags, prefix=(), **environment):
        command = [*prefix, sys.executable, str(TINY), "--workdir", str(self.workdir), *flags]
        variables = {**os.environ, "XLA_FLAGS": "", **environment}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables)

    def run(self, *flags, prefix=(), **environment):
        """(exit code, stdout, stderr) of a command that ends by itself."""
        process = self.start(*flags, prefix=prefix, **environment)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    @property
    def summary(self):
        return json.loads((self.workdir / "summary.json").read_text())

    @property
    def trained(self):
        lines = [json.loads(line) for line in (self.workdir / "metrics.jsonl").read_text().splitlines()]
        return [line["step"] for line in lines if line.get("set") == "train"]

    @property
    def checkpoints(self):
        return sorted(int(p.name) for p in (self.workdir / "checkpoints").iterdir() if p.name.isdecimal())


@pytest.fixture
def launcher(tmp_path):
    return Launcher(tmp_path / "run")


@pytest.fixture
def reference(tmp_path):
    """The same run, never disturbed."""
    undisturbed = Launcher(tmp_path / "undisturbed")
    code, _, err = undisturbed.run()
    assert code == 0, err
    return undisturbed
