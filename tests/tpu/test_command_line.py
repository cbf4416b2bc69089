"""The command line: what its commands send to gcloud, word by word, and what it refuses."""

import ast
import re
import shlex
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "tpu_scripts"
README = (SCRIPTS / "README.md").read_text()
GOLDEN = Path(__file__).parent / "dry_run.txt"
COMMANDS = re.findall(r"^python tpu_scripts/tpu\.py .*", README, re.MULTILINE)


def test_a_normal_day_has_six_commands():
    day = README.split("## A normal day")[1].split("```")[1].strip().splitlines()
    assert [shlex.split(line)[2] for line in day] == ["create", "setup", "launch", "status", "logs", "delete"]


def test_the_readme_s_commands_send_what_they_sent_when_they_were_last_looked_at(cloud):
    """To look again: read what it left in its temporary directory, and put that in the place of dry_run.txt."""
    played = []
    for command in COMMANDS:
        words = shlex.split(command)[2:]
        words.insert(words.index("--") if "--" in words else len(words), "--dry-run")
        code, out, err = cloud.tpu(*words)
        assert (code, err) == (0, "")
        out = re.sub(r"\b[0-9a-f]{16}\b", "DIGEST", out)
        out = re.sub(r"\S*/jaxdl-[^/\s]*/", "SCRATCH/", out).replace(str(SCRIPTS), "tpu_scripts")
        out = out.replace(str(cloud.root), "HOME").replace(str(cloud.project), "PROJECT").replace(sys.prefix, "PYTHON")
        played.append(f"$ {command}\n{out}")
    assert not (cloud.root / "calls.jsonl").exists()
    assert not (cloud.root / "cache").exists()
    (cloud.root / GOLDEN.name).write_text("\n".join(played))
    assert "\n".join(played) == GOLDEN.read_text()


def test_every_flag_that_is_sent_is_one_that_gcloud_has_in_general_availability():
    """Against the fake's table, which was read off gcloud's own parser: no alpha, beta, --batch-size, --best-effort."""
    sent = [shlex.split(line) for line in GOLDEN.read_text().splitlines() if line.startswith("gcloud ")]
    assert {words[3] for words in sent} == {"queued-resources", "tpu-vm"}
    flags = {word.partition("=")[0] for words in sent for word in words[4:] if word.startswith("--")}
    allowed = "--node-id --accelerator-type --runtime-version --spot --format --force --worker --command --quiet"
    assert flags <= set(allowed.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create", "pod"], "expected v2, v3, v4, v5litepod, v5p, v6e, a dash and a size"),
        (["create", "pod", "--type", "tpu7x-8"], "GKE only"),
        (["launch", "pod", "--run", "r"], "expected -- COMMAND at the end"),
        (["status", "pod", "--", "ls"], "only launch and babysit take a command"),
        (["launch", "pod", "--run", "a/b", "--", "ls"], "expected a name without a slash"),
        (["launch", "-", "--run", "r", "--", "ls"], "begins with neither a dot nor a dash"),
        (["launch", "pod", "--run", "r", "--local", "2", "--", "ls"], "expected PROCESSESxDEVICES, such as 2x2"),
        (["launch", "pod", "--run", "r", "--env", "API_KEY=x", "--", "ls"], "no place on a command line"),
        (["launch", "pod", "--run", "r", "--", "ls"], "pod is ABSENT: expected READY"),
        (["logs", "pod", "--run", "r", "--local", "2x2"], "there is no worker 0 of pod on this machine"),
        (["create", "pod", "--type", "v6e-8", "--every", "-1"], "--every -1: expected seconds, 0 or more"),
        (["launch", "pod", "--rum", "r", "--", "ls"], "--run"),
        (["launhc", "pod"], "launch"),
    ],
)
def test_what_can_t_be_meant_is_2_and_says_what_to_type(cloud, words, said):
    code, out, err = cloud.tpu(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


LAUNCH = ("launch", "pod", "--every", "0.05", "--run")
WORDS = [
    "a b",
    "two  spaces",
    "it's",
    'say "x"',
    "$(touch hacked)",
    "`id`",
    "$HOME",
    "a;b",
    "*",
    "\\",
    "",
    "two\nlines",
]


def test_words_with_spaces_quotes_and_dollars_reach_the_command_as_they_are(cloud):
    cloud.ready()
    name = 'a run\'s "name" $(x)'
    assert cloud.tpu(*LAUNCH, name, "--", "bash", "-c", 'printf "<%s>" "$@"', "_", *WORDS)[0] == 0
    _, out, _ = cloud.tpu("logs", "pod", "--run", name)
    assert out.partition("\n")[2] == "".join(f"<{word}>" for word in WORDS)
    assert not list(cloud.root.rglob("hacked"))


def test_a_secret_reaches_the_run_and_no_command_line_log_or_file_that_stays(cloud):
    cloud.ready()
    secret = "hunter2-hunter2"
    command = '[[ $HF_TOKEN == hunter2-* && $job$code == "deep blue5" ]] && echo "I know it: $HF_TOKEN"; exit 1'
    variables = ("--env", "HF_TOKEN", "--env", "job=deep blue", "--env", "code=5")  # as the supervisor calls its own
    code, out, _ = cloud.tpu(*LAUNCH, "run", *variables, "--", "bash", "-c", command, HF_TOKEN=secret)
    assert code == 1
    assert "I know it: ***" in out
    assert secret not in out
    assert not any(secret in word for call in cloud.calls for word in call)
    holders = [path for path in cloud.root.rglob("*") if path.is_file() and secret in path.read_text(errors="replace")]
    assert {path.name for path in holders} <= {"log"}  # where the program itself has put it


def test_a_launch_that_fails_leaves_no_secret_behind(cloud):
    cloud.ready()
    cloud.scenario(**{**cloud.state, "scp_fails": ["1"]})
    flags = ("--ssh-pause", "0.01", "--env", "HF_TOKEN", "--", "true")
    code, _, err = cloud.tpu(*LAUNCH, "run", *flags, HF_TOKEN="hunter2-hunter2")
    assert (code, "worker 1 of pod does not answer" in err) == (1, True)
    assert not [path for path in cloud.root.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]


def test_without_gcloud_one_line_says_what_to_do(cloud):
    code, _, err = cloud.tpu("status", "pod", PATH="/nowhere")
    assert (code, err) == (2, "tpu: gcloud: not found; install the Google Cloud CLI, or type --local 2x2\n")


def test_a_stop_of_a_run_that_is_not_there_names_the_run_that_is(cloud):
    cloud.ready()
    assert cloud.tpu(*LAUNCH, "run", "--detach", "--", "sleep", "60")[0] == 0
    code, _, err = cloud.tpu("stop", "pod", "--run", "rum")
    assert (code, err) == (2, "tpu: pod has no run rum; there is: run\n")
    assert cloud.tpu("status", "pod", "--run", "run")[1].count("running") == 2


def test_a_link_called_runs_in_the_checkout_gives_way_to_the_shared_storage(cloud):
    (cloud.project / "runs").symlink_to("/a/large/disk")
    cloud.ready()
    assert cloud.tpu(*LAUNCH, "run", "--", "touch", "runs/here")[0] == 0
    assert (cloud.root / "machine-1/worker-0/jaxdl/shared/runs/here").exists()


def test_deleting_what_is_not_there_is_done(cloud):
    assert cloud.tpu("delete", "pod")[0] == 0
    cloud.ready()
    assert cloud.tpu("delete", "pod")[0] == 0
    assert (cloud.state["node"], cloud.state["queue"]) == ("", [])


def test_an_api_that_does_not_answer_is_1(cloud):
    (cloud.root / "bin/gcloud").write_text("#!/bin/sh\necho 'ERROR: (gcloud) connection reset' >&2\nexit 1\n")
    code, _, err = cloud.tpu("status", "pod")
    assert (code, err) == (1, "tpu: ERROR: (gcloud) connection reset\n")


def test_help_names_every_command(cloud):
    code, out, _ = cloud.tpu("--help")
    assert code == 0
    for name in ["create", "setup", "launch", "status", "logs", "stop", "delete", "babysit"]:
        assert f"    {name} " in out
        assert "--dry-run" in cloud.tpu(name, "--help")[1]


def test_the_scripts_need_the_standard_library_only_and_python_3_10():
    own = {path.stem for path in SCRIPTS.glob("*.py")}
    for path in SCRIPTS.glob("*.py"):
        tree = ast.parse(path.read_text(), feature_version=(3, 10))
        names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | own, path


def test_the_readme_says_that_no_hardware_has_seen_it_yet():
    assert "checked against a simulated API, not yet on hardware" in README
