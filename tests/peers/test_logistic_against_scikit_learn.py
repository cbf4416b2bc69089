"""Logistic regression with an L2 penalty beside scikit-learn's."""

import numpy as np
from sklearn import linear_model

from jaxdl.data import tables
from jaxdl.losses.classification import graded_binary
from jaxdl.losses.regularization import l2
from jaxdl.models.classifier import classifier
from jaxdl.models.logistic import LogisticRegression
from jaxdl.optim.chain import Chain
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run


def test_descent_ends_at_scikit_learn_s_coefficients(tmp_path):
    """Its C weighs the summed loss against ½‖w‖², our λ weighs ½‖w‖² against the mean loss: C = 1/(λm)."""
    data, strength = tables.load("breast_cancer"), 0.02
    train, test = (part[np.arange(len(part))] for part in (data.train, data.test))
    task = classifier(
        LogisticRegression(), data, Chain("nesterov", learning_rate=0.2), 500, len(data.train),
        grade=graded_binary, penalty=l2, strength=strength,
    )  # fmt: skip
    result = fit(task, Run(tmp_path, mesh="data=1"))
    peer = linear_model.LogisticRegression(C=1 / (strength * len(data.train)), tol=1e-8, max_iter=1000)
    peer.fit(train["x"], train["label"])
    found = result.state.params["output"]
    np.testing.assert_allclose(found["kernel"][:, 0], peer.coef_[0], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found["bias"], peer.intercept_, rtol=1e-3, atol=1e-4)
    assert abs(result.metrics["test/accuracy"] - peer.score(test["x"], test["label"])) < 1e-6
