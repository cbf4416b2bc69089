"""Keeps killing and resuming a small training, and compares how each ends with one that nobody disturbed.

    python -m tests.torture --minutes 10 [--seed 0] [--processes 1|2]

A trial is one disturbance at a random moment: kill −9, SIGTERM, a stopped process, a flipped bit or a cut in the newest
checkpoint, a full disk. After ten of them the training may end, and the digest of its state, its log and its exit
code must be those of the undisturbed run. With --processes 2 a disturbance strikes one of two processes of two devices.
Prints a line for each training and the counts; exit code 1 where one diverged. Linux only, for the full disk.
"""

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

TINY = Path(__file__).parent / "reliability" / "tiny.py"
FLAGS = ("--size", "8", "--steps", "400", "--checkpoint-every", "20")
TRIALS = 10
PATIENCE = 240  # seconds after which a process that has not ended counts as hung
EVENTS = {"kill": 4, "term": 3, "pause": 1, "flip": 2, "cut": 2, "full disk": 1}
ALLOWED = {"kill": {0, -9, -6, 1}, "term": {0, 75, -6, 1, -15}, "pause": {0, -6, 1}}
"""How processes may end after it. −6 is a peer's end by the heartbeat, −15 a SIGTERM before Python has begun."""


class Training:
    """A run directory, and the command that trains in it."""

    def __init__(self, directory: Path, processes: int):
        self.directory, self.processes = directory, processes

    def start(self, pause: float = 0.0, workdir: Path | None = None, prefix: tuple[str, ...] = ()) -> list:
        """Its processes. `pause` slows each batch down, so that there is time to disturb."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        command = [*prefix, sys.executable, str(TINY), "--workdir", str(workdir or self.directory), *FLAGS]
        started = []
        for process in range(self.processes):
            told = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={self.processes}", "PAUSE": str(pause)}
            if self.processes > 1:
                told |= {"JAXDL_COORDINATOR": address, "JAXDL_PROCESS_ID": str(process)}
                told |= {"JAXDL_PROCESS_COUNT": str(self.processes)}
            variables = {**os.environ, **told, "JAX_PLATFORMS": "cpu"}
            with open(self.directory.with_suffix(f".{process}.log"), "a") as out:
                started.append(subprocess.Popen(command, stdout=out, stderr=out, env=variables))
        return started

    def ended(self, processes: list) -> list[int]:
        """Exit codes. Raises TimeoutError where one hangs."""
        until = time.monotonic() + PATIENCE
        try:
            return [process.wait(max(1, until - time.monotonic())) for process in processes]
        except subprocess.TimeoutExpired:
            for process in processes:
                process.kill()
            raise TimeoutError(f"{self.directory} hung") from None

    @property
    def checkpoints(self) -> list[Path]:
        """Newest first."""
        found = [p for p in self.directory.glob("checkpoints/*") if p.name.isdecimal()]
        return sorted(found, key=lambda p: int(p.name), reverse=True)

    def outcome(self) -> tuple[str, list[int]]:
        """(digest of the last state, the training steps in the log)."""
        summary = json.loads((self.directory / "summary.json").read_text())
        log = [json.loads(line) for line in (self.directory / "metrics.jsonl").read_text().splitlines()]
        return summary["state_digest"], [line["step"] for line in log if line.get("set") == "train"]


def disturb(training: Training, event: str, chance: random.Random) -> None:
    """One trial. Raises AssertionError for an end that is not allowed."""
    if event in ("flip", "cut"):
        damage(training, event, chance)
        return
    if event == "full disk":
        fill(training, chance)
        return
    processes = training.start(pause=0.02)
    time.sleep(chance.uniform(0.0, 8.0 if training.processes == 1 else 14.0))
    victim = chance.choice(processes)
    if event == "kill":
        victim.kill()
    elif event == "term":
        victim.terminate()
    elif victim.poll() is None:
        victim.send_signal(signal.SIGSTOP)
        time.sleep(chance.uniform(0.5, 3.0) if training.processes == 1 else chance.uniform(0.5, 20.0))
        victim.send_signal(signal.SIGCONT)
    codes = training.ended(processes)
    assert set(codes) <= ALLOWED[event], f"after {event}: exit codes {codes}"


def damage(training: Training, event: str, chance: random.Random) -> None:
    """A flipped bit or a cut in a random file of the newest of several checkpoints; the last one left is spared."""
    if len(training.checkpoints) < 2:
        disturb(training, "kill", chance)
        return
    files = [p for p in training.checkpoints[0].rglob("*") if p.is_file() and p.stat().st_size]
    path = chance.choice(files)
    data = bytearray(path.read_bytes())
    place = chance.randrange(len(data))
    if event == "flip":
        data[place] ^= 1 << chance.randrange(8)
    path.write_bytes(data if event == "flip" else data[:place])
    disturb(training, "term", chance)


def fill(training: Training, chance: random.Random) -> None:
    """The run directory on a disk of a few hundred free kilobytes; what came of it is what goes on."""
    if training.processes > 1 or not training.directory.exists():
        disturb(training, "kill", chance)
        return
    disk = training.directory.with_suffix(".disk")
    disk.mkdir(exist_ok=True)
    run, used = training.directory, sum(p.stat().st_size + 4096 for p in training.directory.rglob("*") if p.is_file())
    script = (
        f"mount -t tmpfs -o size={used // 1024 + chance.randrange(50, 800)}k tmpfs {disk} && "
        f'cp -a {run}/. {disk}/ && "$@"; code=$?; '
        f"rm -rf {run} && cp -a {disk}/. {run}/ && rm -f {run}/lock; exit $code"
    )
    codes = training.ended(training.start(workdir=disk, prefix=("unshare", "-Urm", "sh", "-c", script, "sh")))
    assert set(codes) <= {0, 1, 2}, f"after a full disk: exit codes {codes}"


def trial_run(place: Path, processes: int, chance: random.Random, expected: tuple, until: float) -> Counter:
    """A training disturbed ten times and then let go on. The events, and "divergence" where it ended otherwise."""
    training = Training(place, processes)
    events = Counter[str]()
    try:
        for _ in range(TRIALS):
            if time.monotonic() > until:
                break
            event = chance.choices([*EVENTS], [*EVENTS.values()])[0]
            disturb(training, event, chance)
            events[event] += 1
        codes = training.ended(training.start())
        assert codes == [0] * processes, f"at the end: exit codes {codes}"
        assert training.outcome() == expected, "the end is another"
    except (AssertionError, TimeoutError, OSError, ValueError) as error:
        events["divergence"] += 1
        print(f"{place}: {error!r}; its logs are beside it", flush=True)
    else:
        shutil.rmtree(place)
    print(f"{place.name}: {sum(events.values())} trials, {dict(events)}", flush=True)
    return events


def main() -> int:
    """Tortures for some minutes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, choices=(1, 2), default=1)
    given = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="torture"))
    reference = Training(place / "undisturbed", given.processes)
    codes = reference.ended(reference.start())
    assert codes == [0] * given.processes, f"undisturbed: exit codes {codes}; see {place}"
    expected, events = reference.outcome(), Counter[str]()
    chance, until, number = random.Random(given.seed), time.monotonic() + 60 * given.minutes, 0
    while time.monotonic() < until:
        events += trial_run(place / f"run{number}", given.processes, chance, expected, until)
        number += 1
    divergences = events.pop("divergence", 0)
    print(f"{sum(events.values())} trials in {number} trainings, {dict(events)}: {divergences} divergences")
    return 1 if divergences else 0


if __name__ == "__main__":
    sys.exit(main())
