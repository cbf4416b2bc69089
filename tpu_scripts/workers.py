"""What is done on the workers of a pod: each is asked by itself, so that none waits for another that hangs."""

import contextlib
import hashlib
import json
import secrets
import shlex
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import environment
from babysit import Worker
from cloud import Node, Queue
from shell import Answer, Failed, NotReady, Refused, Shell, Unreachable

HERE = Path(__file__).parent
SCRIPT = "jaxdl/run_worker.sh"
GRACE = 60  # seconds for a run to finish its step, save and end by itself, before it is killed


class Pod(Protocol):
    """A pod of TPU VMs, or of processes on this machine."""

    @property
    def name(self) -> str: ...
    @property
    def shell(self) -> Shell: ...
    def queue(self) -> Queue: ...
    def node(self) -> Node: ...
    def create(self) -> None: ...
    def delete(self) -> None: ...
    def run(self, worker: int, command: str, timeout: float = ...) -> Answer: ...
    def copy(self, worker: int, paths: Sequence[str]) -> None: ...
    def environment(self, workers: int) -> list[dict[str, str]]: ...


def everywhere(pod: Pod, workers: int, do: Callable[[int], Any]) -> list[Any]:
    """do(worker) for all workers at once; the first exception is raised when all have answered."""
    if pod.shell.dry_run:
        if workers == 1:
            print("# and likewise for every further worker in networkEndpoints:")
        return [do(worker) for worker in range(workers)]
    with ThreadPoolExecutor(max_workers=max(1, min(workers, 64))) as pool:
        futures = [pool.submit(do, worker) for worker in range(workers)]
    return [future.result() for future in futures]


def ready(pod: Pod) -> int:
    """The number of workers. NotReady where the node is not."""
    node = pod.node()
    if node.state != "READY":
        raise NotReady(f"{pod.name} is {node.state}: expected READY; `create` waits for it, `status` shows it")
    return node.workers


def told(pod: Pod, worker: int, command: Sequence[str], timeout: float = 0.0, pretend: str = "jaxdl ok") -> list[str]:
    """The words after `jaxdl` in what the worker's script says. Failed where it ended otherwise."""
    line = f"{shlex.join(command)} || echo jaxdl failed"
    answer = pod.run(worker, line, *([timeout] if timeout else []))
    said = pretend if pod.shell.dry_run else answer.out
    for text in said.splitlines():
        if text.startswith("jaxdl ") and text != "jaxdl failed":
            return text.split()[1:]
    lines = [text for text in (answer.err + answer.out).splitlines() if text.strip() and text != "jaxdl failed"]
    raise Failed("\n".join([f"worker {worker}: {command[1]} failed:", *lines[-10:]]))


def setup(pod: Pod, workers: int, python: str, pyproject: bytes, storage: str = "") -> None:
    """A Python with the project's dependencies on every worker, and the storage that they share."""
    script = ["bash", "jaxdl/setup_worker.sh", python, *([storage] if storage else [])]
    with tempfile.TemporaryDirectory(prefix="jaxdl-") as scratch:
        asked_for = Path(scratch, "pyproject.toml")
        asked_for.write_bytes(pyproject)
        sources = [str(HERE / "setup_worker.sh"), str(HERE / "run_worker.sh"), str(asked_for)]

        def one(worker: int) -> None:
            pod.run(worker, "mkdir -p jaxdl")
            pod.copy(worker, sources)
            told(pod, worker, script, timeout=1800.0)

        everywhere(pod, workers, one)


def asked(words: Sequence[str], otherwise: str) -> str:
    """The command that asks a worker's script, or says otherwise where there is none."""
    return f"test -e {SCRIPT} || {{ echo {otherwise}; exit; }}; {shlex.join(['bash', SCRIPT, *words])}"


def look(pod: Pod, workers: int, run: str) -> list[Worker]:
    """What is seen of a run on each worker."""

    def one(worker: int) -> Worker:
        try:
            said = pod.run(worker, asked(["poll", run], "jaxdl bare - - - -")).out
        except Failed:
            return Worker(worker, "unreachable")
        if pod.shell.dry_run:
            return Worker(worker, "absent")
        fields = next((line.split() for line in said.splitlines() if line.startswith("jaxdl ")), None)
        if fields is None or len(fields) != 6:
            return Worker(worker, "unreachable")
        state, *given, started = fields[1:]
        code, time, step = (None if text == "-" else float(text) for text in given)
        seen = Worker(worker, state, step=-1 if step is None else int(step), what=started.partition("-")[0])
        return seen if code is None or time is None else replace(seen, code=int(code), time=time)

    return everywhere(pod, workers, one)


def what(code: tuple[str, bytes], variables: Mapping[str, str], command: Sequence[str]) -> str:
    """A name for what is to be started, from all that makes it but the values of secrets."""
    shown = {name: "" if environment.SECRET.search(name) else value for name, value in variables.items()}
    return hashlib.sha256(json.dumps([code[0], shown, *command], sort_keys=True).encode()).hexdigest()[:16]


def launch(
    pod: Pod, workers: int, run: str, code: tuple[str, bytes], variables: Mapping[str, str], command: Sequence[str]
) -> None:
    """Starts the command on every worker, or on none: nothing is started before all have the code.

    Refused where a run is alive, Unreachable where a worker does not answer. What it brings carries a name of its own,
    so that two launches at the same time do not mix.
    """
    found = look(pod, workers, run)
    for worker in found:
        if worker.state == "unreachable":
            raise Unreachable(f"worker {worker.index} of {pod.name} does not answer; nothing was started")
        if worker.state == "bare":
            why = f"worker {worker.index} of {pod.name} is not set up, or has booted since"
            raise Refused(f"{why}: type `setup {pod.name}` first")
        if worker.state == "running":
            raise Refused(f"{run} is running on worker {worker.index}: type `stop {pod.name}` first")
    name = f"{what(code, variables, command)}-{secrets.token_hex(8)}"
    try:
        upload(pod, workers, name, code, variables)
        everywhere(pod, workers, lambda worker: begin(pod, worker, run, name, code[0], command))
    except (Failed, Refused):
        with contextlib.suppress(Failed):
            stop(pod, workers, run, again=name)
        raise


def upload(pod: Pod, workers: int, name: str, code: tuple[str, bytes], variables: Mapping[str, str]) -> None:
    """The code and the variables of a launch onto every worker."""
    digest, packed = code
    own = pod.environment(workers)
    with tempfile.TemporaryDirectory(prefix="jaxdl-") as scratch:
        archive = Path(scratch, f"code-{digest}.tar.gz")
        archive.write_bytes(packed)

        def one(worker: int) -> None:
            file = Path(scratch, str(worker), f"env-{name}")
            file.parent.mkdir()
            file.touch(mode=0o600)
            file.write_text(environment.as_file({**variables, **own[worker]}))
            pod.copy(worker, [str(archive), str(file), str(HERE / "run_worker.sh")])
            told(pod, worker, ["bash", SCRIPT, "unpack", digest])

        everywhere(pod, workers, one)


def begin(pod: Pod, worker: int, run: str, name: str, digest: str, command: Sequence[str]) -> None:
    """Starts the command on one worker."""
    said = told(pod, worker, ["bash", SCRIPT, "start", run, name, digest, *command])
    if said[0] == "busy":
        other = " ".join(said[1:])
        raise Refused(f"{other} is running on worker {worker}: type `stop {pod.name} --run {shlex.quote(other)}` first")


def stop(pod: Pod, workers: int, run: str, grace: int = GRACE, again: str | None = None) -> list[list[str]]:
    """Ends the run on every worker; what each says of its accelerator, see run_worker.sh. Refused where none has it.

    again  it is to be started again: a babysitter must not take it for stopped by hand; a launch's name: only that
    """
    command = ["bash", SCRIPT, "stop", run, str(grace), *([] if again is None else ["again", again])]
    said = everywhere(pod, workers, lambda worker: told(pod, worker, command, 2 * grace + 60.0, "jaxdl free"))
    if again is None and all(words[0] == "none" for words in said):
        raise Refused(f"{pod.name} has no run {run}; there is: {' '.join(said[0][1:]) or 'none'}")
    return said


def log(pod: Pod, worker: int, run: str, lines: int) -> str:
    """The last lines of a run on one worker."""
    return pod.run(worker, asked(["log", run, str(lines)], "this worker is not set up")).out
