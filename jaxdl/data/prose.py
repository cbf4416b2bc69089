"""Real English that needs no download: the topic texts of Python's own documentation, as the interpreter carries them.

What `help("if")` prints. It differs a little between Python versions, so a score on it goes with `python` and `digest`.
"""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass

from jaxdl.data.split import check_fractions
from jaxdl.errors import InputError


@dataclass(frozen=True)
class Prose:
    """Texts by topic, train, dev and test.

    digest  sha256 of all texts, in the order of their topics
    python  the version of the interpreter they come from
    """

    train: dict[str, str]
    dev: dict[str, str]
    test: dict[str, str]
    digest: str
    python: str


def load(fractions: tuple[float, float, float] = (0.8, 0.1, 0.1), seed: int = 0) -> Prose:
    """The topic texts of the running interpreter, each topic whole in one part: see `divided`.

    Raises InputError for fractions that are negative or don't sum to 1, and a Python without its topics.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise InputError("this Python lacks pydoc_data.topics: install its whole standard library") from error
    return divided(topics, fractions, seed)


def divided(topics: Mapping[str, str], fractions: tuple[float, float, float], seed: int = 0) -> Prose:
    """Texts by topic as train, dev and test of about these shares of the characters.

    A topic that repeats a longer one (as `if` repeats a part of `compound`) is left out, or what is tested on would
    have been trained on. In the order of the hash of (seed, name), not of the mapping, each topic goes to test or dev
    if it still has room for it, else to train.
    Raises InputError for no topics and for fractions that can't be met.
    """
    check_fractions(fractions)
    texts = _without_repeats(topics)
    if not texts:
        raise InputError("no topics: expected at least one text that is not empty")
    length = sum(map(len, texts.values()))
    parts: dict[str, dict[str, str]] = {"test": {}, "dev": {}, "train": {}}
    room = dict(zip(parts, (fractions[2] * length, fractions[1] * length, length), strict=True))
    for name in sorted(texts, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest()):
        part = next(part for part, left in room.items() if len(texts[name]) <= left)
        parts[part][name] = texts[name]
        room[part] -= len(texts[name])
    digest = hashlib.sha256("".join(texts.values()).encode()).hexdigest()
    return Prose(**parts, digest=digest, python=platform.python_version())


def _without_repeats(topics: Mapping[str, str]) -> dict[str, str]:
    """The topics by name, less those of whose long lines a longer topic has half."""
    lines = {name: {line.strip() for line in text.splitlines() if len(line) > 50} for name, text in topics.items()}
    longest_first = sorted(
        (name for name in topics if topics[name].strip()), key=lambda name: (-len(topics[name]), name)
    )
    kept: list[str] = []
    for name in longest_first:
        if not any(2 * len(lines[name] & lines[other]) >= len(lines[name]) > 0 for other in kept):
            kept.append(name)
    return {name: topics[name] for name in sorted(kept)}
