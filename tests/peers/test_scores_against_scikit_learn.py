"""Scores of classifiers are scikit-learn's, on random cases with ties and missing classes."""

import numpy as np
import pytest
from sklearn import metrics

from jaxdl.score import classification as ours


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
def test_precision_recall_and_f1(seed, average):
    random = np.random.default_rng(seed)
    true, said = random.integers(0, 4, 40), random.integers(0, 5 if seed % 2 else 3, 40)
    counts = ours.confusion_matrix(true, said, 6)  # class 5 neither occurs nor is said
    np.testing.assert_array_equal(counts, metrics.confusion_matrix(true, said, labels=range(6)))
    theirs = metrics.precision_recall_fscore_support(true, said, labels=range(6), average=average, zero_division=0)
    np.testing.assert_allclose(ours.precision_recall(counts, average), theirs[:3], atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_curves_areas_and_probabilities(seed):
    random = np.random.default_rng(seed)
    positive, scores = random.integers(0, 2, 60), random.integers(0, 20, 60) / 20  # with ties
    curve = ours.roc(positive, scores)
    x, y, _ = metrics.roc_curve(positive, scores, drop_intermediate=False)
    np.testing.assert_allclose((curve.x, curve.y), (x, y), atol=1e-12)
    assert ours.roc_auc(positive, scores) == pytest.approx(metrics.roc_auc_score(positive, scores))
    precision, recall, _ = metrics.precision_recall_curve(positive, scores)
    found = ours.precision_recall_curve(positive, scores)
    np.testing.assert_allclose(found.y, precision[-2::-1], atol=1e-12)
    np.testing.assert_allclose(found.x, recall[-2::-1], atol=1e-12)
    assert ours.average_precision(positive, scores) == pytest.approx(metrics.average_precision_score(positive, scores))
    two = np.stack([1 - scores, scores], 1)
    assert ours.brier(positive, two) == pytest.approx(2 * metrics.brier_score_loss(positive, scores))


def test_many_classes_against_the_rest():
    random = np.random.default_rng(0)
    true, probabilities = random.integers(0, 4, 80), random.dirichlet(np.ones(4), 80)
    expected = metrics.roc_auc_score(true, probabilities, multi_class="ovr")
    assert ours.mean_roc_auc(true, probabilities) == pytest.approx(expected)
