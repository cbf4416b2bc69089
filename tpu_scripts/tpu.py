"""Runs on a Cloud TPU pod, or on this machine in the same way, from the node's creation to its end.

    python tpu_scripts/tpu.py --help

Needs Python 3.10 or newer and, for a pod of TPU VMs, gcloud; README.md beside this file tells a normal day.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import archive
import driver
import environment
import workers
from babysit import outcome
from cloud import Cloud, version_for
from local import Local, shape
from shell import Failed, Refused, Shell

EVERY: dict[str, dict[str, Any]] = {
    "--every": {"type": float, "default": 30.0, "metavar": "S", "help": "seconds between looks"}
}
FLAGS: dict[str, dict[str, dict[str, Any]]] = {
    "pod": {
        "name": {"metavar": "NAME", "help": "of the queued resource and of its node"},
        "--zone": {"default": "", "help": "default: gcloud's own setting"},
        "--project": {"default": "", "help": "default: gcloud's own setting"},
        "--local": {"default": "", "metavar": "PxD", "help": "P processes of D CPU devices here, and no cloud"},
        "--dry-run": {"action": "store_true", "help": "print the exact commands and run none"},
        "--ssh-pause": {"type": float, "default": 5.0, "metavar": "S", "help": "between the three attempts of an ssh"},
        "--ssh-timeout": {"type": float, "default": 120.0, "metavar": "S", "help": "when an ssh counts as hanging"},
    },
    "node": {
        "--type": {"default": "", "help": "accelerator type, such as v5litepod-16"},
        "--version": {"default": "", "help": "VM image; default: the one for the type"},
        "--spot": {"action": "store_true", "help": "cheaper, and may be taken away"},
    },
    "tools": {
        "--python": {"default": "3.12", "help": "version of the workers' Python"},
        "--nfs": {
            "default": "",
            "metavar": "SERVER:/SHARE",
            "help": "storage that workers share and that outlives them",
        },
    },
    "run": {"--run": {"required": True, "help": "name of the run on this pod"}},
    "some_run": {"--run": {"default": "", "help": "name of the run on this pod"}},
    "variables": {
        "--env": {"action": "append", "default": [], "metavar": "NAME[=VALUE]", "help": "a variable for the workers"}
    },
    "every": EVERY,
    "grace": {
        "--grace": {
            "type": int,
            "default": workers.GRACE,
            "metavar": "S",
            "help": "for a run to save and end by itself",
        }
    },
    "wait": EVERY | {"--detach": {"action": "store_true", "help": "do not wait"}},
    "tail": {"--worker": {"type": int, "default": 0}, "--lines": {"type": int, "default": 100}},
}


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 failed, 2 bad input, refused or no quota; of a run that is waited for, the run's own."""
    given = list(sys.argv[1:] if argv is None else argv)
    cut = given.index("--") if "--" in given else len(given)
    flags, command = parser().parse_args(given[:cut]), given[cut + 1 :]
    try:
        check(flags, command)
        return flags.do(pod_of(flags), flags, command)
    except (Refused, Failed) as error:
        print(f"tpu: {environment.masked(str(error), os.environ)}", file=sys.stderr)
        return 2 if isinstance(error, Refused) else 1
    except KeyboardInterrupt:
        print("tpu: interrupted; what runs on the workers goes on", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The command line; a command to launch stands behind --."""
    top = argparse.ArgumentParser(prog="tpu.py", description=(__doc__ or "").splitlines()[0], allow_abbrev=False)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for do, groups, words in (
        (create, ("node", "wait"), "ask for a node and wait until it is ready"),
        (setup, ("tools",), "install Python and the project's dependencies on every worker"),
        (
            launch,
            ("run", "variables", "wait", "grace"),
            "start -- COMMAND on every worker and watch it; Ctrl-C leaves it running",
        ),
        (status, ("some_run",), "the node, and the run on every worker"),
        (logs, ("run", "tail"), "the last lines of a worker's log"),
        (stop, ("run", "grace"), "end the run on every worker, and see that the accelerator is free"),
        (delete, (), "delete the queued resource and its node"),
        (babysit, ("node", "tools", "run", "variables", "every", "grace"), "all of that until -- COMMAND is done"),
    ):
        command = commands.add_parser(do.__name__, help=words, description=words, allow_abbrev=False)
        command.set_defaults(do=do)
        for group in ("pod", *groups):
            for flag, settings in FLAGS[group].items():
                command.add_argument(flag, **settings)
    return top


def check(flags: argparse.Namespace, command: Sequence[str]) -> None:
    """Refused for what can't be meant, before anything is asked of anybody."""
    takes = flags.do in (launch, babysit)
    if bool(command) != takes:
        raise Refused(
            "expected -- COMMAND at the end, such as -- python -m experiments.vision.lenet5"
            if takes
            else f"{' '.join(command)}: only launch and babysit take a command"
        )
    environment.check_words([*command, flags.name, getattr(flags, "run", "")], os.environ)
    for what, value in (("NAME", flags.name), ("--run", getattr(flags, "run", "") or "run")):
        if not value or value[0] in ".-" or "/" in value or not value.isprintable():
            raise Refused(
                f"{what} {value!r}: expected a name without a slash that begins with neither a dot nor a dash"
            )
    for name in ("every", "grace", "ssh_pause", "ssh_timeout"):
        if getattr(flags, name, 0) < 0:
            raise Refused(f"--{name.replace('_', '-')} {getattr(flags, name):g}: expected seconds, 0 or more")
    if flags.do in (create, babysit) and not flags.local and not flags.version:
        version_for(flags.type)


def pod_of(flags: argparse.Namespace) -> workers.Pod:
    """The pod that the flags speak of."""
    shell = Shell(flags.dry_run)
    if flags.local:
        return Local(flags.name, shell, *shape(flags.local))
    node = {name: getattr(flags, name) for name in ("version", "spot") if hasattr(flags, name)}
    place = {"zone": flags.zone, "project": flags.project}
    return Cloud(
        flags.name, shell, getattr(flags, "type", ""), **node, **place, timeout=flags.ssh_timeout, pause=flags.ssh_pause
    )


def create(pod: workers.Pod, flags: argparse.Namespace, command: Sequence[str]) -> int:
    pod.create()
    return 0 if flags.detach else driver.until_ready(pod, flags.every)


def setup(pod: workers.Pod, flags: argparse.Namespace, command: Sequence[str]) -> int:
    return set_up(pod, flags, b"" if flags.local else archive.requirements(archive.top(Path.cwd())))


def set_up(pod: workers.Pod, flags: argparse.Namespace, pyproject: bytes) -> int:
    """What setup does with what pyproject.toml said when it was read."""
    count = workers.ready(pod)
    if flags.local:
        pod.create()
    else:
        workers.setup(pod, count, flags.python, pyproject, flags.nfs)
    if not flags.dry_run:
        print(f"{pod.name} is set up, workers: {count}", flush=True)
    return 0


def launch(pod: workers.Pod, flags: argparse.Namespace, command: Sequence[str]) -> int:
    variables, code = environment.chosen(flags.env, os.environ), archive.pack(archive.top(Path.cwd()))
    if flags.local:
        pod.node()
        pod.create()
    count = workers.ready(pod)
    workers.launch(pod, count, flags.run, code, variables, command)
    if flags.dry_run:
        return 0
    print(f"{flags.run} is started on {pod.name}, workers: {count}, code {code[0]}", flush=True)
    return 0 if flags.detach else driver.watch(pod, count, flags.run, flags.every, flags.grace)


def status(pod: workers.Pod, flags: argparse.Namespace, command: Sequence[str]) -> int:
    queue, node = pod.queue(), pod.node()
    if not flags.dry_run:
        print(f"queue {' '.join([queue.state, queue.why]).strip()}, node {node.state}, {node.workers} workers")
    if node.state != "READY" or not flags.run:
        return 0
    found = workers.look(pod, node.workers, flags.run)
    if flags.dry_run:
        return 0
    for worker in found:
        print(driver.line(worker))
    seen = outcome(found)
    if seen.code and seen.kind != "stopped":
        print(driver.first_failed(pod, flags.run, seen))
    return seen.code


def logs(pod: workers.Pod, flags: argparse.Namespace, command: Sequence[str]) -> int:
    print(environment.masked(workers.log(pod, flags.worker, flags.run, flags.lines), os.environ), end="")
    return 0


def stop(pod: workers.Pod, flags: argparse.Namespace, command: Sequence[str]) -> int:
    said = workers.stop(pod, workers.ready(pod), flags.run, flags.grace)
    for worker, (word, *holders) in enumerate(said):
        if word == "dirty":
            held = f"worker {worker}: the accelerator is still held by {' '.join(holders)}"
            print(f"{held}; the node is dirty: type `delete {pod.name}`")
    dirty = any(words[0] == "dirty" for words in said)
    if not dirty and not flags.dry_run:
        other = next((" ".join(words[1:]) for words in said if words[0] == "busy"), "")
        print(
            f"{flags.run} is stopped on every worker, and "
            + (f"{other} runs" if other else "the accelerators are free")
        )
    return 1 if dirty else 0


def delete(pod: workers.Pod, flags: argparse.Namespace, command: Sequence[str]) -> int:
    pod.delete()
    return 0


def babysit(pod: workers.Pod, flags: argparse.Namespace, command: Sequence[str]) -> int:
    top = archive.top(Path.cwd())
    variables, code = environment.chosen(flags.env, os.environ), archive.pack(top)
    pyproject = b"" if flags.local else archive.requirements(top)

    def stop_all() -> bool:
        said = workers.stop(pod, workers.ready(pod), flags.run, flags.grace, again="")
        return any(words[0] == "dirty" for words in said)

    acts = {
        "create": pod.create,
        "setup": lambda: set_up(pod, flags, pyproject),
        "launch": lambda: workers.launch(pod, workers.ready(pod), flags.run, code, variables, command),
        "stop": stop_all,
        "delete": pod.delete,
    }
    if flags.dry_run:
        for name in ("create", "setup", "launch"):
            acts[name]()
        return 0
    with driver.alone(pod):
        return driver.babysit(pod, flags.run, workers.what(code, variables, command), acts, flags.every)


if __name__ == "__main__":
    sys.exit(main())
