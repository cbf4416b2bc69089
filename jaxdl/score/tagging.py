"""Scores of tagged sequences: names found whole."""

from collections.abc import Sequence

import numpy as np

Span = tuple[int, int, str]
"""(first, after the last, kind) of a name."""


def spans(tags: Sequence[str]) -> list[Span]:
    """The names in tags of the form B-kind, I-kind and O: each begins at B, or at an I that goes on with nothing of its
    kind, as CoNLL's own script reads them (Tjong Kim Sang and De Meulder, 2003).
    """
    found: list[Span] = []
    first, kind = 0, ""
    for place, tag in enumerate([*tags, "O"]):
        goes_on = tag.startswith("I-") and tag[2:] == kind
        if kind and not goes_on:
            found.append((first, place, kind))
            kind = ""
        if tag != "O" and not goes_on:
            first, kind = place, tag[2:]
    return found


def span_scores(predicted: Sequence[Sequence[str]], true: Sequence[Sequence[str]]) -> dict[str, float]:
    """`precision`, `recall` and `f1` of names that have the right place and kind, over all sequences; 0 for 0/0."""
    hits = found = there = 0
    for said, meant in zip(predicted, true, strict=True):
        one, other = set(spans(said)), set(spans(meant))
        hits, found, there = hits + len(one & other), found + len(one), there + len(other)
    return {
        "precision": hits / max(found, 1),
        "recall": hits / max(there, 1),
        "f1": 2 * hits / max(found + there, 1),
    }


def spelled(tags: np.ndarray, length: np.ndarray, classes: Sequence[str]) -> list[list[str]]:
    """Tags [N, T], numbers of `classes`, as lists of their texts, each as long as its sequence."""
    return [[classes[tag] for tag in row[:size]] for row, size in zip(tags, length, strict=True)]
