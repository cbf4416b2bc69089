"""Predictions are those of each example alone."""

from dataclasses import replace

import numpy as np
import pytest

from jaxdl.train.predictions import predictions
from jaxdl.train.state import State


@pytest.mark.parametrize("at_once", [1, 3, 7, 100])
def test_each_example_is_told_by_the_weights_and_its_own_fields(make_task, at_once):
    def predict(params, model_state, example):
        return {"sum": params["w"] * example["x"].sum() + model_state["b"], "first": example["x"][0] - example["y"]}

    weights, added = {"w": np.float32(10)}, {"b": np.float32(0.5)}
    state = State(np.int32(0), weights, added, (), np.zeros(2, np.uint32))
    x, y = np.arange(14, dtype=np.float32).reshape(7, 2), np.arange(7, dtype=np.float32)
    found = predictions(replace(make_task(), predict=predict), state, {"x": x, "y": y}, at_once)
    np.testing.assert_allclose(found["sum"], [10.5, 50.5, 90.5, 130.5, 170.5, 210.5, 250.5])
    np.testing.assert_allclose(found["first"], np.arange(0, 7))
    assert isinstance(found["sum"], np.ndarray)
