"""A gallery: embeddings of known identities, computed once and kept, against which new images are held."""

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxdl.errors import InputError, StorageError

Vectors = Float[np.ndarray, "n d"]
FURTHEST = 4.0  # ‖u − v‖² of two opposite vectors of length 1


@dataclass(frozen=True, eq=False)
class Gallery:
    """names[i] is whose image gave vectors[i], float32 and of length 1; a name may have several.

    InputError for no vectors, as many names as not vectors, and a vector that is not finite or not of length 1.
    """

    names: tuple[str, ...]
    vectors: Vectors

    def __post_init__(self) -> None:
        if not len(self.names):
            raise InputError("an empty gallery: expected at least one name with its embedding")
        if len(self.names) != len(self.vectors):
            raise InputError(f"{len(self.names)} names for {len(self.vectors)} embeddings: expected as many")
        _check_lengths(self.vectors)


def distances(gallery: Gallery, vectors: Vectors) -> Float[np.ndarray, "n m"]:
    """‖u − v‖² = 2 − 2 u·v of each vector and each entry of the gallery. InputError for another width or length."""
    if vectors.shape[1] != gallery.vectors.shape[1]:
        raise InputError(
            f"embeddings of {vectors.shape[1]} numbers for a gallery of {gallery.vectors.shape[1]}: expected those of "
            "the network that the gallery was made with"
        )
    _check_lengths(vectors)
    return np.clip(2 - 2 * vectors @ gallery.vectors.T, 0, FURTHEST)


def verify(gallery: Gallery, name: str, vectors: Vectors, threshold: float) -> Bool[np.ndarray, " n"]:
    """1:1: is it who it is said to be? Whether the nearest entry of that name is at most `threshold` away.

    InputError for a name that is not in the gallery and a threshold outside 0 to 4.
    """
    _check_threshold(threshold)
    of_name = np.array([other == name for other in gallery.names])
    if not of_name.any():
        raise InputError(f"{name!r} is not in the gallery: expected one of {', '.join(sorted(set(gallery.names))[:8])}")
    return distances(gallery, vectors)[:, of_name].min(1) <= threshold


def recognise(gallery: Gallery, vectors: Vectors, threshold: float) -> list[str | None]:
    """1:K: who is it? The name of the nearest entry, or None, unknown, where that is more than `threshold` away.

    InputError for a threshold outside 0 to 4.
    """
    _check_threshold(threshold)
    rows, found = nearest(gallery, vectors, 1)
    return [
        gallery.names[row] if distance <= threshold else None
        for row, distance in zip(rows[:, 0], found[:, 0], strict=True)
    ]


def nearest(gallery: Gallery, vectors: Vectors, k: int) -> tuple[Int[np.ndarray, "n {k}"], Float[np.ndarray, "n {k}"]]:
    """(entries, squared distances) of the k nearest of each, nearest first. InputError for a k it can't give."""
    if not 1 <= k <= len(gallery.names):
        raise InputError(f"{k} neighbours in a gallery of {len(gallery.names)}: expected 1 to {len(gallery.names)}")
    found = distances(gallery, vectors)
    rows = found.argsort(1, kind="stable")[:, :k]
    return rows, np.take_along_axis(found, rows, 1)


def save(path: Path, gallery: Gallery) -> None:
    """Writes an .npz file, whole or not at all. StorageError where the disk won't take it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            np.savez(file, names=np.array(gallery.names), vectors=gallery.vectors)
        os.replace(partial, path)
    except OSError as error:
        raise StorageError(f"could not write {path}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def load(path: Path) -> Gallery:
    """Reads what `save` wrote. InputError for a file that can't be opened, is damaged, or is no gallery."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            names, vectors = file["names"], file["vectors"]
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}; expected a gallery, written by `save`") from None
    except Exception as error:  # a damaged zip file raises nearly anything
        raise InputError(f"{path} can't be read as a gallery ({error}): is it damaged? save it again") from None
    if names.ndim != 1 or names.dtype.kind != "U" or vectors.ndim != 2 or vectors.dtype != np.float32:
        raise InputError(
            f"{path} holds names {names.dtype}{list(names.shape)} and vectors {vectors.dtype}{list(vectors.shape)}: "
            "expected text [n] and float32 [n, d]"
        )
    return Gallery(tuple(names.tolist()), vectors)


def _check_threshold(threshold: float) -> None:
    if not 0 <= threshold <= FURTHEST:  # NaN is neither
        raise InputError(
            f"threshold {threshold}: expected a squared distance of vectors of length 1, 0 to {FURTHEST:g}"
        )


def _check_lengths(vectors: np.ndarray) -> None:
    lengths = np.linalg.norm(vectors, axis=1)
    wrong = np.flatnonzero(~(np.abs(lengths - 1) < 1e-3))
    if wrong.size:
        raise InputError(f"embedding {wrong[0]} has the length {lengths[wrong[0]]:g}: expected 1, as FaceNet's have")
