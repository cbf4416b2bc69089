"""Scores of a classifier on a whole set: counts and ratios of counts, curves, areas, calibration. NumPy, in float64.

Labels and what was said are whole numbers from 0, one an example. A ratio of nothing to nothing, such as the precision
of a class that was never said, is 0.
"""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from jaxdl.errors import InputError

Labels = Int[np.ndarray, "_"] | Bool[np.ndarray, "_"]
Values = Num[np.ndarray, "_"]
Average = Literal["binary", "macro", "micro", "weighted"]


def confusion_matrix(true: Labels, said: Labels, classes: int) -> Int[np.ndarray, "classes classes"]:
    """counts[i, j] = how many examples of class i were read as class j. InputError for a label out of range."""
    _check_lengths(true=true, said=said)
    for name, labels in (("true", true), ("said", said)):
        if labels.min() < 0 or labels.max() >= classes:
            raise InputError(f"{name} labels from {labels.min()} to {labels.max()}: expected 0 to {classes - 1}")
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (true.astype(int), said.astype(int)), 1)
    return counts


def accuracy(true: Labels, said: Labels) -> float:
    """The share of examples whose class was said."""
    _check_lengths(true=true, said=said)
    return float((true == said).mean())


class PrecisionRecall(NamedTuple):
    """precision = TP / (TP + FP), recall = TP / (TP + FN), F1 = 2 precision · recall / (precision + recall)."""

    precision: float
    recall: float
    f1: float


def precision_recall(counts: Int[np.ndarray, "c c"], average: Average = "binary") -> PrecisionRecall:
    """Precision, recall and F1 from a confusion matrix.

    binary    of class 1, of two
    macro     the mean over classes; F1 is the mean of their F1
    weighted  the mean weighted by how many examples a class has
    micro     of all decisions together; with one class an example all three are the accuracy
    """
    if average == "binary":
        if len(counts) != 2:
            raise InputError(f"binary precision of {len(counts)} classes: expected 2, or macro, micro or weighted")
        return PrecisionRecall(*(float(of[1]) for of in by_class(counts)))
    if average == "micro":
        share = _ratio(np.trace(counts), counts.sum())
        return PrecisionRecall(float(share), float(share), float(share))
    weights = counts.sum(1) if average == "weighted" else np.ones(len(counts))
    return PrecisionRecall(*(float(_ratio((of * weights).sum(), weights.sum())) for of in by_class(counts)))


def by_class(counts: Int[np.ndarray, "c c"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(precision [c], recall [c], F1 [c]) of each class against all others."""
    right, said, true = np.diag(counts), counts.sum(0), counts.sum(1)
    return _ratio(right, said), _ratio(right, true), _ratio(2 * right, said + true)


class Curve(NamedTuple):
    """A curve over the thresholds, which fall: at each, what scores at least so much is called positive."""

    x: np.ndarray
    y: np.ndarray
    thresholds: np.ndarray


def roc(positive: Labels, scores: Values) -> Curve:
    """False positive rate and true positive rate, from (0, 0) at an infinite threshold to (1, 1).

    Examples of the same score fall on the same side, so ties make a slanted line. InputError unless both classes occur.
    """
    hits, alarms, thresholds = _cumulated(positive, scores)
    if hits[-1] == 0 or alarms[-1] == 0:
        raise InputError("a ROC curve needs positive and negative examples: only one of them is there")
    start = np.zeros(1)
    return Curve(
        np.concatenate([start, alarms / alarms[-1]]),
        np.concatenate([start, hits / hits[-1]]),
        np.concatenate([[np.inf], thresholds]),
    )


def roc_auc(positive: Labels, scores: Values) -> float:
    """The area under the ROC curve: how often a positive example scores above a negative one, ties counting half."""
    curve = roc(positive, scores)
    return float(np.trapezoid(curve.y, curve.x))


def mean_roc_auc(true: Labels, probabilities: Float[np.ndarray, "_ c"]) -> float:
    """The mean over classes of the area under the ROC curve of each against the rest."""
    return float(np.mean([roc_auc(true == label, probabilities[:, label]) for label in range(probabilities.shape[1])]))


def precision_recall_curve(positive: Labels, scores: Values) -> Curve:
    """Recall (x) and precision (y) at each threshold. InputError where no example is positive."""
    hits, alarms, thresholds = _cumulated(positive, scores)
    if hits[-1] == 0:
        raise InputError("a precision-recall curve needs positive examples: there is none")
    return Curve(hits / hits[-1], hits / (hits + alarms), thresholds)


def average_precision(positive: Labels, scores: Values) -> float:
    """Σ_k (R_k − R_{k−1}) P_k over the thresholds: the area under the precision-recall curve, in steps."""
    curve = precision_recall_curve(positive, scores)
    return float((np.diff(curve.x, prepend=0.0) * curve.y).sum())


class Calibration(NamedTuple):
    """Of each bin that has examples: mean confidence, accuracy, how many; and Σ n_b/n |accuracy − confidence|."""

    confidence: np.ndarray
    accuracy: np.ndarray
    examples: np.ndarray
    error: float


def calibration(true: Labels, probabilities: Float[np.ndarray, "_ c"], bins: int = 10) -> Calibration:
    """How often the class that was said is right, by how sure the classifier was, in bins of equal width.

    Source: Guo et al. (2017), "On Calibration of Modern Neural Networks", equation 3.
    """
    _check_probabilities(true, probabilities)
    if bins < 1:
        raise InputError(f"{bins} bins: expected 1 or more")
    sure, right = probabilities.max(1).astype(np.float64), probabilities.argmax(1) == true
    which = np.minimum((sure * bins).astype(int), bins - 1)
    count = np.bincount(which, minlength=bins)
    filled = count > 0
    mean = [np.bincount(which, of, bins)[filled] / count[filled] for of in (sure, right)]
    gap = float((count[filled] * np.abs(mean[1] - mean[0])).sum() / count.sum())
    return Calibration(mean[0], mean[1], count[filled], gap)


def brier(true: Labels, probabilities: Float[np.ndarray, "_ c"]) -> float:
    """The mean over examples of Σ_c (p_c − [c is true])²: 0 at best, 2 at worst."""
    _check_probabilities(true, probabilities)
    wanted = np.eye(probabilities.shape[1])[true.astype(int)]
    return float(((probabilities - wanted) ** 2).sum(1).mean())


def weighted_error(true: Labels, said: Labels, weights: Values) -> float:
    """Σ wᵢ [saidᵢ ≠ trueᵢ] / Σ wᵢ: a weight of 10 makes the mistake that must not happen count as ten.

    InputError for a negative weight, and for weights that are all 0.
    """
    _check_lengths(true=true, said=said, weights=weights)
    weights = weights.astype(np.float64)
    if not weights.min() >= 0 or weights.sum() == 0:
        raise InputError("weights: expected 0 or more, and not all 0")
    return float((weights * (true != said)).sum() / weights.sum())


def by_group(values: Values, groups: np.ndarray) -> dict[str, float]:
    """{group: the mean of its values}, such as a system's error in each country, in the order of their names."""
    _check_lengths(values=values, groups=groups)
    return {str(group): float(values[groups == group].mean(dtype=np.float64)) for group in np.unique(groups)}


def _cumulated(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(hits, false alarms, threshold) at each distinct score, from the highest down."""
    _check_lengths(positive=positive, scores=scores)
    if not set(np.unique(positive)) <= {0, 1}:
        raise InputError(f"labels {np.unique(positive)[:5]}: expected 0 and 1, or False and True")
    if np.isnan(scores).any():
        raise InputError("a score is NaN")
    scores = scores.astype(np.float64)  # whole numbers without a sign have no minus
    order = np.argsort(-scores, kind="stable")
    scores, positive = scores[order], positive[order].astype(bool)
    last = np.append(np.flatnonzero(scores[1:] != scores[:-1]), len(scores) - 1)  # of each run of equal scores
    return np.cumsum(positive)[last], np.cumsum(~positive)[last], scores[last]


def _ratio(part: np.ndarray | np.generic, whole: np.ndarray | np.generic | float) -> np.ndarray:
    """part / whole, 0 where whole is 0."""
    whole = np.asarray(whole)
    return np.where(whole == 0, 0.0, np.asarray(part) / np.where(whole == 0, 1, whole))


def _check_lengths(**arrays: np.ndarray) -> None:
    """InputError unless there is one of each for every example: a column would be set against every other one."""
    for name, array in arrays.items():
        per_class = name == "probabilities"
        if array.ndim != 1 + per_class:
            of = "each class of " if per_class else ""
            raise InputError(f"{name} of shape {array.shape}: expected one of {of}each example")
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1 or min(lengths.values()) == 0:
        told = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise InputError(f"{told}: expected as many of each, and at least one")


def _check_probabilities(true: np.ndarray, probabilities: np.ndarray) -> None:
    _check_lengths(true=true, probabilities=probabilities)
    if not (probabilities.min() >= 0 and probabilities.max() <= 1 + 1e-6):  # NaN is neither
        raise InputError(
            f"probabilities from {probabilities.min():g} to {probabilities.max():g}: expected 0 to 1; are they logits?"
        )
    if true.min() < 0 or true.max() >= probabilities.shape[1]:
        raise InputError(f"labels from {true.min()} to {true.max()}: expected 0 to {probabilities.shape[1] - 1}")
