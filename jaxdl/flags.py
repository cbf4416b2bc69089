"""A dataclass from a command line: `tyro` reads it, and what is wrong is said in one line."""

import contextlib
import dataclasses
import difflib
import io
import itertools
import re
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tyro

from jaxdl.errors import InputError


def parse(kind: type, argv: Sequence[str], program: str, description: str = "", default: Any = None) -> Any:
    """An instance of the dataclass `kind`, from `default` if there is one, changed by the flags.

    Raises InputError, with a suggestion, for anything wrong in argv.
    """

    def cli(args: Sequence[str]) -> tuple[Any, list[str]]:
        return tyro.cli(
            kind,
            args=list(args),
            prog=f"python -m {program}",
            description=description,
            default=default,
            return_unknown_args=True,
            config=(tyro.conf.FlagCreatePairsOff,),
        )

    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            value, unknown = cli(argv)
    except SystemExit as stopped:
        if not stopped.code:
            raise  # --help
        raise InputError(_first_paragraph(told.getvalue())) from None
    if unknown:
        close = difflib.get_close_matches(unknown[0].split("=")[0].replace("_", "-"), _flags(cli), 1, 0.5)
        raise InputError(f"unknown argument {unknown[0]}: {f'did you mean {close[0]}?' if close else 'see --help'}")
    return value


def from_plain(kind: Any, value: Any) -> Any:
    """A value of this type from what JSON made of it: `config.json` back into the dataclass that it was.

    Raises InputError for fields that the dataclass has no more.
    """
    if typing.get_origin(kind) is typing.Annotated:
        return from_plain(typing.get_args(kind)[0], value)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        if unknown := value.keys() - hints.keys():
            raise InputError(
                f"{getattr(kind, '__name__', kind)} has no {', '.join(sorted(unknown))}: an older version?"
            )
        return typing.cast(Any, kind)(**{name: from_plain(hints[name], of) for name, of in value.items()})
    if value is None:
        return None
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return from_plain(next(one for one in typing.get_args(kind) if one is not type(None)), value)
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)
        kinds = [inner[0]] * len(value) if inner[1:] == (...,) else inner
        return tuple(map(from_plain, kinds, value))
    return Path(value) if kind is Path else value


def _first_paragraph(box: str) -> str:
    """What tyro says first under its title. It draws the box with lines, or on a plain terminal with dashes."""
    lines = [line.strip("│ ") for line in box.splitlines()[1:]]
    paragraphs = itertools.groupby(lines, key=lambda line: not line.strip("─-╰╯"))
    said = next((list(group) for is_rule, group in paragraphs if not is_rule), [])
    return " ".join(said).removeprefix("Error parsing ")


def _flags(cli: Any) -> list[str]:
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.suppress(SystemExit):
        cli(["--help"])
    return re.findall(r"--[a-z][\w.-]*", told.getvalue())
