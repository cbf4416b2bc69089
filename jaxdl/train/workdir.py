"""The run directory: one holder at a time, and files that are whole or absent."""

import contextlib
import datetime
import errno
import fcntl
import json
import math
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from io import FileIO
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


FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def held(directory: Path, experiment: str | None = None, fresh: bool = False) -> Iterator[Path]:
    """Creates the directory and holds its lock. With `fresh` it is cleared of what earlier runs left.

    InputError when it can't be written, when another run holds it, when what lies in it is of another experiment, and
    with `fresh` when no run has left that. StorageError when the disk is full.

    The lock is the kernel's (`flock`), so that it goes with a killed process; the file's text only says who holds it.
    Of several processes that train together, the first holds it for all.
    """
    if not processes.is_first():
        yield directory
        return
    with _locked(directory, fresh) as lock:
        started = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        with writing(directory):
            lock.truncate(0)
            lock.write(f"pid {os.getpid()} on {socket.gethostname()}, started {started}\n".encode())
        if fresh:
            clear(directory)
        _refuse_another(directory, experiment)
        yield directory


@contextlib.contextmanager
def _locked(directory: Path, fresh: bool) -> Iterator[FileIO]:
    """The lock file of a directory, made where there is none, while this process has the lock."""
    try:
        if fresh and not (directory / "lock").exists() and (there := [x for x in OURS if (directory / x).exists()]):
            raise InputError(
                f"--fresh would remove {', '.join(there)} from {directory}, where no run was: give another --workdir"
            )
        directory.mkdir(parents=True, exist_ok=True)
        lock = open(directory / "lock", "a+b", buffering=0)  # noqa: SIM115 (held until the run ends)
    except OSError as error:
        if error.errno in FULL:
            with writing(directory):
                raise
        raise InputError(
            f"the run directory {directory} can't be written ({error.strerror}): give another --workdir"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise InputError(
                f"the run directory {directory} is in use by {lock.read().decode().strip() or 'another process'}: "
                "wait for it, stop it, or give another --workdir"
            ) from error
        except OSError as error:  # a network's file system without locks
            raise InputError(
                f"the run directory {directory} can't be locked ({error.strerror}): give another --workdir"
            ) from error
        yield lock


def _refuse_another(directory: Path, experiment: str | None) -> None:
    """InputError where the directory is of a run of another experiment, whose files would be lost."""
    other = read_json(directory / "config.json").get("experiment")
    if experiment and other and other != experiment:
        raise InputError(
            f"the run directory {directory} is of {other}, not of {experiment}: give another --workdir, or --fresh to "
            "clear it"
        )


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
    """Writes a JSON file, as `write_text` does."""
    write_text(path, json.dumps(finite(value), indent=2, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a file that is whole at every moment."""
    partial = path.with_suffix(".partial")
    with writing(path):
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` wrote of a mapping; {} where there is no such file, or it holds something else."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def finite(value: Any) -> Any:
    """The value with None in the place of every NaN and infinity, which are not JSON."""
    if isinstance(value, Mapping):
        return {name: finite(of) for name, of in value.items()}
    if isinstance(value, list | tuple):
        return [finite(of) for of in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
