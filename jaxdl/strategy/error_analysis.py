"""Error analysis: mistakes to look at in a folder, a table to tag them in by hand, and what the tags add up to."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from jaxdl.errors import InputError

FIXED = ("file", "row", "true", "said", "confidence")
"""Columns that say what the mistake was; all others are tags, 1 or 0."""

LABEL_WRONG = "label_wrong"
"""The tag of a mistake that is none: the classifier was right and the label is not."""

LABELS_WORTH = 0.2
"""From this share of the errors on, wrong labels are worth correcting: below, other causes come first."""


def mistakes(
    true: Int[np.ndarray, " n"],
    probabilities: Float[np.ndarray, "n c"],
    count: int = 100,
    how: Literal["random", "confident"] = "random",
    seed: int = 0,
) -> Int[np.ndarray, " k"]:
    """Rows of at most `count` mistakes: some by chance, whose shares are those of all, or those it was surest of."""
    if count < 1:
        raise InputError(f"{count} mistakes: expected 1 or more")
    if seed < 0:
        raise InputError(f"seed {seed}: expected 0 or more")
    wrong = np.flatnonzero(probabilities.argmax(1) != true)
    if how == "confident":
        return wrong[np.argsort(-probabilities[wrong].max(1), kind="stable")][:count]
    return np.sort(np.random.default_rng(seed).permutation(wrong)[:count])


def write(
    folder: Path,
    inputs: np.ndarray,
    rows: Int[np.ndarray, " k"],
    true: Int[np.ndarray, " n"],
    probabilities: Float[np.ndarray, "n c"],
    class_names: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> Path:
    """Writes each of the `rows` of inputs into folder, images as PNG and all else as text, and table.csv beside them.

    The table has a line a mistake and, all 0, a column for `label_wrong` and for each tag; more may be added in any
    spreadsheet. Gives its path. InputError where there already is one, for somebody may have tagged it, and where the
    folder can't be made.
    """
    path = folder / "table.csv"
    if path.exists():
        raise InputError(f"{path} exists and may be tagged already: remove it, or give another folder")
    for place, tag in enumerate(tags):
        if tag.strip() in ("", *FIXED, LABEL_WRONG, *tags[:place]):
            raise InputError(f"tag {tag!r}: that column is there already; give another name")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} can't be a folder ({error.strerror}): give another") from None
    names = class_names or [str(label) for label in range(probabilities.shape[1])]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([*FIXED, LABEL_WRONG, *tags])
        for row in rows:
            said = int(probabilities[row].argmax())
            written = _save(folder, f"{row:06d}_{_plain(names[true[row]])}_{_plain(names[said])}", inputs[row])
            sure = f"{probabilities[row, said]:.3f}"
            table.writerow([written, row, names[true[row]], names[said], sure, *[0] * (1 + len(tags))])
    return path


@dataclass(frozen=True)
class Tagged:
    """A tagged table: which mistake (by line) has which tag."""

    tags: tuple[str, ...]
    marks: Int[np.ndarray, "mistakes tags"]


def read(path: Path) -> Tagged:
    """The tags of a table, its cells apart by commas or, as some spreadsheets write it, semicolons.

    InputError, with the line, for a mark that is not 0, 1 or empty, and for a table without tags or with one twice.
    """
    lines = _lines(path)
    if len(lines) < 2:
        raise InputError(f"{path}: expected a line of names and a line for each mistake")
    names = [name.strip() for name in lines[0][1]]
    columns = [(place, name) for place, name in enumerate(names) if name and name not in FIXED]
    if not columns:
        raise InputError(f"{path}: no column but {', '.join(FIXED)}: add one for each kind of mistake, with 1 and 0")
    for place, name in columns:
        if name in names[:place]:
            raise InputError(f"{path}: two columns are called {name}: expected one for each kind of mistake")
    marks = np.zeros((len(lines) - 1, len(columns)), np.int64)
    for mistake, (number, line) in enumerate(lines[1:]):
        for at, (place, name) in enumerate(columns):
            cell = line[place].strip() if place < len(line) else ""
            if cell not in ("", "0", "1"):
                raise InputError(f"{path}, line {number}, column {name}: {cell!r}, expected 1, 0 or nothing")
            marks[mistake, at] = cell == "1"
    return Tagged(tuple(name for _, name in columns), marks)


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """(number, cells) of each line that has any."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected CSV in UTF-8; save it as that") from None
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    try:
        return [(reader.line_num, line) for line in reader if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}; expected CSV, a line for each mistake") from None


@dataclass(frozen=True)
class Summary:
    """What the tags of `mistakes` looked-at mistakes add up to.

    counts    {tag: mistakes that have it}, the most frequent first; one may have several
    overlaps  {(tag, tag): mistakes that have both}, where there are any
    untagged  mistakes without a tag
    error     the error of the set, a share, or None
    """

    mistakes: int
    counts: Mapping[str, int]
    overlaps: Mapping[tuple[str, str], int]
    untagged: int
    error: float | None = None

    def share(self, tag: str) -> float:
        """Of the mistakes, those with this tag."""
        return self.counts[tag] / self.mistakes

    def ceiling(self, tag: str) -> float:
        """What the error becomes at best when all with this tag are got right: error · (1 − share)."""
        if self.error is None:
            raise InputError("a ceiling needs the error of the set: give --error, such as 0.1")
        return self.error * (1 - self.share(tag))

    @property
    def labels(self) -> str:
        """Whether wrong labels are worth correcting, in a sentence; empty where nobody looked for them."""
        if LABEL_WRONG not in self.counts:
            return ""
        share = self.share(LABEL_WRONG)
        others = [tag for tag in self.counts if tag != LABEL_WRONG and self.counts[tag] > self.counts[LABEL_WRONG]]
        told = f"{100 * share:.0f} % of the mistakes are wrong labels"
        if self.error is not None:
            told += f", {100 * share * self.error:.2g} of {100 * self.error:.2g} points"
        if share >= LABELS_WORTH:
            return f"{told}: worth correcting, in dev and test alike, and where the classifier was right by luck too"
        first = f"; {others[0]} comes first" if others else ""
        return f"{told}: not worth correcting yet{first}"

    def lines(self) -> list[str]:
        """The whole in plain sentences."""
        told = []
        for tag, count in self.counts.items():
            line = f"{tag}: {count} of {self.mistakes} ({100 * self.share(tag):.0f} %)"
            if self.error is not None:
                line += (
                    f"; without them the error is {100 * self.ceiling(tag):.3g} % instead of {100 * self.error:.3g} %"
                )
            told.append(line)
        told += [f"{a} and {b} together: {count}" for (a, b), count in self.overlaps.items()]
        if self.untagged:
            told.append(f"without a tag: {self.untagged} of {self.mistakes}")
        return told + ([self.labels] if self.labels else [])


def summarize(table: Tagged, error: float | None = None) -> Summary:
    """Counts, overlaps, and with the error of the set what each fix buys at most.

    Source: Ng (2018), "Machine Learning Yearning", chapters 14–16.
    """
    if error is not None and not 0 <= error <= 1:
        raise InputError(f"error {error:g}: expected a share between 0 and 1, such as 0.1 for 10 %")
    totals = dict(zip(table.tags, table.marks.sum(0).tolist(), strict=True))
    counts = dict(sorted(totals.items(), key=lambda item: -item[1]))
    both = {
        (a, b): int((table.marks[:, i] & table.marks[:, j]).sum())
        for (i, a), (j, b) in combinations(enumerate(table.tags), 2)
    }
    overlaps = {pair: count for pair, count in both.items() if count}
    return Summary(len(table.marks), counts, overlaps, int((table.marks.sum(1) == 0).sum()), error)


def _save(folder: Path, stem: str, example: np.ndarray) -> str:
    """The name of the file that an example was written to: images [h, w, 1 or 3] large enough to be seen."""
    if example.ndim == 3 and example.shape[-1] in (1, 3):
        from matplotlib.image import imsave

        low, high = float(example.min()), float(example.max())
        pixels = (example - low) / (high - low) if high > low else np.zeros_like(example)
        factor = max(1, 128 // max(example.shape[:2]))
        large = np.repeat(np.repeat(pixels, factor, 0), factor, 1)
        imsave(folder / f"{stem}.png", large if example.shape[-1] == 3 else large[..., 0], cmap="gray", vmin=0, vmax=1)
        return f"{stem}.png"
    (folder / f"{stem}.txt").write_text(_text(example), encoding="utf-8")
    return f"{stem}.txt"


def _text(example: Any) -> str:
    return np.array2string(np.asarray(example), threshold=10_000, precision=4, max_line_width=100) + "\n"


def _plain(name: str) -> str:
    """A class name as part of a file's."""
    return "".join(letter if letter.isalnum() else "-" for letter in str(name))[:20]
