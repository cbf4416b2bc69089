"""A pod of Cloud TPU VMs: gcloud's commands (generally available flags only), and what their answers mean."""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shell import TIMED_OUT, Answer, Failed, Refused, Shell, Unreachable

VERSIONS = {
    "v2": "tpu-ubuntu2204-base",
    "v3": "tpu-ubuntu2204-base",
    "v4": "tpu-ubuntu2204-base",
    "v5litepod": "v2-alpha-tpuv5-lite",
    "v5p": "v2-alpha-tpuv5",
    "v6e": "v2-alpha-tpuv6e",
}
ABSENT = "ABSENT"
ATTEMPTS = 3  # of an ssh or scp
TPUS = ("gcloud", "compute", "tpus")


class OutOfQuota(Refused):
    """Asking again won't help."""


class AlreadyThere(Refused):
    """Made before."""


class StockOut(Failed):
    """Nothing free just now."""


@dataclass(frozen=True)
class Node:
    """A node's state, as the API calls it, and the number of its VMs, as the API lists them."""

    state: str
    workers: int = 0


@dataclass(frozen=True)
class Queue:
    """A queued resource's state, as the API calls it, and why it failed; STOCKOUT: it did as nothing was free."""

    state: str
    why: str = ""


def version_for(accelerator: str) -> str:
    """The VM image of an accelerator type. Refused for one that has none here."""
    kind = accelerator.split("-")[0]
    if kind not in VERSIONS or "-" not in accelerator:
        raise Refused(
            f"--type {accelerator}: expected {', '.join(VERSIONS)}, a dash and a size, such as v5litepod-16 "
            "(TPU7x is to be had through GKE only)"
        )
    return VERSIONS[kind]


def error(answer: Answer) -> Exception:
    """What went wrong, by gcloud's words: a quota, a stock-out and too many requests are all RESOURCE_EXHAUSTED."""
    words = answer.err.strip()
    last = next((line for line in words.splitlines() if "ERROR" in line), words.splitlines()[-1] if words else "")
    low = words.lower()
    if "per minute" in low:
        return Unreachable(last)
    if "quota" in low:
        return OutOfQuota(f"no quota: {last}")
    if "no more capacity" in low or "stockout" in low or "resource_exhausted" in low:
        return StockOut(f"nothing free: {last}")
    if "already_exists" in low or "already exists" in low:
        return AlreadyThere(f"it is there already: {last}; delete it first")
    if any(sign in low for sign in ("invalid", "permission", "unrecognized arguments", "credentials", "must be spec")):
        return Refused(last)
    return Unreachable(last or f"gcloud ended with {answer.code}")


def is_missing(answer: Answer) -> bool:
    return answer.code != 0 and "NOT_FOUND" in answer.err


@dataclass
class Cloud:
    """One queued resource and its node, both called `name`."""

    name: str
    shell: Shell
    accelerator: str = ""
    version: str = ""
    spot: bool = False
    zone: str = ""
    project: str = ""
    timeout: float = 120.0
    """Seconds for an ssh. gcloud itself tries for 50 s to get through."""
    pause: float = 5.0
    """Seconds between attempts."""
    greeted: bool = False
    greeting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def place(self) -> list[str]:
        flags = {"--zone": self.zone, "--project": self.project}
        return [f"{flag}={value}" for flag, value in flags.items() if value] + ["--quiet"]

    def queue(self) -> Queue:
        """The queued resource's state. OutOfQuota where it failed of that."""
        words = [*TPUS, "queued-resources", "describe", self.name, *self.place, "--format=json"]
        found = self._asked(words, '{"state": {"state": "ACTIVE"}}')
        state: dict[str, Any] = {"state": ABSENT} if found is None else found.get("state", {})
        reason = state.get("failedData", {}).get("error", {}).get("message", "")
        kind = error(Answer(1, "", reason))
        if isinstance(kind, OutOfQuota):
            raise kind
        return Queue("STOCKOUT" if isinstance(kind, StockOut) else str(state.get("state", "STATE_UNSPECIFIED")), reason)

    def node(self) -> Node:
        """The node's state and its number of VMs: a VM has an endpoint for each of its networks."""
        words = [*TPUS, "tpu-vm", "describe", self.name, *self.place, "--format=json"]
        found = self._asked(words, '{"state": "READY", "networkEndpoints": [{}]}')
        if found is None:
            return Node(ABSENT)
        networks = max(1, len(found.get("networkConfigs", [])))
        return Node(str(found.get("state", "STATE_UNSPECIFIED")), len(found.get("networkEndpoints", [])) // networks)

    def create(self) -> None:
        kind = [f"--accelerator-type={self.accelerator}"]
        kind += [f"--runtime-version={self.version or version_for(self.accelerator)}"]
        words = [*TPUS, "queued-resources", "create", self.name, f"--node-id={self.name}", *kind]
        self._done([*words, *(["--spot"] if self.spot else []), *self.place])

    def delete(self) -> None:
        """Deletes the queued resource with its node, or a node that has none. What is not there is deleted."""
        queued = self.shell([*TPUS, "queued-resources", "delete", self.name, "--force", *self.place], 900)
        if is_missing(queued):
            queued = self.shell([*TPUS, "tpu-vm", "delete", self.name, *self.place], 900)
        if queued.code and not is_missing(queued):
            raise error(queued)

    def run(self, worker: int, command: str, timeout: float = 0.0) -> Answer:
        """What a shell on the worker answers. Unreachable after three attempts.

        The command's own failure must leave code 0 and say so in words: any other code counts as ssh's.
        """
        words = [*TPUS, "tpu-vm", "ssh", self.name, f"--worker={worker}", *self.place, f"--command={command}"]
        return self._reached(words, worker, timeout or self.timeout)

    def copy(self, worker: int, paths: Sequence[str]) -> None:
        """Files into the worker's directory jaxdl. Unreachable after three attempts."""
        words = [*TPUS, "tpu-vm", "scp", *paths, f"{self.name}:jaxdl/", f"--worker={worker}", *self.place]
        self._reached(words, worker, self.timeout)

    def environment(self, workers: int) -> list[dict[str, str]]:
        """jax finds the other hosts of a TPU pod by itself."""
        return [{} for _ in range(workers)]

    def _reached(self, words: list[str], worker: int, timeout: float) -> Answer:
        if self.greeted:
            return self._attempts(words, worker, timeout)
        with self.greeting:  # gcloud's first ssh makes a key and spreads it: several at once undo each other's work
            if not self.greeted:
                return self._attempts(words, worker, timeout)
        return self._attempts(words, worker, timeout)

    def _attempts(self, words: list[str], worker: int, timeout: float) -> Answer:
        for attempt in range(ATTEMPTS):
            time.sleep(self.pause * attempt)
            answer = self.shell(words, timeout)
            if answer.code == 0:
                self.greeted = True
                return answer
            if answer.code == TIMED_OUT:
                break  # gcloud has tried for long enough
        said = (answer.err.strip() or answer.out.strip() or "nothing").splitlines()[-1]
        raise Unreachable(f"worker {worker} of {self.name} does not answer (exit code {answer.code}): {said}")

    def _asked(self, words: list[str], pretend: str) -> dict[str, Any] | None:
        """The JSON of a description, None for what is not there."""
        answer = self.shell(words, self.timeout, pretend)
        if is_missing(answer):
            return None
        if answer.code:
            raise error(answer)
        return json.loads(answer.out)

    def _done(self, words: list[str]) -> None:
        answer = self.shell(words, 900)
        if answer.code:
            raise error(answer)
