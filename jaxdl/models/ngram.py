"""A count model of language: what a neural one has to beat."""

from dataclasses import dataclass

import numpy as np

from jaxdl.errors import InputError


@dataclass(frozen=True, eq=False)
class NGram:
    """An n-gram model interpolated with all shorter ones, down to the uniform distribution over the vocabulary.

    P_n(w | h) = (c(h w) + N(h) · P_{n−1}(w | h′)) / (c(h) + N(h)),    P_0 = 1 / vocabulary

    where c counts, N(h) is how many different tokens follow h, and h′ is h without its first token: a history that is
    followed by many different tokens trusts the shorter one more. Source: Witten and Bell (1991), method C, with the
    interpolation of Chen and Goodman (1999), section 2.4.

    grams    for n = 1, 2, …: the n-grams, as numbers to the base `vocabulary`, in order, and their counts
    """

    vocabulary: int
    grams: tuple[tuple[np.ndarray, np.ndarray], ...]

    @classmethod
    def count(cls, tokens: np.ndarray, order: int, vocabulary: int) -> "NGram":
        """The model of a text [N]. InputError for an order below 1, and where its n-grams don't fit 63 bits."""
        if order < 1 or vocabulary**order >= 2**63:
            raise InputError(
                f"{order}-grams of {vocabulary} tokens: expected an order of 1 or more, vocabulary^n < 2^63"
            )
        if len(tokens) < order:
            raise InputError(f"a text of {len(tokens)} tokens has no {order}-gram")
        grams = [np.unique(numbered(tokens, n, vocabulary), return_counts=True) for n in range(1, order + 1)]
        return cls(vocabulary, tuple(grams))

    def probability(self, tokens: np.ndarray) -> np.ndarray:
        """P(token t | as many of those before it as the model looks at) for each token of a text [N], float64."""
        p = np.full(len(tokens), 1 / self.vocabulary)
        for n, (grams, counts) in enumerate(self.grams, 1):
            if len(tokens) < n:
                break
            # All that depends on a history is a sum over the n-grams that begin with it, which lie side by side.
            whole = numbered(tokens, n, self.vocabulary)
            history = whole // self.vocabulary * self.vocabulary
            first, last = np.searchsorted(grams, history), np.searchsorted(grams, history + self.vocabulary)
            sums = np.concatenate([[0], np.cumsum(counts)])
            seen, different = sums[last] - sums[first], last - first
            place = np.minimum(np.searchsorted(grams, whole), len(grams) - 1)
            found = np.where(grams[place] == whole, counts[place], 0)
            shorter = p[n - 1 :]
            longer = (found + different * shorter) / np.maximum(seen + different, 1)
            p[n - 1 :] = np.where(seen > 0, longer, shorter)
        return p


def numbered(tokens: np.ndarray, n: int, vocabulary: int) -> np.ndarray:
    """The n-grams of a text [N] as numbers to the base `vocabulary`, int64 [N − n + 1]; the last token counts ones.

    InputError for tokens outside the vocabulary.
    """
    if len(tokens) and not 0 <= tokens.min() <= tokens.max() < vocabulary:
        raise InputError(f"tokens from {tokens.min()} to {tokens.max()}: expected 0 to {vocabulary - 1}")
    total = np.zeros(len(tokens) - n + 1, np.int64)
    for place in range(n):
        total = total * vocabulary + tokens[place : len(tokens) - n + 1 + place]
    return total
