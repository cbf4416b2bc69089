"""Edit distance, the fewest tokens to change, add and leave out; error rates of words and characters from it."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple
from unicodedata import normalize

import numpy as np
from jaxtyping import Int

from jaxdl.errors import InputError

Sentence = Sequence[Hashable]
"""Tokens: words, numbers of a vocabulary, or a text, whose tokens are its characters."""


class Edits(NamedTuple):
    """What turns a reference into what was found: tokens replaced, added, left out."""

    substitutions: int
    insertions: int
    deletions: int

    @property
    def total(self) -> int:
        """The edit distance."""
        return sum(self)


class ErrorRate(NamedTuple):
    """Edits over a corpus, and the tokens of its references: rate = edits / tokens, which can exceed 1."""

    edits: Edits
    tokens: int

    @property
    def rate(self) -> float:
        """(S + I + D) / N."""
        return self.edits.total / self.tokens


def edits(reference: Sentence, found: Sentence) -> Edits:
    """The fewest edits that turn the reference into what was found, by kind; edits.total is Levenshtein's distance.

    Where there are several ways with as few, `alignment` says which is counted. Source: Wagner and Fischer (1974).
    """
    substitutions = insertions = deletions = 0
    for i, j in alignment(reference, found):
        if i is None:
            insertions += 1
        elif j is None:
            deletions += 1
        else:
            substitutions += reference[i] != found[j]
    return Edits(substitutions, insertions, deletions)


def alignment(reference: Sentence, found: Sentence) -> list[tuple[int | None, int | None]]:
    """(place in the reference, place in what was found), in order, of each token of either, under the fewest edits.

    None in the reference is an insertion, in what was found a deletion; two places of unequal tokens a substitution.
    Where several are as short, it takes a pair before a deletion before an insertion, from the end backwards.
    """
    cost = distances(reference, found)
    i, j = len(reference), len(found)
    pairs: list[tuple[int | None, int | None]] = []
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + (reference[i - 1] != found[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return pairs[::-1]


def distances(reference: Sentence, found: Sentence) -> Int[np.ndarray, "_ _"]:
    """D[i, j], the edit distance of the first i tokens of the reference and the first j of what was found.

    D[i, j] = min(D[i−1, j−1] + [r_i ≠ f_j], D[i−1, j] + 1, D[i, j−1] + 1),    D[i, 0] = i,    D[0, j] = j
    """
    numbers: dict[Hashable, int] = {}
    of_reference, of_found = (
        np.array([numbers.setdefault(token, len(numbers)) for token in tokens], np.int64)
        for tokens in (reference, found)
    )
    across = np.arange(len(found) + 1)
    D = np.empty((len(reference) + 1, len(found) + 1), np.int64)
    D[0] = across
    for i, token in enumerate(of_reference, start=1):
        D[i] = D[i - 1] + 1
        np.minimum(D[i, 1:], D[i - 1, :-1] + (of_found != token), out=D[i, 1:])
        D[i] = np.minimum.accumulate(D[i] - across) + across  # D[i, j] ≤ D[i, j'] + (j − j'): insertions
    return D


def error_rate(references: Sequence[Sentence], found: Sequence[Sentence]) -> ErrorRate:
    """Σ edits / Σ tokens of the references, over a corpus: long sentences weigh more.

    InputError for another number of sentences, and references without a single token.
    """
    if len(references) != len(found):
        raise InputError(f"{len(found)} sentences of {len(references)} references: expected one of each")
    tokens = sum(map(len, references))
    if not tokens:
        raise InputError(f"{len(references)} references without a token: expected one or more to count errors by")
    every = [edits(*pair) for pair in zip(references, found, strict=True)]
    return ErrorRate(Edits(*(sum(kind) for kind in zip(*every, strict=True))), tokens)


def word_error_rate(references: Sequence[str], found: Sequence[str]) -> ErrorRate:
    """WER: `error_rate` of texts by their words, which white space separates, in the form NFC."""
    return error_rate(*([normalize("NFC", text).split() for text in texts] for texts in (references, found)))


def character_error_rate(references: Sequence[str], found: Sequence[str]) -> ErrorRate:
    """CER: `error_rate` of texts by their characters, blanks included, in the form NFC."""
    return error_rate(*([normalize("NFC", text) for text in texts] for texts in (references, found)))
