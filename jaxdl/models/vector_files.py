"""Word vectors as text files, one word a line, in GloVe's form and in word2vec's.

    GloVe      word v₁ … v_D
    word2vec   a first line `V D`, then the same

UTF-8. A word may hold spaces, as in a published file, if what follows its last space is not a number.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxdl.errors import InputError, StorageError


class WordVectors(NamedTuple):
    """Row i of `vectors`, float32, is the vector of words[i]."""

    words: tuple[str, ...]
    vectors: Float[np.ndarray, "words dimension"]


def read_glove(path: Path) -> WordVectors:
    """Reads GloVe's form; the first line says how many numbers a word has.

    InputError, with file and line, for a line of another dimension, what is not a finite number, a word that has
    occurred before, and an empty file.
    """
    lines = _lines(path)
    if not lines:
        raise InputError(f"{path} is empty: expected a line `word v₁ … v_D` for each word")
    dimension = lines[0].count(" ")
    header = lines[0].split(" ")
    if len(lines) > 1 and dimension == 1 and all(map(_is_count, header)) and lines[1].count(" ") != 1:
        raise InputError(f"{path}, line 1: {lines[0]!r} looks like word2vec's header; use read_word2vec")
    return _parsed(path, lines, dimension, first=1)


def read_word2vec(path: Path) -> WordVectors:
    """Reads word2vec's text form. InputError as of `read_glove`, and where the header is not what follows."""
    lines = _lines(path)
    header = lines[0].split(" ") if lines else []
    if len(header) != 2 or not all(map(_is_count, header)):
        found = f"{lines[0][:60]!r}" if lines else "nothing"
        raise InputError(f"{path}, line 1: {found}, expected the header `V D`; a file without one is for read_glove")
    words, dimension = map(int, header)
    if len(lines) - 1 != words or not words:
        raise InputError(f"{path}: {len(lines) - 1} words, expected {words}, as line 1 says, and at least 1")
    return _parsed(path, lines[1:], dimension, first=2)


def write_glove(path: Path, words: Sequence[str], vectors: Float[np.ndarray, "words dimension"]) -> None:
    """Writes GloVe's form; what `read_glove` then returns is bit-equal in float32.

    InputError for a word that can't be read again, for one that occurs twice and for a value that is not finite;
    StorageError where the disk won't take it. The first word, whose line tells the dimension, can hold no space.
    """
    if len(words) and " " in words[0] and _is_word(words[0]):
        raise InputError(f"the word {words[0]!r} can't come first: expected one without a space, or write_word2vec")
    _write(path, _written(words, vectors))


def write_word2vec(path: Path, words: Sequence[str], vectors: Float[np.ndarray, "words dimension"]) -> None:
    """Writes word2vec's text form; errors as of `write_glove`."""
    _write(path, [f"{len(words)} {vectors.shape[1]}\n", *_written(words, vectors)])


def _lines(path: Path) -> list[str]:
    """The lines of a file, which only line feeds end: words may hold what Unicode calls a line separator."""
    try:
        text = Path(path).read_bytes().decode()
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}: expected UTF-8 text; is it word2vec's binary form?") from None
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line.rstrip(" \r") for line in lines]


def _parsed(path: Path, lines: Sequence[str], dimension: int, first: int) -> WordVectors:
    """The words and vectors of lines numbered from `first`."""
    where: dict[str, int] = {}
    # No wider than the first line: a header may claim what no memory holds.
    vectors = np.empty((len(lines), min(dimension, lines[0].count(" "))), np.float32)
    for row, line in enumerate(lines):
        at = f"{path}, line {first + row}"
        word, *values = line.rsplit(" ", dimension)
        if len(values) != dimension or not dimension or not _is_word(word):
            raise InputError(f"{at}: {line.count(' ')} numbers after the word, expected {max(dimension, 1)}")
        if "_" in line[len(word) :]:  # which Python's numbers may hold, and no others
            value = next(value for value in values if "_" in value)
            raise InputError(f"{at}: {value!r} is no number, expected {dimension} numbers after the word")
        try:
            with np.errstate(over="ignore"):  # it is infinite then, and refused below
                vectors[row] = list(map(float, values))
        except ValueError as error:
            raise InputError(f"{at}: {error}, expected {dimension} numbers after the word") from None
        if not np.isfinite(vectors[row]).all():
            value = values[int(np.isfinite(vectors[row]).argmin())]
            raise InputError(f"{at}: {value} is not a finite float32 number")
        if word in where:
            raise InputError(f"{at}: the word {word!r} has occurred on line {where[word]}, expected each word once")
        where[word] = first + row
    return WordVectors(tuple(where), vectors)


def _is_word(text: str) -> bool:
    """Whether a line that begins with it can be told apart into word and numbers again."""
    *start, last = text.split(" ")
    whole = text.encode(errors="ignore").decode() == text  # a lone surrogate is no UTF-8
    return bool(text) and whole and text == text.strip(" \r") and "\n" not in text and not (start and _is_number(last))


def _is_count(text: str) -> bool:
    """Whether it is a number such as a header has, and no longer than any count of words."""
    return text.isdecimal() and len(text) <= 18


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _written(words: Sequence[str], vectors: np.ndarray) -> Iterator[str]:
    """A line for each word, its numbers in the fewest digits that give the same float32 again."""
    if len(words) != len(vectors) or not vectors.size:
        raise InputError(f"{len(words)} words, vectors {list(vectors.shape)}: expected one vector a word, at least one")
    if len(set(words)) != len(words):
        twice = next(word for at, word in enumerate(words) if word in words[:at])
        raise InputError(f"the word {twice!r} occurs twice: expected each word once")
    for word, vector in zip(words, vectors.astype(np.float32), strict=True):
        if not _is_word(word):
            raise InputError(
                f"the word {word!r} can't be written: expected UTF-8, no line feed, and no number after a space"
            )
        if not np.isfinite(vector).all():
            raise InputError(f"the vector of {word!r} is not finite")
        yield f"{word} {' '.join(map(str, vector))}\n"


def _write(path: Path, lines: Sequence[str] | Iterator[str]) -> None:
    """A file that is whole or absent at every moment."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
        os.replace(partial, path)
    except OSError as error:
        raise StorageError(f"could not write {path}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
