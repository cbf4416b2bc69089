"""A data set as a model meets it: the sources of train, dev and test, and what a model must know of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from jaxdl.data.source import Arrays, Records, Source
from jaxdl.data.split import split


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


def divided(
    whole: Mapping[str, Arrays | Records], fractions: tuple[float, float, float], dev: float, seed: int
) -> tuple[Arrays | Records, ...]:
    """Train, dev and test of the splits that a set has of its own, of which `train` is one.

    A test split, or else a validation split, is the test set, and a share `dev` of train is dev; with both, validation
    is dev; with neither, train is split by `fractions`. In memory stratified by `label`.
    """

    def cut(*shares: float) -> tuple[Arrays | Records, ...]:
        train = whole["train"]
        labels = train.fields["label"] if isinstance(train, Arrays) else len(train)
        return tuple(train.select(rows) for rows in split(labels, shares, seed))

    if len(whole) == 1:
        return cut(*fractions)
    if len(whole) == 3:
        return whole["train"], whole["validation"], whole["test"]
    return *cut(1 - dev, dev), whole["test"] if "test" in whole else whole["validation"]


def statistics(chunks: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation along the last axis of all the chunks [N, ..., C]: [C], in their own precision.

    What is constant has std 1, so that standardising makes it 0 and not infinite.
    """
    count, total, squares, dtype = 0, np.float64(0), np.float64(0), np.dtype(np.float32)
    for chunk in chunks:
        dtype = np.promote_types(chunk.dtype, np.float32)
        rows = chunk.reshape(-1, chunk.shape[-1]).astype(np.float64)
        count += len(rows)
        total = total + rows.sum(0)
        squares = squares + (rows**2).sum(0)
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return np.asarray(mean, dtype), np.where(std > 1e-6 * np.abs(mean), std, 1).astype(dtype)
