"""What happens, and what the user gets: every row of the README's table of exit codes."""

import os
import signal
import time

import pytest


def one_line(err, *words):
    """Whether the user got a single line that says all of these, and no traceback."""
    lines = err.strip().splitlines()
    return len(lines) == 1 and all(word in lines[0] for word in words)


def wait_for_step(launcher, step):
    deadline = time.monotonic() + 60
    while not (launcher.workdir / "checkpoints" / str(step)).exists():
        assert time.monotonic() < deadline, f"step {step} was not saved in a minute"
        time.sleep(0.05)


def damage(launcher, step):
    for path in (launcher.workdir / "checkpoints" / str(step)).rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-20])


def test_done_is_0_and_leaves_a_whole_run_directory(launcher):
    code, out, err = launcher.run()
    assert (code, err) == (0, "")
    names = {path.name for path in launcher.workdir.iterdir()}
    assert names >= {"config.json", "metrics.jsonl", "summary.json", "checkpoints", "report.html"}
    assert launcher.trained == list(range(1, 61))
    scores, facts, _ = out.splitlines()[-3:]
    assert scores.split()[0] == "dev"
    assert facts.split()[0] == "parameters"
    assert str(launcher.workdir / "report.html") in out


def test_a_crash_is_1_with_its_traceback_and_the_same_command_goes_on_to_the_same_end(launcher, reference):
    code, _, err = launcher.run(CRASH_AT="37")
    assert code == 1
    assert "Traceback" in err
    assert "planted crash" in err
    code, _, _ = launcher.run()
    assert code == 0
    assert launcher.summary["state_digest"] == reference.summary["state_digest"]
    assert launcher.summary["restarts"] == 1
    assert launcher.trained == list(range(1, 61))


# A platform that does not exist: whoever answers without an error has touched no device.
@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--step", "3"], ["unknown argument --step", "did you mean --steps?"]),
        (["--optimizer.learning-rat", "1"], ["did you mean --optimizer.learning-rate?"]),
        (["--steps", "many"], ["--steps", "many"]),
        (["--optimizer.name", "adan"], ["--optimizer.name", "adam"]),
        (["--optimizer.learning-rate", "-1"], ["learning_rate", "-1"]),
        (["--accumulate", "0"], ["--accumulate 0", "1 or more"]),
        (["--seed"], ["--seed"]),
    ],
)
def test_a_command_line_that_can_t_be_meant_is_2_and_one_line_before_any_device_is_touched(launcher, flags, words):
    code, out, err = launcher.run(*flags, JAX_PLATFORMS="none_such")
    assert (code, out) == (2, "")
    assert one_line(err, *words), err
    assert not launcher.workdir.exists()


def test_a_plain_terminal_gets_the_same_line(launcher):
    """Where tyro can't draw a box it draws with dashes."""
    code, _, err = launcher.run("--steps", "many", PYTHONIOENCODING="ascii")
    assert code == 2
    assert one_line(err, "--steps: invalid literal for int() with base 10: 'many'"), err
    assert "----" not in err


def test_help_touches_no_device(launcher):
    code, out, err = launcher.run("--help", JAX_PLATFORMS="none_such")
    assert (code, err) == (0, "")
    assert "--optimizer.learning-rate" in out


@pytest.mark.parametrize(
    ("name", "words"), [("mnist", ["python -m jaxdl.data prepare mnist"]), ("digit", ["did you mean digits?"])]
)
def test_a_data_set_that_is_not_there_is_2_with_the_command_or_the_closest_name(launcher, name, words):
    code, _, err = launcher.run("--dataset", name)
    assert code == 2
    assert one_line(err, *words), err


def test_a_checkpoint_of_another_configuration_is_2_with_leaves_and_fields(launcher):
    assert launcher.run("--steps", "5")[0] == 0
    code, _, err = launcher.run("--steps", "5", "--size", "8")
    assert code == 2
    assert one_line(err, "params/output/kernel", "[16, 10]", "[64, 10]", "size 4 -> 8", "--fresh"), err


def test_a_finished_run_s_directory_under_another_configuration_is_2_with_fields(launcher):
    assert launcher.run("--steps", "5")[0] == 0
    code, _, err = launcher.run("--steps", "5", "--optimizer.learning-rate", "0.5")
    assert code == 2
    assert "trained with another configuration (config.optimizer.learning_rate" in err.splitlines()[-1]
    assert "--fresh" in err.splitlines()[-1]


def test_every_checkpoint_damaged_is_2_and_fresh_starts_again(launcher, reference):
    assert launcher.run()[0] == 0
    for step in launcher.checkpoints:
        damage(launcher, step)
    code, _, err = launcher.run()
    assert code == 2
    assert "every checkpoint" in err
    assert "--fresh" in err
    assert launcher.run("--fresh")[0] == 0
    assert launcher.summary["state_digest"] == reference.summary["state_digest"]


def test_a_damaged_newest_checkpoint_is_named_and_the_one_before_leads_to_the_same_end(launcher, reference):
    assert launcher.run(CRASH_AT="45")[0] == 1
    newest = launcher.checkpoints[-1]
    damage(launcher, newest)
    code, _, err = launcher.run()
    assert code == 0
    assert f"step {newest}" in err
    assert launcher.summary["state_digest"] == reference.summary["state_digest"]


def test_a_loss_that_is_not_finite_is_3_and_the_last_good_checkpoint_stays(launcher):
    code, _, err = launcher.run("--checkpoint-every", "10", NAN_AT="25")
    assert code == 3
    assert one_line(err, "the loss is nan at step 26"), err
    assert launcher.checkpoints == [10, 20]
    assert launcher.run("--checkpoint-every", "10")[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_saves_the_last_finished_step_and_is_75_within_ten_seconds(launcher, reference, number):
    process = launcher.start(PAUSE="0.1")
    wait_for_step(launcher, 6)
    process.send_signal(number)
    began = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75
    assert time.monotonic() - began < 10
    assert one_line(err, signal.Signals(number).name, "is saved"), err
    assert launcher.checkpoints[-1] == launcher.trained[-1] > 6
    assert launcher.run()[0] == 0
    assert launcher.summary["state_digest"] == reference.summary["state_digest"]


def test_a_directory_in_use_is_2_with_its_holder_and_a_killed_holder_holds_nothing(launcher):
    first = launcher.start(PAUSE="0.1")
    wait_for_step(launcher, 6)
    code, _, err = launcher.run()
    assert code == 2
    assert one_line(err, f"pid {first.pid} on ", "started 20"), err
    first.kill()
    first.communicate()
    assert launcher.run()[0] == 0


@pytest.mark.parametrize("place", ["a file", "a file's inside", "read-only"])
def test_a_directory_that_can_t_be_written_is_2(launcher, place):
    if place == "read-only":
        launcher.workdir = launcher.workdir.__class__("/proc/run")
    else:
        launcher.workdir.write_text("")
        launcher.workdir = launcher.workdir if place == "a file" else launcher.workdir / "run"
    code, _, err = launcher.run()
    assert code == 2
    assert one_line(err, str(launcher.workdir), "--workdir"), err


def test_a_full_disk_is_1_with_path_and_free_bytes_and_the_earlier_checkpoint_still_restores(launcher, reference):
    """The run directory is a file system of its own, which a large file fills after the first checkpoint."""
    launcher.workdir.mkdir()
    keep = launcher.workdir.parent / "kept"
    script = (
        f"mount -t tmpfs -o size=2m tmpfs {launcher.workdir} && "
        f"(while [ ! -e {launcher.workdir}/checkpoints/12 ]; do sleep .05; done; "
        f"head -c 3m /dev/zero > {launcher.workdir}/filler) 2>/dev/null & "
        f'sleep .5; "$@"; code=$?; wait; rm {launcher.workdir}/filler; cp -r {launcher.workdir} {keep}; exit $code'
    )
    code, _, err = launcher.run("--keep", "20", prefix=["unshare", "-Urm", "sh", "-c", script, "sh"], PAUSE="0.1")
    assert code == 1
    assert "could not write" in err
    assert "bytes are free" in err
    launcher.workdir = keep
    assert max(launcher.checkpoints) >= 12
    assert launcher.run("--keep", "20")[0] == 0
    assert launcher.summary["state_digest"] == reference.summary["state_digest"]


def test_sigusr1_prints_every_stack_and_the_run_goes_on(launcher):
    process = launcher.start("--steps", "30", PAUSE="0.1")
    wait_for_step(launcher, 6)
    os.kill(process.pid, signal.SIGUSR1)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "in train" in err
