"""What vectors say by where they lie: cosine similarity, nearest neighbours, analogies, and how to take a bias out.

NumPy. `vectors` is a table, a row each; a word, or whatever else has a vector, is the number of its row.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxdl.errors import InputError

Vectors = Float[np.ndarray, "rows d"]
Vector = Float[np.ndarray, " d"]

BLOCK = 2**24  # similarities held at once: 64 MB in float32


def cosine(u: Float[np.ndarray, "*n d"], v: Float[np.ndarray, "*m d"]) -> Float[np.ndarray, "*_"]:
    """u·v / (‖u‖ ‖v‖) along the last axis, in [−1, 1]; 0 where either is 0. Other axes broadcast."""
    return np.asarray(np.clip((unit(u) * unit(v)).sum(-1), -1, 1))


def unit(vectors: Float[np.ndarray, "*n d"]) -> Float[np.ndarray, "*n d"]:
    """Vectors divided by their lengths, in float32 or better; a vector of zeros stays one."""
    vectors = vectors.astype(np.promote_types(vectors.dtype, np.float32), copy=False)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths == 0, 1, lengths)


class Neighbours(NamedTuple):
    """The k rows of highest cosine similarity to each query, best first."""

    rows: Int[np.ndarray, "queries k"]
    similarity: Float[np.ndarray, "queries k"]


def nearest(
    vectors: Vectors,
    queries: Float[np.ndarray, "queries d"],
    k: int = 10,
    left_out: Int[np.ndarray, "queries out"] | None = None,
) -> Neighbours:
    """The k rows nearest to each query by cosine, without those that are left out for it.

    Blocks of queries are one matrix product each. InputError for a k that so many rows can't give.
    """
    out = np.zeros((len(queries), 0), np.int64) if left_out is None else left_out
    most = len(vectors) - out.shape[1]
    if not 1 <= k <= most:
        raise InputError(f"{k} neighbours among {len(vectors)} rows, {out.shape[1]} left out: expected 1 to {most}")
    _check_rows(out, vectors)
    table, wanted = unit(vectors), unit(queries)
    rows, similarity = [np.zeros((0, k), np.int64)], [np.zeros((0, k), table.dtype)]
    step = max(1, BLOCK // len(table))
    for first in range(0, len(wanted), step):
        found = wanted[first : first + step] @ table.T
        np.put_along_axis(found, out[first : first + step], -np.inf, 1)
        best = np.argpartition(-found, k - 1, 1)[:, :k]
        order = np.argsort(-np.take_along_axis(found, best, 1), 1, kind="stable")
        rows.append(np.take_along_axis(best, order, 1))
        similarity.append(np.take_along_axis(found, rows[-1], 1))
    return Neighbours(np.concatenate(rows), np.concatenate(similarity))


def neighbours(vectors: Vectors, rows: Int[np.ndarray, " n"], k: int = 10) -> Neighbours:
    """The k nearest of each of these rows, itself left out."""
    _check_rows(rows, vectors)
    return nearest(vectors, vectors[rows], k, rows[:, None])


def analogies(vectors: Vectors, questions: Int[np.ndarray, "n 3"], k: int = 1) -> Neighbours:
    """a : b :: c : ? is the row nearest to b − a + c by cosine, a, b and c left out (3CosAdd).

    man : woman :: king : ? is the question (man, woman, king). As published the vectors are of length 1: hand over
    `unit(vectors)`. Source: Mikolov et al. (2013), "Linguistic Regularities in Continuous Space Word Representations".
    """
    _check_rows(questions, vectors)
    a, b, c = (vectors[questions[:, place]] for place in range(3))
    return nearest(vectors, b - a + c, k, questions)


def analogy_accuracy(vectors: Vectors, questions: Int[np.ndarray, "n 4"]) -> float:
    """The share of questions a : b :: c : d whose first answer is d. InputError where there is none."""
    if not len(questions):
        raise InputError("no analogies: expected at least one question (a, b, c, d)")
    _check_rows(questions, vectors)
    return float((analogies(vectors, questions[:, :3]).rows[:, 0] == questions[:, 3]).mean())


def bias_axis(vectors: Vectors, pairs: Int[np.ndarray, "n 2"]) -> Vector:
    """The direction of length 1 along which pairs such as (she, he) differ most; the first of a pair lies further on.

    The first principal component of all vectors less the middle of their pair, that is, of the differences, not
    centred. Source: Bolukbasi et al. (2016), "Man is to Computer Programmer as Woman is to Homemaker?", step 1.
    """
    _check_rows(pairs, vectors)
    table = unit(vectors)
    differences = table[pairs[:, 0]] - table[pairs[:, 1]]
    if not differences.any():
        raise InputError(f"{len(pairs)} pairs without a difference: expected at least one of two different vectors")
    axis = np.linalg.svd(differences, full_matrices=False)[2][0]
    return axis if differences.sum(0) @ axis >= 0 else -axis


def neutralise(vectors: Float[np.ndarray, "*n d"], axis: Vector) -> Float[np.ndarray, "*n d"]:
    """e − (e·g)g, g = axis/‖axis‖: what is left has nothing along the axis.

    Source: Bolukbasi et al. (2016), step 2a; `unit` of the result is theirs.
    """
    _check_axis(axis)
    g = unit(axis)
    return vectors - (vectors @ g)[..., None] * g


def equalise(vectors: Vectors, axis: Vector) -> Vectors:
    """Vectors of length 1 that differ along the axis alone, and lie equally far from whatever has nothing along it.

    With w = e/‖e‖, μ its mean over the set and _B the part along the axis:

        ν = μ − μ_B;  e' = ν + √(1 − ‖ν‖²) (w_B − μ_B)/‖w_B − μ_B‖

    A pair comes to lie on both sides, at the same distance. InputError for words that lie alike along the axis.
    Source: Bolukbasi et al. (2016), step 2a.
    """
    _check_axis(axis)
    g, w = unit(axis), unit(vectors)
    along = w @ g
    apart = along - along.mean()
    if np.any(np.abs(apart) < 1e-6):
        raise InputError(
            f"row {int(np.abs(apart).argmin())} lies at the mean of its set along the axis: it has no side"
        )
    middle = neutralise(w.mean(0), axis)
    return middle + np.sqrt(max(0.0, 1 - middle @ middle)) * np.sign(apart)[:, None] * g


def _check_axis(axis: np.ndarray) -> None:
    if not axis.any() or not np.isfinite(axis).all():
        raise InputError("the axis is zero or not finite: expected a direction")


def _check_rows(rows: np.ndarray, vectors: np.ndarray) -> None:
    wrong = (rows < 0) | (rows >= len(vectors))
    if wrong.any():
        raise InputError(f"row {rows[wrong][0]}: expected 0 to {len(vectors) - 1}")
