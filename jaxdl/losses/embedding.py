"""Losses that make word vectors, of one example, and what they are made from: noise, a Huffman tree, pair counts.

The softmax over the whole vocabulary is `classification.cross_entropy` of logits zⱼ = θⱼ·e. Negative sampling and
hierarchical softmax ask yes-or-no questions of a few outputs instead, GloVe fits log counts.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Num, Shaped, UInt32

from jaxdl.errors import InputError
from jaxdl.losses.classification import multi_label
from jaxdl.typing import Key

Counts = Num[np.ndarray, "_"]


def negative_sampling(
    logits: Float[Array, " candidates"], known: Shaped[Array, " candidates"] | None = None
) -> Float[Array, ""]:
    """L = −log σ(z₀) − Σᵢ log σ(−zᵢ): the first candidate is the true one, all others are noise, zⱼ = θⱼ·e.

    known = 0 leaves a candidate out, such as noise that happens to be the true word. Lowest, for k words of noise from
    q, at z = log p(c|w) − log q(c) − log k. Source: Mikolov et al. (2013), "Distributed Representations of Words and
    Phrases and their Compositionality", equation 4; where it is lowest: Levy and Goldberg (2014), section 3.1.
    """
    return multi_label(logits, jnp.arange(logits.size) == 0, known)


def unigram_noise(counts: Counts, power: float = 0.75) -> UInt32[np.ndarray, " bounds"]:
    """What `draw_noise` draws from: q(w) = f(w)^power / Σ f^power, cumulated, the 1 at its end left out.

    In units of 2⁻³², so that rare words keep their share: float32 would round a word of probability 1e-6 by 6 %.
    """
    _check_counts(counts)
    shares = np.where(counts > 0, counts.astype(np.float64) ** power, 0)
    below = np.cumsum(shares)[:-1] / shares.sum()
    return np.minimum(np.round(below * 2**32), 2**32 - 1).astype(np.uint32)


def draw_noise(key: Key, noise: UInt32[np.ndarray, " bounds"], k: int) -> Int[Array, " {k}"]:
    """k words from `unigram_noise`, with replacement: the inverse of its cumulated shares at random bits."""
    bits = jax.random.bits(key, (k,), jnp.uint32)
    return jnp.searchsorted(jnp.asarray(noise), bits, side="right").astype(jnp.int32)


def hierarchical_softmax(
    logits: Float[Array, " depth"], code: Shaped[Array, " depth"], known: Shaped[Array, " depth"]
) -> Float[Array, ""]:
    """L = −Σ log σ(±z) over the turns on the way to a word, + where its code is 0, − where it is 1.

    z = θₙ·e of the inner nodes on the way; known = 0 where the way has ended. Over all words of a tree exp(−L) sums
    to 1. Source: Morin and Bengio (2005); with a Huffman tree, Mikolov et al. (2013), equation 3.
    """
    return multi_label(logits, 1 - code, known)


class HuffmanTree(NamedTuple):
    """The way from the root to each word: row w is the way to word w, padded to the longest.

    path   the inner nodes passed, 0 … V−2; the root is V−2
    code   which way it turns at each, 0 or 1
    known  whether the way goes so far
    """

    path: Int[np.ndarray, "words depth"]
    code: Int[np.ndarray, "words depth"]
    known: Bool[np.ndarray, "words depth"]


def huffman(counts: Counts) -> HuffmanTree:
    """The binary tree in which Σ count × length of way is lowest: frequent words have short ways.

    InputError for fewer than 2 words. Source: Huffman (1952), with the two sorted queues of van Leeuwen (1976).
    """
    _check_counts(counts)
    words = len(counts)
    parent, turn = _merged(counts)
    ways: list[tuple[tuple[int, int], ...]] = [()] * (2 * words - 1)
    for node in reversed(range(2 * words - 2)):  # a node is made before its parent, so the root stands last
        ways[node] = (*ways[parent[node]], (parent[node] - words, turn[node]))
    lengths = np.array([len(way) for way in ways[:words]])
    path, code = np.zeros((2, words, lengths.max()), np.int32)
    for word, way in enumerate(ways[:words]):
        path[word, : len(way)], code[word, : len(way)] = zip(*way, strict=True)
    return HuffmanTree(path, code, np.arange(lengths.max()) < lengths[:, None])


def _merged(counts: Counts) -> tuple[list[int], list[int]]:
    """(parent, turn) of every node but the root: leaves 0 … V−1, inner nodes V … 2V−2 in the order they were made.

    Inner nodes are made in rising weight, so the two lightest of all stand at the heads of two queues.
    """
    words = len(counts)
    leaves = np.argsort(counts, kind="stable").tolist()
    weight = [*counts.tolist(), *[0] * (words - 1)]
    parent, turn = [0] * (2 * words - 2), [0] * (2 * words - 2)
    leaf, inner = 0, words
    for made in range(words, 2 * words - 1):
        for side in (0, 1):
            if inner == made or (leaf < words and weight[leaves[leaf]] <= weight[inner]):
                lightest, leaf = leaves[leaf], leaf + 1
            else:
                lightest, inner = inner, inner + 1
            parent[lightest], turn[lightest] = made, side
            weight[made] += weight[lightest]
    return parent, turn


def glove(
    prediction: Float[Array, ""], x: Float[Array, ""], x_max: float = 100.0, alpha: float = 0.75
) -> Float[Array, ""]:
    """L = f(x)(ẑ − log x)², f(x) = min(1, (x/x_max)^α), ẑ = θ_c·e_w + b_w + b̃_c; x = 0 costs nothing.

    Source: Pennington et al. (2014), "GloVe: Global Vectors for Word Representation", equations 8 and 9.
    """
    seen = x > 0
    x = jnp.where(seen, x, 1.0)
    weight = jnp.where(seen, jnp.minimum(1.0, (x / x_max) ** alpha), 0.0)
    return weight * (prediction - jnp.log(x)) ** 2


class Cooccurrence(NamedTuple):
    """The entries x[word, context] that are not 0, by word and then by context: GloVe's training examples."""

    word: Int[np.ndarray, " entries"]
    context: Int[np.ndarray, " entries"]
    x: Float[np.ndarray, " entries"]


def cooccurrence(texts: Sequence[Int[np.ndarray, " _"]], words: int, window: int = 10) -> Cooccurrence:
    """x[w, c] = Σ 1/distance over all places where c stands at most `window` before or after w in the same text.

    texts hold word ids from 0 to words − 1. InputError for an id out of range, a window below 1 and texts without
    any pair. Source: Pennington et al. (2014), section 4.2.
    """
    if window < 1:
        raise InputError(f"window {window}: expected 1 word or more")
    for at, text in enumerate(texts):
        wrong = np.flatnonzero((text < 0) | (text >= words))
        if wrong.size:
            raise InputError(f"text {at}, token {wrong[0]}: id {text[wrong[0]]}, expected 0 to {words - 1}")
    ids = np.concatenate([np.zeros(0, np.int64), *texts])
    text_of = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    found = []
    for distance in range(1, window + 1):
        together = text_of[:-distance] == text_of[distance:]
        left, right = ids[:-distance][together], ids[distance:][together]
        cells, times = np.unique(np.concatenate([left * words + right, right * words + left]), return_counts=True)
        found.append((cells, times / distance))
    every, place = np.unique(np.concatenate([cells for cells, _ in found]), return_inverse=True)
    if not every.size:
        raise InputError(f"{len(texts)} texts, none of two words or more: expected pairs of words to count")
    x = np.bincount(place, np.concatenate([times for _, times in found]))
    word, context = np.divmod(every, words)
    return Cooccurrence(word.astype(np.int32), context.astype(np.int32), x.astype(np.float32))


def _check_counts(counts: np.ndarray) -> None:
    if len(counts) < 2:
        raise InputError(f"counts of {len(counts)} words: expected 2 or more")
    sound = np.isfinite(counts) & (counts >= 0)
    if not sound.all() or not counts.any():
        word = int(sound.argmin())
        raise InputError(f"word {word} has the count {counts[word]}: expected finite counts of 0 or more, not all 0")
