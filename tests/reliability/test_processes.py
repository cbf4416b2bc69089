"""Several processes on one machine: they train as one, end as one, and what they leave goes on with any number."""

import json
import signal
import socket
import time

import pytest

TINY = ("--size", "8", "--steps", "60", "--checkpoint-every", "10")
HEARTBEAT = 10


class Pod:
    """Processes of two devices each over the loopback, on one run directory."""

    def __init__(self, launcher, count=2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.launcher, self.count = launcher, count

    def start(self, *flags, only=None, of_one=None):
        """The processes; `of_one` = (process, its own variables)."""
        started = []
        for process in range(self.count) if only is None else [only]:
            own = of_one[1] if of_one and of_one[0] == process else {}
            told = {
                "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
                "JAXDL_COORDINATOR": self.address,
                "JAXDL_PROCESS_ID": str(process),
                "JAXDL_PROCESS_COUNT": str(self.count),
            }
            started.append(self.launcher.start(*TINY, *flags, **told, **own))
        return started

    def run(self, *flags):
        """[(exit code, stdout, stderr)] of a pod that ends by itself."""
        return ended(self.start(*flags))


def ended(processes, seconds=150):
    """[(exit code, stdout, stderr)]."""
    said = [process.communicate(timeout=seconds) for process in processes]
    return [(process.returncode, *texts) for process, texts in zip(processes, said, strict=True)]


def wait_for_training(process):
    """Returns when it has printed its first line of progress."""
    for line in process.stdout:
        if line.startswith("step"):
            return
    raise AssertionError(process.stderr.read())


def alone(directory, launcher, devices):
    """A single process with that many devices."""
    one = type(launcher)(directory)
    code, out, err = one.run(*TINY, XLA_FLAGS=f"--xla_force_host_platform_device_count={devices}")
    assert code == 0, err
    return one, out


def losses(launcher):
    lines = [json.loads(line) for line in (launcher.workdir / "metrics.jsonl").read_text().splitlines()]
    return [(line["step"], line["set"], line["loss"]) for line in lines if "set" in line]


@pytest.mark.parametrize("mesh", ["data=-1", "data=1,fsdp=4"])
def test_two_processes_of_two_devices_are_one_of_four(launcher, tmp_path, mesh):
    pod = Pod(launcher).run("--mesh", mesh)
    assert [code for code, _, _ in pod] == [0, 0], pod
    one, out = alone(tmp_path / "one", launcher, 4)
    assert pod[0][1].splitlines()[-3:-2] == out.splitlines()[-3:-2]  # the table's last row: dev
    for (step, name, loss), (other_step, other_name, other) in zip(losses(launcher), losses(one), strict=True):
        assert (step, name) == (other_step, other_name)
        assert loss == pytest.approx(other, abs=1e-6)
    assert launcher.summary["processes"] == 2
    assert not [
        line for line in pod[1][1].splitlines() if "Gloo" not in line and line.startswith(("run", "step", "dev"))
    ]


def test_sigterm_to_one_saves_the_same_step_on_all_and_they_go_on_from_there(launcher, tmp_path):
    processes = Pod(launcher).start(of_one=(0, {"PAUSE": "0.1"}))
    wait_for_training(processes[0])
    processes[1].send_signal(signal.SIGTERM)
    outcomes = ended(processes)
    assert [code for code, _, _ in outcomes] == [75, 75], outcomes
    saved = launcher.checkpoints[-1]
    for _, _, err in outcomes:
        assert f"step {saved} of 60 is saved" in err
    assert launcher.trained[-1] == saved
    # It goes on with one process and eight devices, from the batch that was due, to the same end.
    code, _, err = launcher.run(*TINY, XLA_FLAGS="--xla_force_host_platform_device_count=8")
    assert code == 0, err
    assert launcher.trained == list(range(1, 61))
    one, _ = alone(tmp_path / "one", launcher, 4)
    assert losses(launcher)[-1][2] == pytest.approx(losses(one)[-1][2], abs=1e-6)


def test_an_exception_on_one_ends_all_and_the_log_names_it(launcher):
    processes = Pod(launcher).start(of_one=(1, {"CRASH_AT": "20"}))
    (first,) = ended(processes[1:])
    began = time.monotonic()
    (other,) = ended(processes[:1])
    assert time.monotonic() - began < 2 * HEARTBEAT
    assert first[0] == 1
    assert "process 1 of 2: RuntimeError: planted crash" in first[2]
    assert other[0] not in (0, 75)


@pytest.mark.parametrize("killed", [0, 1])
def test_a_kill_of_one_ends_the_other_within_the_heartbeat(launcher, killed):
    processes = Pod(launcher).start(of_one=(0, {"PAUSE": "0.1"}))
    wait_for_training(processes[0])
    processes[killed].kill()
    began = time.monotonic()
    code = processes[1 - killed].wait(timeout=60)
    assert time.monotonic() - began < HEARTBEAT + 5
    assert code not in (0, 75)
    processes[killed].communicate()
    processes[1 - killed].communicate()


def test_one_of_two_alone_says_who_is_missing(launcher):
    (process,) = Pod(launcher).start(only=0)
    began = time.monotonic()
    said = process.stderr.readline()
    process.kill()
    process.communicate()
    assert "process 1 is missing" in said
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    "told",
    [
        {"JAXDL_PROCESS_ID": "0"},
        {"JAXDL_COORDINATOR": "127.0.0.1:1234", "JAXDL_PROCESS_ID": "2", "JAXDL_PROCESS_COUNT": "2"},
        {"JAXDL_COORDINATOR": "nowhere", "JAXDL_PROCESS_ID": "0", "JAXDL_PROCESS_COUNT": "2"},
    ],
)
def test_variables_that_make_no_sense_are_refused_in_a_line(launcher, told):
    code, _, err = launcher.run(**told)
    assert code == 2
    assert err.count("\n") == 1
    assert "expected all three" in err


def test_a_bit_flipped_under_a_pod_costs_a_checkpoint_and_no_more(launcher):
    """Both processes step back to the checkpoint before the damaged one."""
    processes = Pod(launcher).start(of_one=(0, {"PAUSE": "0.05"}))
    while len(launcher.checkpoints if (launcher.workdir / "checkpoints").exists() else []) < 2:
        time.sleep(0.1)
        assert processes[0].poll() is None
    for process in processes:
        process.kill()
    for process in processes:
        process.communicate()
    newest = launcher.checkpoints[-1]
    flip_in_the_largest_file(launcher.workdir / "checkpoints" / str(newest))
    outcomes = Pod(launcher).run()
    assert [code for code, _, _ in outcomes] == [0, 0], outcomes
    assert "damaged checkpoint skipped" in outcomes[0][2]
    assert launcher.trained == list(range(1, 61))


def flip_in_the_largest_file(directory):
    path = max((p for p in directory.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)
