"""The equal error rate is where scikit-learn's ROC curve meets the falling diagonal."""

import numpy as np
import pytest
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import pairwise_distances, roc_curve
from sklearn.neighbors import KNeighborsClassifier

from jaxdl.score.verification import equal_error, one_shot, squared_distances


@pytest.mark.parametrize("seed", range(8))
def test_equal_error_rates(seed):
    random = np.random.default_rng(seed)
    same = random.random(300) < 0.3
    distances = random.integers(0, 12, 300) / 4 + random.random() * ~same  # with ties
    false, true, _ = roc_curve(same, -distances, drop_intermediate=False)
    expected = brentq(lambda x: 1 - x - interp1d(false, true)(x), 0, 1)
    assert equal_error(same, distances).rate == pytest.approx(expected, abs=1e-9)


def test_squared_distances():
    random = np.random.default_rng(0)
    u, v = random.normal(size=(20, 7)), random.normal(size=(30, 7))
    np.testing.assert_allclose(squared_distances(u, v), pairwise_distances(u, v, metric="sqeuclidean"), atol=1e-9)


def test_one_shot_recognition_is_the_nearest_neighbour_of_one_image_each():
    random = np.random.default_rng(1)
    labels = np.repeat(np.arange(3), 10)
    x = random.normal(size=(30, 4)) + labels[:, None]
    ours = one_shot(squared_distances(x, x), labels, 3, 400, seed=2)
    theirs = []
    for _ in range(400):
        known = np.array([random.choice(np.flatnonzero(labels == label)) for label in range(3)])
        asked = np.setdiff1d(np.arange(30), known)
        theirs.append(KNeighborsClassifier(1).fit(x[known], labels[known]).score(x[asked], labels[asked]))
    assert ours == pytest.approx(np.mean(theirs), abs=0.02)
