"""A data set as a model meets it: the sources of train, dev and test, and what a model must know of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from jaxdl.data.source import Source


@dataclass(frozen=True, eq=False)
class Sets:
    """Three sources of inputs float32 and `label` int32, or of inputs and `target` float32 where classes is 0.

    shape          of the inputs of one example
    mean, std      of the training inputs along the last axis: inputs are (raw − mean) / std; 0 and 1 leave them raw
    inputs         the name of the field that holds them: `image` [H, W, C] or `x` [features]
    feature_names  of the last axis, where it has names
    """

    train: Source
    dev: Source
    test: Source
    classes: int
    class_names: tuple[str, ...]
    shape: tuple[int, ...]
    mean: np.ndarray
    std: np.ndarray
    inputs: str = "x"
    feature_names: tuple[str, ...] = ()


def statistics(chunks: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation along the last axis of all the chunks [N, ..., C], float32 [C].

    What is constant has std 1, so that standardising makes it 0 and not infinite.
    """
    count, total, squares = 0, np.float64(0), np.float64(0)
    for chunk in chunks:
        rows = chunk.reshape(-1, chunk.shape[-1]).astype(np.float64)
        count += len(rows)
        total = total + rows.sum(0)
        squares = squares + (rows**2).sum(0)
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return np.asarray(mean, np.float32), np.where(std > 1e-6 * np.abs(mean), std, 1).astype(np.float32)
