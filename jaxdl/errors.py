"""Errors for the person at the terminal. Each says what was given, what was expected and what to type instead."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

Choice = TypeVar("Choice")


class InputError(ValueError):
    """Something the user gave can't be used (exit code 2, one line, no traceback)."""


class Diverged(ArithmeticError):
    """The loss became NaN or infinite (exit code 3). The last good checkpoint stays."""


class Preempted(Exception):
    """SIGTERM or SIGINT arrived; the last finished step is saved (exit code 75)."""


class StorageError(OSError):
    """A checkpoint or a log could not be written (exit code 1). The earlier checkpoint stays."""


def chosen(kind: str, name: str, choices: Mapping[str, Choice]) -> Choice:
    """choices[name]. InputError names the closest of them, or all where none is close."""
    if name in choices:
        return choices[name]
    close = difflib.get_close_matches(name.lower(), choices, n=1)
    hint = f"did you mean {close[0]}?" if close else f"expected one of {', '.join(choices)}"
    raise InputError(f"unknown {kind} {name!r}: {hint}")
