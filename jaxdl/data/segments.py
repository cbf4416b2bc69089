"""Sequences like DNA, cut into segments by a hidden Markov chain, and how well anyone could tag them. Made from a seed.

Each base is drawn after the base before it, by the rule of the kind of segment, z, that it lies in:

    P(z_1 = k) = π_k,    P(z_t = l | z_{t−1} = k) = A[k, l],    P(x_t = b | x_{t−1} = a, z_t = k) = B[k, a, b]

and x_1 as after a base that may be any of the four. What kind a segment is, is told by the order of its bases; where it
begins, by both sides. The probability of each kind given the bases is known, so that no tagger of whatever form can be
right more often than its largest value says.
"""

import numpy as np

from jaxdl.data.philox import generator
from jaxdl.data.source import Arrays
from jaxdl.data.split import split
from jaxdl.data.text import SPECIAL, Sequences, Vocabulary, pad
from jaxdl.errors import InputError

BASES = ("A", "C", "G", "T")
KINDS = ("background", "island", "repeat")
MEAN_LENGTH = (30, 15, 15)  # of the segments of each kind
FRACTIONS = (0.6, 0.2, 0.2)

B = np.array(
    [
        [[0.30, 0.22, 0.26, 0.22], [0.34, 0.28, 0.06, 0.32], [0.26, 0.24, 0.26, 0.24], [0.22, 0.24, 0.26, 0.28]],
        [[0.18, 0.30, 0.36, 0.16], [0.16, 0.24, 0.44, 0.16], [0.16, 0.44, 0.24, 0.16], [0.16, 0.36, 0.30, 0.18]],
        [[0.10, 0.12, 0.14, 0.64], [0.34, 0.16, 0.16, 0.34], [0.34, 0.16, 0.16, 0.34], [0.62, 0.14, 0.12, 0.12]],
    ]
)
"""[kind, base before, base]: G is rare after C in the background and frequent in an island; A and T take turns in a
repeat."""

_ENDS = 1 / np.array(MEAN_LENGTH)
A = np.where(np.eye(3, dtype=bool), 1 - _ENDS[:, None], _ENDS[:, None] / 2)
"""[kind, next kind]: a segment goes on with probability 1 − 1/mean length, else the others are equally likely."""
PI = np.array(MEAN_LENGTH) / sum(MEAN_LENGTH)
"""[kind]: their shares in the long run, for which π A = π."""


def load(size: int = 2000, shortest: int = 60, longest: int = 100, seed: int = 0) -> Sequences:
    """`size` sequences of `shortest` to `longest` bases with `tags` int32 [N, T], 0 where there is padding.

    Raises InputError for fewer than 10 sequences and for lengths that are not 1 ≤ shortest ≤ longest.
    """
    if size < 10:
        raise InputError(f"{size} sequences are too few for train, dev and test: give 10 or more, such as 2000")
    if not 1 <= shortest <= longest:
        raise InputError(f"sequences of {shortest} to {longest} bases: expected 1 ≤ shortest ≤ longest")
    rng = generator(seed)
    kinds, bases = _draw(size, longest, rng)
    vocabulary = Vocabulary(SPECIAL + BASES)
    ends = rng.integers(shortest, longest + 1, size)
    tokens, length = pad([row[:end] + len(SPECIAL) for row, end in zip(bases, ends, strict=True)], longest)
    tags, _ = pad([row[:end] for row, end in zip(kinds, ends, strict=True)], longest)
    whole = Arrays({"tokens": tokens, "length": length, "tags": tags})
    train, dev, test = (whole.select(rows) for rows in split(size, FRACTIONS, seed))
    return Sequences(train, dev, test, vocabulary, KINDS)


def _draw(size: int, time: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(kinds, bases), both [size, time]."""
    kinds, bases = np.empty((2, size, time), np.int64)
    before = rng.integers(len(BASES), size=size)
    for t in range(time):
        kinds[:, t] = _choose(A[kinds[:, t - 1]] if t else np.tile(PI, (size, 1)), rng)
        before = bases[:, t] = _choose(B[kinds[:, t], before], rng)
    return kinds, bases


def _choose(probability: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One index a row, drawn with the probabilities [N, K] of that row."""
    return (rng.random((len(probability), 1)) > probability.cumsum(-1)[:, :-1]).sum(-1)


def filtered(tokens: np.ndarray, length: np.ndarray) -> np.ndarray:
    """P(z_t | x_1 … x_t) [N, T, K] of sequences [N, T]: the most that reading from left to right can tell.

    p_t ∝ (p_{t−1} A) ⊙ B[:, x_{t−1}, x_t]. Source: Rabiner (1989), "A tutorial on hidden Markov models", section III.
    """
    bases = np.where(tokens < len(SPECIAL), 0, tokens - len(SPECIAL))
    size, time = tokens.shape
    posterior = np.empty((size, time, len(KINDS)))
    for t in range(time):
        expected = posterior[:, t - 1] @ A if t else np.tile(PI, (size, 1))
        likelihood = (B[:, bases[:, t - 1], bases[:, t]] if t else B.mean(1)[:, bases[:, 0]]).T
        joint = expected * np.where((t < length)[:, None], likelihood, 1)  # padding tells nothing
        posterior[:, t] = joint / joint.sum(-1, keepdims=True)
    return posterior


def smoothed(tokens: np.ndarray, length: np.ndarray) -> np.ndarray:
    """P(z_t | x_1 … x_T) [N, T, K] of sequences [N, T]: the most that all of a sequence can tell.

    γ_t = p_t ⊙ A (γ_{t+1} / (p_t A)), backwards from γ_T = p_T, with p of `filtered`. Source: as there.
    """
    posterior = filtered(tokens, length)
    for t in range(tokens.shape[1] - 2, -1, -1):
        posterior[:, t] *= (posterior[:, t + 1] / (posterior[:, t] @ A)) @ A.T
    return posterior
