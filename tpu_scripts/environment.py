"""Variables for the workers: their values travel in a file, never on a command line and never into a log."""

import re
import shlex
from collections.abc import Mapping, Sequence

from shell import Refused

SECRET = re.compile(
    r"SECRET|TOKEN(?!IZ)|PASSW|PASSPHRASE|(^|_|PG)PASS($|_)|_PWD$|CREDENTIAL|PRIVATE|AUTH|APIKEY|(^|_)KEY($|_)",
    re.IGNORECASE,
)
READONLY = ("BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID")  # bash's: no file can set them
SHORTEST = 8  # a value shorter than this stands in too many innocent words to be looked for


def secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that look like secrets, by their names."""
    return {name: value for name, value in environment.items() if SECRET.search(name) and len(value) >= SHORTEST}


def chosen(flags: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """--env NAME (its value here) and --env NAME=VALUE as a dictionary. Refused for what can't be meant."""
    found = {}
    for flag in flags:
        name, given, value = flag.partition("=")
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            raise Refused(f"--env {name!r}: expected NAME or NAME=VALUE")
        if name in READONLY:
            raise Refused(f"--env {name}: bash keeps that for itself; expected another name")
        if given and SECRET.search(name):
            raise Refused(
                f"--env {name}=…: a secret's value has no place on a command line; export it, type --env {name}"
            )
        if not given and name not in environment:
            raise Refused(f"--env {name}: not set here; export it, or type --env {name}=VALUE")
        found[name] = value if given else environment[name]
    return found


def check_words(words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Refused where a secret's value stands in the command."""
    for name, value in secrets(environment).items():
        if any(value in word for word in words):
            raise Refused(f"the value of {name} stands in the command; type --env {name} and let the program read it")


def as_file(variables: Mapping[str, str]) -> str:
    """What `.` of a shell reads back as the same variables."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def masked(text: str, environment: Mapping[str, str]) -> str:
    """The text, with *** in place of every secret's value, and of each of its lines: a tail may begin within it."""
    lines = {line for value in secrets(environment).values() for line in [value, *value.splitlines()]}
    for line in sorted(lines, key=len, reverse=True):  # one secret may begin with another
        if len(line) >= SHORTEST:
            text = text.replace(line, "***")
    return text
