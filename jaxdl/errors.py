"""Errors for the person at the terminal. Each says what was given, what was expected and what to type instead."""


class InputError(ValueError):
    """Something the user gave can't be used (exit code 2, one line, no traceback)."""


class Diverged(ArithmeticError):
    """The loss became NaN or infinite (exit code 3). The last good checkpoint stays."""


class Preempted(Exception):
    """SIGTERM or SIGINT arrived; the last finished step is saved (exit code 75)."""


class StorageError(OSError):
    """A checkpoint or a log could not be written (exit code 1). The earlier checkpoint stays."""
