"""A real pod of two processes with two devices each, on this machine, through the launcher that a TPU pod has."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "tpu_scripts"
COMMAND = ("--", "python", "tests/reliability/tiny.py", "--steps", "40", "--size", "4")


def tpu(tmp_path, action, pod, *flags, **variables):
    words = [sys.executable, str(SCRIPTS / "tpu.py"), action, pod, "--local", "2x2", *flags]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), **variables}
    return subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def launched(tmp_path, pod, workdir, **variables):
    names = [word for name in variables for word in ("--env", name)]
    flags = ("--run", "tiny", "--every", "0.2", *names, *COMMAND, "--workdir", str(workdir))
    return tpu(tmp_path, "launch", pod, *flags, **variables)


def finished(process):
    out, _ = process.communicate(timeout=120)
    return process.returncode, out


def test_a_pod_that_is_deleted_stops_what_runs_on_it(cloud):
    assert cloud.tpu("launch", "pod", "--run", "run", "--local", "1x1", "--detach", "--", "sleep", "60")[0] == 0
    group = int((cloud.root / "cache/jaxdl/pods/pod/worker-0/jaxdl/jobs/run/group").read_text())
    os.killpg(group, 0)
    assert cloud.tpu("delete", "pod", "--local", "1x1")[0] == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


def test_a_pod_that_is_preempted_and_launched_again_ends_where_an_undisturbed_one_does(tmp_path):
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    code, out = finished(launched(tmp_path, "a", undisturbed))
    assert code == 0, out
    process = launched(tmp_path, "b", disturbed, PAUSE="0.1")
    deadline = time.monotonic() + 60
    while not (disturbed / "checkpoints" / "4").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    one = tmp_path / "cache/jaxdl/pods/b/worker-1/jaxdl/jobs/tiny/group"
    os.kill(int(one.read_text()), signal.SIGTERM)  # as a preemption does, to one of them
    code, out = finished(process)
    assert code == 75, out
    code, out = finished(launched(tmp_path, "b", disturbed))
    assert code == 0, out
    first, second = (json.loads((path / "summary.json").read_text()) for path in (undisturbed, disturbed))
    assert first["state_digest"] == second["state_digest"]
    assert (first["processes"], second["processes"], second["restarts"]) == (2, 2, 1)
    assert first["devices"].startswith("4 x ")
    for pod in ("a", "b"):
        assert finished(tpu(tmp_path, "delete", pod))[0] == 0
    assert not list((tmp_path / "cache/jaxdl/pods").iterdir())
