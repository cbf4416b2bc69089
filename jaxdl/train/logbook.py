"""The logbook of a run: metrics.jsonl for programs, a bar or lines for the person at the terminal, and TensorBoard."""

import importlib.util
import io
import json
import math
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxdl.train import processes
from jaxdl.train.workdir import finite, writing

SCHEMA = 1
_encode = json.JSONEncoder(allow_nan=False).encode  # json.dumps would build an encoder for each line


class Logbook:
    """Appends to `directory/metrics.jsonl`: a line {"schema": 1}, then a line for each step, evaluation and event.

    Each (step, set) stands there once, also across restarts: what an earlier process has written is not written again.
    Of several processes only the first writes. With steps in a run, `total`, it shows progress: a bar on a terminal,
    plain lines elsewhere.
    """

    def __init__(self, directory: Path, total: int, out: io.TextIOBase | None = None):
        self.path = directory / "metrics.jsonl" if processes.is_first() else Path(os.devnull)
        with writing(self.path):
            self.starts, self._last = _mend(self.path)
            self._file = open(self.path, "a", buffering=1 << 20)  # noqa: SIM115 (closed by __exit__)
        if self._file.tell() == 0:
            self._write({"schema": SCHEMA})
        self._tensorboard = _tensorboard(directory / "tensorboard") if processes.is_first() else None
        self._progress = Progress(total, out or sys.stdout)

    def __enter__(self) -> "Logbook":
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.end()
        with writing(self.path):
            self._file.close()
        if self._tensorboard:
            self._tensorboard.close()

    def start(self, step: int) -> None:
        """Notes that a process starts (or goes on) at this step."""
        self.starts += 1
        self._write({"step": step, "event": "start"})
        self.flush()

    def train(self, step: int, metrics: Mapping[str, float]) -> None:
        """The metrics of one training step."""
        if step > self._last.get("train", 0):
            self._last["train"] = step
            self._write({"step": step, "set": "train", **metrics})
        self._progress.train(step, metrics)

    def evaluation(self, step: int, scores: Mapping[str, Mapping[str, float]]) -> None:
        """The metrics of whole sets, {"dev": {"accuracy": …}}; everything so far goes to disk."""
        for name, metrics in scores.items():
            if step > self._last.get(name, -1):
                self._last[name] = step
                self._write({"step": step, "set": name, **metrics})
                if self._tensorboard:
                    for metric, value in metrics.items():
                        if not math.isfinite(value):
                            continue  # TensorBoard has no place for it
                        self._tensorboard.add_scalar(f"{name}/{metric}", value, step)
        self.flush()
        self._progress.evaluation(step, scores)

    def flush(self) -> None:
        """Puts the lines so far on disk. Called before a checkpoint, which must never know more than the log."""
        with writing(self.path):
            self._file.flush()

    def _write(self, line: dict[str, Any]) -> None:
        try:
            text = _encode(line)
        except ValueError:  # NaN is not JSON
            text = _encode(finite(line))
        with writing(self.path):  # the buffer is full from time to time
            self._file.write(text + "\n")


def _mend(path: Path) -> tuple[int, dict[str, int]]:
    """Cuts off a last line torn by a kill; counts the starts and finds the last step of each set in an earlier log."""
    if not path.exists():
        return 0, {}
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        with path.open("r+b") as file:
            file.truncate(len(whole))
    starts = 0
    last: dict[str, int] = {}
    for line in whole.splitlines():
        record = json.loads(line)
        starts += record.get("event") == "start"
        if "set" in record:
            last[record["set"]] = max(record["step"], last.get(record["set"], -1))
    return starts, last


def _tensorboard(directory: Path) -> Any:
    if importlib.util.find_spec("tensorboardX") is None:
        return None
    from tensorboardX import SummaryWriter

    return SummaryWriter(str(directory))


class Progress:
    """Loss, steps a second and time left: on a terminal a bar redrawn five times a second, else lines."""

    def __init__(self, total: int, out: Any):
        self.total, self.out = total, out
        self._bar = out.isatty()
        self._due = 0.0
        self._first: tuple[int, float] | None = (
            None  # the first step that was logged, and when: compiling does not count
        )
        self._loss: float | None = None  # where nothing was left to train

    def train(self, step: int, metrics: Mapping[str, float]) -> None:
        """Moves the bar."""
        self._loss = metrics["loss"]
        self._first = self._first or (step, time.monotonic())
        if self._bar and (now := time.monotonic()) > self._due:
            self._due = now + 0.2
            done = 24 * step // self.total
            self.out.write(f"\r[{'=' * done}{' ' * (24 - done)}] {self._line(step)}\033[K")
            self.out.flush()

    def evaluation(self, step: int, scores: Mapping[str, Mapping[str, float]]) -> None:
        """Prints a line that stays."""
        parts = [
            f"{name} {metric} {value:.4f}" for name, metrics in scores.items() for metric, value in metrics.items()
        ]
        self.end()
        self.out.write(f"{self._line(step)}  {'  '.join(parts)}\n")
        self.out.flush()

    def end(self) -> None:
        """Wipes the bar."""
        if self._bar:
            self.out.write("\r\033[K")
            self.out.flush()

    def _line(self, step: int) -> str:
        first, began = self._first or (step, time.monotonic())
        speed = (step - first) / max(time.monotonic() - began, 1e-9)
        pace = f"  {speed:.1f} steps/s  {(self.total - step) / speed:.0f} s left" if speed else ""
        loss = "" if self._loss is None else f"  loss {self._loss:.4f}"
        return f"step {step:>{len(str(self.total))}}/{self.total}{loss}{pace}"
