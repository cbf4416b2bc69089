"""Commands as lists of words, run with a time limit, or only printed."""

import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

TIMED_OUT = 124


class Refused(Exception):
    """What was asked for can't be done like this (exit code 2): what is there, what to type."""


class NotReady(Refused):
    """The node is not there, or was lost just now."""


class Failed(Exception):
    """It went wrong, and may go right another time (exit code 1)."""


class Unreachable(Failed):
    """A worker or the API did not answer."""


@dataclass(frozen=True)
class Answer:
    """What a command left: TIMED_OUT where it had to be killed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """Runs commands; with `dry_run` it prints them instead, and answers what the caller says a good answer would be."""

    dry_run: bool = False

    def __call__(self, words: Sequence[str], timeout: float, pretend: str = "", cwd: str | None = None) -> Answer:
        if self.dry_run:
            print(f"(cd {shlex.quote(cwd)} && {shlex.join(words)})" if cwd else shlex.join(words))
            return Answer(0, pretend, "")
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                cwd=cwd,
                start_new_session=True,  # so that a hanging ssh dies together with the gcloud that started it
            )
        except FileNotFoundError as error:
            missing = {"gcloud": "install the Google Cloud CLI, or type --local 2x2"}.get(words[0], "expected it here")
            raise Refused(f"{error.filename}: not found; {missing}") from None
        try:
            out, err = process.communicate(timeout=timeout)
            return Answer(process.returncode, out, err)
        except subprocess.TimeoutExpired:
            return Answer(TIMED_OUT, "", f"no answer in {timeout:g} s")
        finally:
            if process.returncode is None:  # also where the person lost patience
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
