"""A cloud of directories, a small project to run in it, and tpu.py as its user calls it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCRIPTS = HERE.parent.parent / "tpu_scripts"
sys.path.insert(0, str(SCRIPTS))

# What the far end has: a python3 whose uv makes an empty environment, and a sudo that mounts by a link.
FAR_END = {
    "python3": 'echo "$@" >>"$FAKE_CLOUD/setup"; [[ $* != *"uv venv"* ]] || mkdir -p venv/bin',
    "sudo": '[[ $1 == -n ]] && shift; exec "$@"',
    "mount": 'rmdir "$4/runs" "$4" 2>/dev/null; ln -s "$FAKE_CLOUD/share" "$4"',
    "mount.nfs": ":",
    "mountpoint": '[[ -L $2 ]]',
}  # fmt: skip


def script(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def project(tmp_path):
    """A git checkout with uncommitted work in it."""
    top = tmp_path / "project"
    top.mkdir()
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    (top / "pyproject.toml").write_text("[project]\nname = 'small'\n")
    (top / ".gitignore").write_text("runs/\n")
    (top / "words.py").write_text("import sys\nprint(sys.argv[1:])\n")
    return top


class FakeCloud:
    """What gcloud is asked and how the scenario goes."""

    def __init__(self, root, project):
        self.root, self.project, self.processes = root, project, []
        (root / "share").mkdir(parents=True)
        script(root / "bin" / "gcloud", f'#!/bin/sh\nexec {sys.executable} -IS {HERE / "fake_gcloud.py"} "$@"\n')
        for name, body in FAR_END.items():
            script(root / "bin-of-vm" / name, f"#!/bin/bash\n{body}\n")
        self.scenario()

    def scenario(self, **differences):
        """Two workers at once, nothing wrong; with differences."""
        fine = {
            "workers": 2,
            "coming": [],
            "create_errors": [],
            "reason": "stockout",
            "ssh_fails": {},
            "ssh_hangs": [],
            "scp_fails": [],
        }
        now = {
            "queue": [],
            "node": "",
            "machine": "",
            "made": 0,
            "polls": 0,
            "at_poll": {},
            "looks": 0,
            "preempt_at_look": 0,
        }
        (self.root / "cloud.json").write_text(json.dumps({**fine, **now, **differences}))

    @property
    def state(self):
        return json.loads((self.root / "cloud.json").read_text())

    @property
    def calls(self):
        return [json.loads(line) for line in (self.root / "calls.jsonl").read_text().splitlines()]

    def asked(self, *words):
        """The calls that begin with these words after `gcloud compute tpus`."""
        return [call for call in self.calls if call[2 : 2 + len(words)] == list(words)]

    def started(self, worker=None):
        """The commands by which runs were started, on one worker or on all."""
        commands = [call for call in self.asked("tpu-vm", "ssh") if "run_worker.sh start" in call[-1]]
        return [call for call in commands if worker is None or f"--worker={worker}" in call]

    def start(self, *flags, **variables):
        environment = {
            "PATH": f"{self.root / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.root),
            "FAKE_CLOUD": str(self.root),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            **variables,
        }
        words = [sys.executable, str(SCRIPTS / "tpu.py"), *flags]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.processes.append(subprocess.Popen(words, cwd=self.project, env=environment, **pipes))
        return self.processes[-1]

    def tpu(self, *flags, **variables):
        """(exit code, stdout, stderr) of tpu.py."""
        process = self.start(*flags, **variables)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def ready(self):
        """A pod created and set up."""
        assert self.tpu("create", "pod", "--type", "v5litepod-16")[0] == 0
        assert self.tpu("setup", "pod")[0] == 0

    def kill_everything(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.communicate()
        for file in self.root.rglob("jobs/*/*"):
            if file.name in ("supervisor", "group"):
                with contextlib.suppress(ValueError, ProcessLookupError):
                    os.killpg(int(file.read_text()), signal.SIGKILL)


@pytest.fixture
def cloud(tmp_path, project):
    fake = FakeCloud(tmp_path / "cloud", project)
    yield fake
    fake.kill_everything()
