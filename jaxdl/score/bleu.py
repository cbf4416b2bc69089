"""BLEU: how much of a translation's n-grams its references have, and whether it is long enough. From 0 to 1."""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from jaxdl.errors import InputError, chosen

Sentence = Sequence[Hashable]
"""Tokens: words, or numbers of a vocabulary. A text is not one: cut it into words first."""

SMOOTHINGS = dict.fromkeys(("none", "add-k", "exp"))


class Bleu(NamedTuple):
    """BLEU and what it is made of, by order n = 1, 2, …

    precisions  matches / totals, smoothed as asked for
    matches     n-grams that a reference has too, each at most as often as the reference that has it most often
    totals      n-grams found
    lengths     tokens found, and of the closest references
    """

    score: float
    precisions: tuple[float, ...]
    brevity_penalty: float
    matches: tuple[int, ...]
    totals: tuple[int, ...]
    lengths: tuple[int, int]


def corpus_bleu(
    found: Sequence[Sentence],
    references: Sequence[Sequence[Sentence]],
    *,
    order: int = 4,
    smoothing: str = "none",
    k: float = 1.0,
) -> Bleu:
    """BP · exp(mean over n of log p_n), p_n = Σ clipped matches / Σ n-grams over the corpus, n = 1 … order.

    BP = 1 if c ≥ r else exp(1 − r/c): c tokens found, r tokens of the references closest in length, of equally close
    the shorter; both sums over the corpus.

    references  one or more of each sentence
    smoothing   none: 0 as soon as one p_n is. add-k: k more matches and n-grams for n > 1 (Lin and Och, 2004). exp: 1/2
                match where there is none, 1/4 the next time, … (as in NIST's mteval-v13a)

    Where not a single token is right it is 0, smoothed or not. InputError for what doesn't pair up, a sentence without
    a reference or given as text, and an unknown smoothing. Source: Papineni et al. (2002), section 2.3.
    """
    return _bleu(_counts(found, references, order), smoothing, k, shortest=order)


def sentence_bleu(
    found: Sentence, references: Sequence[Sentence], *, order: int = 4, smoothing: str = "exp", k: float = 1.0
) -> Bleu:
    """`corpus_bleu` of one sentence, of the orders that it has n-grams of: of two words, exp(mean of log p_1, log p_2).

    add-k gives it all orders, with k/k where it has none. The mean over sentences is not the BLEU of the corpus.
    """
    return _bleu(_counts([found], [references], order), smoothing, k, shortest=1)


def _counts(
    found: Sequence[Sentence], references: Sequence[Sequence[Sentence]], order: int
) -> Int[np.ndarray, " counts"]:
    """[tokens found, tokens of the closest references, matches of each order, n-grams of each order] of a corpus."""
    if order < 1 or len(found) != len(references):
        raise InputError(
            f"{len(found)} sentences, references of {len(references)}, order {order}: expected as many, and an order "
            "of 1 or more"
        )
    counts = np.zeros(2 + 2 * order, np.int64)
    for sentence, of_it in zip(found, references, strict=True):
        _check_sentence(sentence, of_it)
        lengths = [len(reference) for reference in of_it]
        closest = min(lengths, key=lambda length: (abs(length - len(sentence)), length))
        here, most = _ngrams(sentence, order), Counter[tuple]()
        for reference in of_it:
            most |= _ngrams(reference, order)
        counts[:2] += len(sentence), closest
        for ngram, times in here.items():
            counts[1 + len(ngram)] += min(times, most[ngram])
            counts[1 + order + len(ngram)] += times
    return counts


def _bleu(counts: Int[np.ndarray, " counts"], smoothing: str, k: float, shortest: int) -> Bleu:
    """BLEU from the counts of a corpus: 0 with n-grams of fewer orders than `shortest`."""
    chosen("smoothing", smoothing, SMOOTHINGS)
    if not k > 0:
        raise InputError(f"add-k with k = {k}: expected more than 0; the smoothing none adds nothing")
    (c, r), (matches, totals) = counts[:2].tolist(), counts[2:].reshape(2, -1).tolist()
    penalty = min(1.0, math.exp(1 - r / c)) if c else 0.0
    precisions = _precisions(matches, totals, smoothing, k) if any(matches) else []
    score = 0.0
    if len(precisions) >= shortest and min(precisions) > 0:
        score = penalty * math.exp(sum(map(math.log, precisions)) / len(precisions))
    all_orders = (*precisions, *[0.0] * (len(totals) - len(precisions)))
    return Bleu(score, all_orders, penalty, tuple(matches), tuple(totals), (c, r))


def _precisions(matches: list[int], totals: list[int], smoothing: str, k: float) -> list[float]:
    """Smoothed p_n of all orders that have n-grams, or are given some by add-k."""
    found, part = [], 1.0
    for n, counted in enumerate(zip(matches, totals, strict=True), start=1):
        more = k if smoothing == "add-k" and n > 1 else 0.0
        right, total = (count + more for count in counted)
        if not total:
            break
        if smoothing == "exp" and not right:
            part /= 2
            right = part
        found.append(right / total)
    return found


def _check_sentence(found: Sentence, references: Sequence[Sentence]) -> None:
    """InputError for a text in place of its words, and where there is no reference."""
    if not len(references):
        raise InputError("a sentence without a reference: expected one or more of each")
    for sentence in (found, *references):
        if isinstance(sentence, str):
            raise InputError(f"the text {sentence!r}: expected a list of its words, such as {sentence.split()!r}")


def _ngrams(sentence: Sentence, order: int) -> Counter[tuple]:
    """How often each n-gram comes, n = 1 … order."""
    return Counter(tuple(sentence[at : at + n]) for n in range(1, order + 1) for at in range(len(sentence) - n + 1))
