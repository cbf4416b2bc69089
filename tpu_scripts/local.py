"""A pod on this machine: a directory for each worker, forced CPU devices, and the same scripts that run on a VM."""

import json
import os
import re
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cloud import ABSENT, Node, Queue
from shell import Answer, Failed, NotReady, Refused, Shell


def home() -> Path:
    """Where this machine's pods live."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "jaxdl", "pods")


def shape(text: str) -> tuple[int, int]:
    """(processes, devices of each) from PxD."""
    if not (found := re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)):
        raise Refused(f"--local {text}: expected PROCESSESxDEVICES, such as 2x2")
    return int(found[1]), int(found[2])


@dataclass(frozen=True)
class Local:
    """P processes of D CPU devices each; the working directory's runs/ is the storage that they share."""

    name: str
    shell: Shell
    processes: int
    devices: int

    @property
    def directory(self) -> Path:
        return home() / self.name

    def queue(self) -> Queue:
        return Queue(self.node().state.replace("READY", "ACTIVE"))

    def node(self) -> Node:
        if self.shell.dry_run:
            return Node("READY", self.processes)
        try:
            pod = json.loads((self.directory / "pod.json").read_text())
        except FileNotFoundError:
            return Node(ABSENT)
        if pod != [self.processes, self.devices]:
            raise Refused(f"{self.name} is {pod[0]}x{pod[1]}: type --local {pod[0]}x{pod[1]}, or delete it first")
        return Node("READY", self.processes)

    def create(self) -> None:
        """What setup_worker.sh does on a VM: this Python stands in for the workers' own."""
        for worker in range(self.processes):
            root = self.directory / f"worker-{worker}" / "jaxdl"
            words = ["mkdir", "-p", *(str(root / part) for part in ("code", "jobs"))]
            self._done(words)
            for link, target in (("venv", sys.prefix), ("shared", os.getcwd())):
                self._done(["ln", "-sfn", target, str(root / link)])
            self._done(["cp", str(Path(__file__).parent / "run_worker.sh"), str(root)])
            self._done(["cp", "-f", "/proc/sys/kernel/random/boot_id", str(root / "ready")])
        if not self.shell.dry_run:
            (self.directory / "pod.json").write_text(json.dumps([self.processes, self.devices]))

    def delete(self) -> None:
        """Stops what runs and forgets the pod; what the runs wrote lies in the working directory and stays."""
        script = "jaxdl/run_worker.sh"
        if self.node().state == "READY":
            for worker in range(self.processes):
                self.run(worker, f"test ! -e {script} || bash {script} stop_all 5")
            self._done(["rm", "-r", str(self.directory)])

    def run(self, worker: int, command: str, timeout: float = 60.0) -> Answer:
        root = self.directory / f"worker-{worker}"
        if not (self.shell.dry_run or root.is_dir()):
            raise NotReady(f"there is no worker {worker} of {self.name} on this machine; `launch` makes them")
        return self._done(["bash", "-c", command], timeout, str(root))

    def copy(self, worker: int, paths: Sequence[str]) -> None:
        self._done(["cp", *paths, str(self.directory / f"worker-{worker}" / "jaxdl/")])

    def environment(self, workers: int) -> list[dict[str, str]]:
        """How each process finds the others, and its devices."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = 0 if self.shell.dry_run else free.getsockname()[1]
        everyone = {
            "JAXDL_COORDINATOR": f"127.0.0.1:{port}",
            "JAXDL_PROCESS_COUNT": str(workers),
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={self.devices}",
        }
        return [{**everyone, "JAXDL_PROCESS_ID": str(worker)} for worker in range(workers)]

    def _done(self, words: list[str], timeout: float = 60.0, cwd: str | None = None) -> Answer:
        answer = self.shell(words, timeout, cwd=cwd)
        if answer.code:
            raise Failed(f"{words[0]} ended with {answer.code}: {answer.err.strip()}")
        return answer
