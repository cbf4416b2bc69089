"""The run directory: one holder at a time, and files that are whole or absent."""

import contextlib
import datetime
import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jaxdl.errors import InputError, StorageError
from jaxdl.train import processes

OURS = (
    "checkpoints",
    "damaged",
    "figures",
    "tensorboard",
    "profile",
    "metrics.jsonl",
    "config.json",
    "summary.json",
    "report.html",
)


@contextlib.contextmanager
def held(directory: Path) -> Iterator[Path]:
    """Creates the directory and holds its lock: raises InputError when it can't be written or another run holds it.

    The lock is the kernel's (`flock`), so that it goes with a killed process; the file's text only says who holds it.
    Of several processes that train together, the first holds it for all.
    """
    if not processes.is_first():
        yield directory
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = open(directory / "lock", "a+")  # noqa: SIM115 (held until the run ends)
    except OSError as error:
        raise InputError(
            f"the run directory {directory} can't be written ({error.strerror}): give another --workdir"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise InputError(
                f"the run directory {directory} is in use by {lock.read().strip() or 'another process'}: "
                "wait for it, stop it, or give another --workdir"
            ) from error
        lock.truncate(0)
        started = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        lock.write(f"pid {os.getpid()} on {socket.gethostname()}, started {started}\n")
        lock.flush()
        yield directory


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns whatever a failed write raises into a StorageError that names the path and the free bytes."""
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        reason = first_line(error, type(error).__name__)
        place = next(parent for parent in (path, *path.parents) if parent.exists())
        free = shutil.disk_usage(place).free
        raise StorageError(f"could not write {path}, where {free:,} bytes are free: {reason}") from error


def first_line(error: Exception, otherwise: str) -> str:
    """What an error says first, cut to a line."""
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else otherwise


def clear(directory: Path) -> None:
    """Removes what earlier runs left in a run directory, and nothing else (`--fresh`)."""
    for name in OURS:
        path = directory / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file that is whole at every moment."""
    partial = path.with_suffix(".partial")
    with writing(path):
        partial.write_text(json.dumps(value, indent=2) + "\n")
        os.replace(partial, path)
