"""The words around a word, which word vectors learn from: windows, skip-grams, and the thinning of frequent words."""

import numpy as np

from jaxdl.data.philox import generator
from jaxdl.errors import InputError

BOTH_SIDES = (-4, -3, -2, -1, 1, 2, 3, 4)
LAST_FOUR = (-4, -3, -2, -1)
LAST_ONE = (-1,)


def windows(tokens: np.ndarray, offsets: tuple[int, ...] = BOTH_SIDES) -> tuple[np.ndarray, np.ndarray]:
    """(contexts [P, C], targets [P]) of a text [T]: the tokens at these offsets from each place that has them all.

    `BOTH_SIDES` is four words before and after, `LAST_FOUR` the four before, `LAST_ONE` the one before.
    Raises InputError for a text too short to have one.
    """
    before, after = max(0, -min(offsets)), max(0, *offsets)
    places = np.arange(before, len(tokens) - after)
    if not len(places):
        raise InputError(f"a text of {len(tokens)} tokens has no place with {before} before it and {after} after it")
    return tokens[places[:, None] + np.array(offsets)], tokens[places]


def skip_grams(tokens: np.ndarray, window: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """(centers [P], contexts [P]): all pairs of a text [T] whose places differ by 1 … window, in both directions.

    Raises InputError for a text without a pair. Source: Mikolov et al. (2013), arXiv 1301.3781, section 3.2.
    """
    distances = range(1, min(window, len(tokens) - 1) + 1)
    if not distances:
        raise InputError(f"a text of {len(tokens)} tokens and a window of {window} have no pair: give 2 and 1 at least")
    left = np.concatenate([tokens[:-distance] for distance in distances])
    right = np.concatenate([tokens[distance:] for distance in distances])
    return np.concatenate([left, right]), np.concatenate([right, left])


def nearby_one(tokens: np.ndarray, window: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(contexts [T], targets [T]): for each place of a text [T] one other place within the window, any as likely.

    Raises InputError for a text without a pair.
    """
    if len(tokens) < 2 or window < 1:
        raise InputError(f"a text of {len(tokens)} tokens and a window of {window} have no pair: give 2 and 1 at least")
    place = np.arange(len(tokens))
    first, last = np.maximum(place - window, 0), np.minimum(place + window, len(tokens) - 1)
    other = generator(seed).integers(first, last)  # one fewer than there are places: the target's own is left out
    return tokens[other + (other >= place)], tokens


def keep_probability(share: np.ndarray, threshold: float = 1e-3) -> np.ndarray:
    """P(keep) = min(1, √(t / f)) of words that make up the share f > 0 of a corpus.

    The paper's t is 1e-5, for a billion words. Source: Mikolov et al. (2013), arXiv 1310.4546, equation 5.
    """
    return np.minimum(1, np.sqrt(threshold / share))


def subsample(tokens: np.ndarray, threshold: float = 1e-3, seed: int = 0) -> np.ndarray:
    """The tokens [≤ T] of a text [T] that are left when each is kept with its word's `keep_probability`."""
    _, word, counts = np.unique(tokens, return_inverse=True, return_counts=True)
    keep = keep_probability(counts / max(len(tokens), 1), threshold)[word]
    return tokens[generator(seed).random(len(tokens)) < keep]
