"""What a configuration calls a layer's part, looked up."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

from jaxdl.errors import InputError

Part = TypeVar("Part")


def chosen(kind: str, name: str, choices: Mapping[str, Part]) -> Part:
    """choices[name]. InputError names the closest of them, or all where none is close."""
    if name in choices:
        return choices[name]
    close = difflib.get_close_matches(name.lower(), choices, n=1)
    hint = f"did you mean {close[0]}?" if close else f"expected one of {', '.join(choices)}"
    raise InputError(f"unknown {kind} {name!r}: {hint}")
