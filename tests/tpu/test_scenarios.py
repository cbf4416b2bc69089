"""What a pod does to its user, played by a fake gcloud; and what the user gets."""

import os
import shutil
import signal
import subprocess
import time

import pytest

QUICK = ("--ssh-pause", "0.01", "--every", "0.05")
NODE = ("--type", "v5litepod-16", "--spot", "--nfs", "10.0.0.2:/x")
BABYSIT = ("babysit", "pod", "--run", "run", *NODE, *QUICK)
LAUNCH = ("launch", "pod", "--run", "run", *QUICK)


def shell(command, *words):
    return ("--", "bash", "-c", command, *words)


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_node_that_is_ready_at_once_runs_the_command_on_every_worker(cloud):
    cloud.ready()
    code, out, err = cloud.tpu(*LAUNCH, *shell("echo I am $HOME"))
    assert (code, err) == (0, "")
    assert "worker 0: ended with exit code 0" in out
    assert "worker 1: ended with exit code 0" in out
    assert len(cloud.started(0)) == len(cloud.started(1)) == 1
    code, out, _ = cloud.tpu("logs", "pod", "--run", "run", "--worker", "1")
    assert (code, out.splitlines()[-1]) == (0, f"I am {cloud.root}/machine-1/worker-1")


def test_a_queued_request_is_waited_for(cloud):
    cloud.scenario(coming=["ACCEPTED", "WAITING_FOR_RESOURCES", "PROVISIONING"])
    code, out, _ = cloud.tpu("create", "pod", "--type", "v5litepod-16", "--every", "0.05")
    assert code == 0
    assert [line.split("queue ")[1].split(",")[0] for line in out.splitlines()] == [
        "ACCEPTED", "WAITING_FOR_RESOURCES", "PROVISIONING", "ACTIVE",
    ]  # fmt: skip
    assert len(cloud.asked("queued-resources", "create")) == 1


def test_no_quota_is_never_asked_for_again(cloud):
    cloud.scenario(create_errors=["quota", "quota"])
    code, _, err = cloud.tpu(*BABYSIT, *shell("true"))
    assert code == 2
    assert "no quota" in err
    assert len(cloud.asked("queued-resources", "create")) == 1


def test_a_request_that_fails_of_quota_later_is_not_made_again_either(cloud):
    cloud.scenario(coming=["ACCEPTED", "FAILED"], reason="quota")
    code, _, err = cloud.tpu(*BABYSIT, *shell("true"))
    assert (code, "no quota" in err) == (2, True)
    assert len(cloud.asked("queued-resources", "create")) == 1


def test_where_nothing_is_free_the_babysitter_waits_and_asks_again(cloud):
    cloud.scenario(create_errors=["stockout"] * 6)  # more often than a run may crash
    code, out, _ = cloud.tpu(*BABYSIT, *shell("true"))
    assert (code, "nothing free" in out) == (0, True)
    assert len(cloud.asked("queued-resources", "create")) == 7


@pytest.mark.parametrize("event", ["preempt", "vanish"])
def test_a_node_lost_in_the_middle_of_a_run_is_deleted_then_made_anew_and_the_run_goes_on(cloud, event):
    cloud.scenario(at_poll={"10": event})
    asked_for = cloud.project / "pyproject.toml"
    before = asked_for.read_text()
    edit = f"echo other >'{asked_for}'"  # the code is what it was when the babysitter began; so is what it asks for
    code, out, _ = cloud.tpu(*BABYSIT, *shell(f"[[ $HOME != *machine-1* ]] || {{ {edit}; sleep 60; }}"))
    assert code == 0, out
    assert (cloud.root / "machine-2/worker-0/jaxdl/pyproject.toml").read_text() == before
    assert cloud.state["made"] == 2
    assert len(cloud.started(0)) == len(cloud.started(1)) == 2
    kinds = [call[3] for call in cloud.calls if call[3] in ("create", "delete")]
    assert kinds == (["create", "delete", "create"] if event == "preempt" else ["create", "create"])
    assert "done" in out
    assert "no use" not in out


@pytest.mark.parametrize("when", [{"preempt_at_look": 3}, {"at_poll": {"6": "preempt"}}])
def test_a_node_lost_while_it_is_set_up_or_launched_on_is_replaced_as_well(cloud, when):
    cloud.scenario(**when)
    code, out, err = cloud.tpu(*BABYSIT, *shell("true"))
    assert (code, err) == (0, ""), out
    assert "crash" not in out
    assert cloud.state["made"] == 2


def test_what_the_first_node_wrote_to_the_shared_storage_is_there_for_the_second(cloud):
    cloud.scenario(at_poll={"5": "preempt"}, workers=1)
    command = "[[ -e runs/saved ]] && exit 0; touch runs/saved; sleep 60"
    assert cloud.tpu(*BABYSIT, *shell(command))[0] == 0
    assert cloud.state["made"] == 2


def test_ssh_that_fails_twice_is_tried_a_third_time(cloud):
    cloud.ready()
    state = cloud.state
    cloud.scenario(**{**state, "ssh_fails": {"1": 2}})
    code, _, err = cloud.tpu(*LAUNCH, *shell("true"))
    assert (code, err) == (0, "")


def test_a_worker_that_ssh_never_reaches_is_named_and_nothing_is_started_anywhere(cloud):
    cloud.ready()
    cloud.scenario(**{**cloud.state, "ssh_fails": {"1": -1}})
    code, _, err = cloud.tpu(*LAUNCH, *shell("true"))
    assert code == 1
    assert "worker 1 of pod does not answer" in err
    assert cloud.started() == []
    assert len(cloud.asked("tpu-vm", "scp")) == 2  # those of the setup


def test_a_pod_that_loses_one_vm_is_replaced_though_the_other_worker_fails_of_it(cloud):
    cloud.scenario(at_poll={"8": "silence"})
    command = "[[ $HOME == *machine-1* ]] || exit 0; [[ $HOME == *worker-1 ]] && sleep 60; sleep 0.5; exit 1"
    code, out, _ = cloud.tpu(*BABYSIT[:-1], "0.02", *shell(command))
    assert code == 0, out
    assert "no use for 20 looks; crash 1 of 5" in out
    assert out.count("crash") == 1  # that of the worker left is no other
    assert cloud.state["made"] == 2


def test_a_vm_that_boots_anew_is_set_up_again_before_the_run_goes_on_where_it_was(cloud):
    cloud.scenario(workers=1, at_poll={"5": "reboot"})
    command = "[[ -e runs/saved ]] && exit 0; touch runs/saved; sleep 60"
    code, out, _ = cloud.tpu(*BABYSIT, *shell(command))
    assert (code, cloud.state["made"]) == (0, 1), out
    assert len([call for call in cloud.asked("tpu-vm", "ssh") if "setup_worker.sh" in call[-1]]) == 2


def test_a_hanging_ssh_is_given_up_after_its_time(cloud):
    cloud.ready()
    cloud.scenario(**{**cloud.state, "ssh_hangs": ["1"]})
    began = time.monotonic()
    code, _, err = cloud.tpu(*LAUNCH, "--ssh-timeout", "1", *shell("true"))
    assert (code, "worker 1 of pod does not answer" in err) == (1, True)
    assert time.monotonic() - began < 10
    assert cloud.started() == []


def test_a_worker_that_fails_while_the_others_hang_is_named_with_the_end_of_its_log(cloud):
    cloud.ready()
    command = "[[ $HOME == *worker-1 ]] && { seq 100; echo the reason; exit 5; }; sleep 60"
    code, out, _ = cloud.tpu(*LAUNCH, "--grace", "1", *shell(command))
    assert code == 5
    assert "worker 1 failed first, with exit code 5" in out
    tail = out.split("the end of its log:\n")[1].splitlines()
    assert (len(tail), tail[0], tail[-1]) == (40, "62", "the reason")
    code, out, _ = cloud.tpu("stop", "pod", "--run", "run")
    assert (code, "free" in out) == (0, True)


def test_a_babysitter_stops_the_workers_that_hang_and_starts_all_again(cloud):
    command = 'mkdir runs/"${HOME##*/}" || exit 0; [[ $HOME == *worker-1 ]] && exit 1; sleep 60'
    code, out, _ = cloud.tpu(*BABYSIT, *shell(command))
    assert code == 0, out
    assert "stop: worker 1 ended with 1, others hang" in out
    assert len(cloud.started(0)) == len(cloud.started(1)) == 2
    assert cloud.state["made"] == 1


@pytest.mark.parametrize("other", ["absent", "stopped"])
def test_a_run_that_only_some_workers_have_is_stopped_and_started_on_all(cloud, other):
    """As a babysitter leaves it that is killed in the middle of a launch."""
    cloud.ready()
    assert cloud.tpu(*LAUNCH, "--detach", *shell("sleep 60"))[0] == 0
    assert cloud.tpu("stop", "pod", "--run", "run")[0] == 0
    one, two = (cloud.root / f"machine-1/worker-{worker}/jaxdl" for worker in range(2))
    if other == "absent":
        shutil.rmtree(two / "jobs/run")
    (one / "env-a-b").touch()
    digest = (one / "jobs/run/digest").read_text().strip()
    subprocess.run(["bash", one / "run_worker.sh", "start", "run", "a-b", digest, "sleep", "60"], check=True)
    code, out, _ = cloud.tpu(*BABYSIT, *shell("true"))
    assert code == 0, out
    assert "stop: only some workers run" in out
    assert len(cloud.started(0)) == len(cloud.started(1)) == 2
    assert cloud.state["made"] == 1


def test_a_second_launch_is_refused_while_the_first_runs_whatever_its_name(cloud):
    cloud.ready()
    assert cloud.tpu(*LAUNCH, "--detach", *shell("sleep 60"))[0] == 0
    for name in ("run", "another"):
        code, _, err = cloud.tpu("launch", "pod", "--run", name, *shell("true"))
        assert code == 2
        assert "run is running on worker" in err
    assert [cloud.tpu("status", "pod", "--run", name)[1].count("running") for name in ("run", "another")] == [2, 0]


def test_a_babysitter_killed_and_started_again_finds_the_run_and_starts_nothing(cloud):
    command = "while [[ ! -e runs/end ]]; do sleep 0.05; done"
    first = cloud.start(*BABYSIT, *shell(command))
    wait_for(lambda: (cloud.root / "calls.jsonl").exists() and len(cloud.started()) == 2)
    code, _, err = cloud.tpu(*BABYSIT, *shell(command))
    assert (code, "has a babysitter" in err) == (2, True)
    first.kill()
    first.communicate()
    second = cloud.start(*BABYSIT, *shell(command))
    assert "running" in second.stdout.readline()
    (cloud.root / "share/runs/end").touch()
    assert second.wait(timeout=60) == 0
    second.communicate()
    assert len(cloud.started()) == 2
    assert cloud.state["made"] == 1


@pytest.mark.parametrize("code", [2, 3])
def test_bad_input_and_divergence_are_never_started_again(cloud, code):
    ended, out, _ = cloud.tpu(*BABYSIT, *shell(f"echo the reason; exit {code}"))
    assert ended == code
    assert "the reason" in out
    assert len(cloud.started(0)) == 1


def test_what_has_ended_is_started_again_for_other_code_or_another_command_and_only_then(cloud):
    cloud.scenario(workers=1)
    bad, good = shell("exit 2"), shell("true")
    assert [cloud.tpu(*BABYSIT, *bad)[0] for _ in range(2)] == [2, 2]
    assert len(cloud.started()) == 1
    (cloud.project / "words.py").write_text("fixed")
    assert cloud.tpu(*BABYSIT, *bad)[0] == 2
    assert len(cloud.started()) == 2
    assert [cloud.tpu(*BABYSIT, *good)[0] for _ in range(2)] == [0, 0]
    assert len(cloud.started()) == 3


def test_preempted_and_saved_is_started_again_at_once_however_often(cloud):
    cloud.scenario(workers=1)
    command = "echo x >>runs/count; [[ $(wc -l <runs/count) -gt 6 ]] || exit 75"
    code, out, _ = cloud.tpu(*BABYSIT, *shell(command))
    assert (code, len(cloud.started())) == (0, 7)
    assert out.count("launch: preempted and saved") == 6
    assert "crash" not in out


def test_crashes_without_progress_use_up_the_budget(cloud):
    cloud.scenario(workers=1)
    code, out, _ = cloud.tpu(*BABYSIT[:-1], "0.02", *shell("echo x >>runs/count; exit 1"))
    assert code == 1
    assert len(cloud.started()) == 6
    assert "6 crashes without a new checkpoint" in out


def test_a_new_checkpoint_between_two_crashes_gives_the_budget_back(cloud):
    cloud.scenario(workers=1)
    command = (
        'echo "run directory: runs/a"; echo x >>runs/count; n=$(wc -l <runs/count); mkdir -p "runs/a/checkpoints/$n"; '
        "((n > 6)) || exit 1"
    )
    code, out, _ = cloud.tpu(*BABYSIT[:-1], "0.02", *shell(command))
    assert (code, len(cloud.started())) == (0, 7), out
    assert "crash 2" not in out


def test_a_run_that_its_user_stops_is_not_started_again_until_the_same_command_is_typed(cloud):
    """A worker whose stop comes late has ended by itself by then, with the one that was stopped, as coupled runs do."""
    cloud.scenario(slow_to_stop="1")
    command = "trap 'touch runs/term; exit 75' TERM; until [[ -e runs/term ]]; do sleep 0.05; done; exit 75"
    again = shell(f"[[ ! -e runs/term ]] || exit 0; {command}")
    process = cloud.start(*BABYSIT, *again)
    wait_for(lambda: (cloud.root / "calls.jsonl").exists() and len(cloud.started()) == 2)
    wait_for(lambda: cloud.tpu("status", "pod", "--run", "run")[1].count("running") == 2)
    assert cloud.tpu("stop", "pod", "--run", "run")[0] == 0
    assert process.wait(timeout=60) == 75
    process.communicate()
    assert len(cloud.started()) == 2
    assert cloud.tpu("status", "pod", "--run", "run")[0] == 75
    assert cloud.tpu(*BABYSIT, *again)[0] == 0
    assert len(cloud.started()) == 4


def test_setup_that_fails_says_what_failed(cloud):
    assert cloud.tpu("create", "pod", "--type", "v5litepod-16")[0] == 0
    assert cloud.tpu("logs", "pod", "--run", "run")[1] == "this worker is not set up\n"
    (cloud.root / "bin-of-vm/python3").write_text("#!/bin/sh\necho no space left >&2\nexit 1\n")
    code, _, err = cloud.tpu("setup", "pod")
    assert (code, "no space left" in err) == (1, True)
    code, _, err = cloud.tpu(*LAUNCH, *shell("true"))
    assert (code, "type `setup pod` first" in err) == (2, True)


def test_an_interrupted_watch_leaves_the_run_running(cloud):
    cloud.ready()
    process = cloud.start(*LAUNCH, *shell("sleep 60"))
    wait_for(lambda: len(cloud.started()) == 2 and "running" in process.stdout.readline())
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) == 130
    process.communicate()
    assert cloud.tpu("status", "pod", "--run", "run")[1].count("running") == 2
