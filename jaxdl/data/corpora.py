"""Texts by name: the bundled prose, or any prepared TFDS set, such as tiny_shakespeare, text8, lm1b, imdb_reviews.

Pairs of texts likewise: wmt14_translate/fr-en and others with the same sentence in two languages.
"""

import hashlib
import platform
from collections.abc import Iterator
from typing import Any

import numpy as np

from jaxdl.data import prose, sets
from jaxdl.data.prose import Prose
from jaxdl.data.source import Arrays
from jaxdl.data.split import check_fractions, split
from jaxdl.data.text import Pairs, Sequences, Vocabulary, pad, words
from jaxdl.errors import InputError


def load(
    name: str,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    seed: int = 0,
    characters: int = 10_000_000,
) -> Prose:
    """`prose`, or the `text` of a TFDS set: its train, validation and test split, a split that is missing cut off the
    end of train by `fractions`.

    characters  as many of each split at most, from its beginning

    InputError for an unknown or unprepared set, for one without text, and for a split without any.
    """
    if name == "prose":
        return prose.load(fractions, seed)
    check_fractions(fractions)
    builder = _with(name, "text")
    found = {part: _joined(builder, part, characters) for part in sets.splits_of(builder)}
    train, dev, test = found["train"], found.get("validation"), found.get("test")
    if test is None:
        train, test = _cut(train, fractions[2])
    if dev is None:
        train, dev = _cut(train, fractions[1] / (fractions[0] + fractions[1]))
    parts = {"train": train, "dev": dev, "test": test}
    for part, text in parts.items():
        if not text:
            raise InputError(f"data set {name!r} has no text for {part}")
    digest = hashlib.sha256("".join(parts.values()).encode()).hexdigest()
    by_topic = {part: {name: text} for part, text in parts.items()}
    return Prose(**by_topic, digest=digest, python=platform.python_version())


def labelled(name: str, limit: int = 200, vocabulary: int = 10_000, dev: float = 0.1, seed: int = 0) -> Sequences:
    """A TFDS set of texts with a `label`, such as imdb_reviews, as words: the first `limit` of each text.

    The vocabulary is of the most frequent words of train; `dev` is the share of it that becomes dev.
    InputError for an unknown or unprepared set, and for one that lacks texts, labels or a test split.
    """
    builder = _with(name, "text", "label")
    if "test" not in builder.info.splits:
        raise InputError(f"data set {name!r} has no test split: it has {', '.join(builder.info.splits)}")
    read = {part: list(_records(builder, part)) for part in ("train", "test")}
    label = {part: np.array([int(record["label"]) for record in rows], np.int32) for part, rows in read.items()}
    texts = {part: [words(_decoded(record)) for record in rows] for part, rows in read.items()}
    to_train, to_dev = split(label["train"], (1 - dev, dev), seed)
    known = Vocabulary.build([texts["train"][row] for row in to_train], size=vocabulary)
    sources = {}
    for part, rows in texts.items():
        tokens, length = pad([known.encode(row[:limit]) for row in rows], limit)
        sources[part] = Arrays({"tokens": tokens, "length": length, "label": label[part]})
    train = sources["train"]
    classes = tuple(builder.info.features["label"].names)
    return Sequences(train.select(to_train), train.select(to_dev), sources["test"], known, classes)


def translated(
    name: str, target: str, source: str = "en", size: int = 3000, limit: int = 24, vocabulary: int = 10_000
) -> Pairs:
    """A TFDS set of translations, by words in small letters: the first `size` sentences of train, and a third as many
    of validation and of test, but for those of more than `limit` words.

    The vocabulary is of the most frequent words of both languages in train; what it lacks is <UNK>, also in targets,
    but not in the references.
    InputError for an unknown or unprepared set, and for one that lacks a language, a split or such sentences.
    """
    builder = _with(name, source, target)
    counts = {"train": size, "validation": -(-size // 3), "test": -(-size // 3)}
    if missing := [part for part in counts if part not in builder.info.splits]:
        raise InputError(f"data set {name!r} has no {missing[0]} split: it has {', '.join(builder.info.splits)}")
    parts = [_sentences(builder, part, (source, target), count, limit) for part, count in counts.items()]
    return Pairs.build([[(one, (other,)) for one, other in rows] for rows in parts], words, size=vocabulary)


def _sentences(builder: Any, part: str, languages: tuple[str, str], count: int, limit: int) -> list[tuple[str, ...]]:
    """The first sentences of a split in both languages, less those that are empty or too long in one of them."""
    found: list[tuple[str, ...]] = []
    for record in _records(builder, part):
        pair = [words(_decoded(record, language).lower()) for language in languages]
        if all(1 <= len(sentence) <= limit for sentence in pair):
            found.append(tuple(" ".join(sentence) for sentence in pair))
        if len(found) == count:
            break
    if not found:
        raise InputError(f"data set {builder.name!r} has no sentence of up to {limit} words in {part}: raise the limit")
    return found


def _with(name: str, *features: str) -> Any:
    """The builder of a set that has these features."""
    builder = sets.find(name)
    if not set(features) <= set(builder.info.features):
        raise InputError(f"data set {name!r} has {', '.join(builder.info.features)}, not {' and '.join(features)}")
    return builder


def _records(builder: Any, part: str) -> Iterator[dict[str, Any]]:
    source = builder.as_data_source(part)
    return (source[row] for row in range(len(source)))


def _decoded(record: dict[str, Any], feature: str = "text") -> str:
    text = record[feature]
    return text.decode("utf-8", errors="replace") if isinstance(text, bytes) else str(text)


def _joined(builder: Any, part: str, characters: int) -> str:
    """The texts of a split, a line break between them, as far as the limit."""
    pieces, size = [], 0
    for record in _records(builder, part):
        pieces.append(_decoded(record))
        size += len(pieces[-1]) + 1
        if size > characters:
            break
    return "\n".join(pieces)[:characters]


def _cut(text: str, share: float) -> tuple[str, str]:
    """(the beginning, the last `share`)."""
    place = round((1 - share) * len(text))
    return text[:place], text[place:]
