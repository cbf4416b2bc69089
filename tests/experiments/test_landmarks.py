"""Landmarks: distances by hand; and that a short training comes nearer than the mean landmark."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.vision import landmarks
from experiments.vision.landmarks import Config, blindly, grade
from jaxdl.train.settings import Run

CONFIG = Config(scenes=1200, epochs=5, seeds=1)
TRUE = np.array([[8.0, 4.0], [9.0, 20.0], [4.0, 10.0], [16.0, 12.0]], np.float32)


def example(present=(True,) * 4):
    return {"landmarks": jnp.asarray(TRUE)[None], "landmark_present": jnp.array([present]), "mask": 1.0}


def test_a_landmark_3_and_4_pixels_off_is_5_pixels_off():
    off = np.array([[0, 0], [3, 4], [0, 0], [0, 1]])
    graded = grade(CONFIG, jnp.asarray((TRUE + off) / 32).ravel(), example())
    assert float(graded["pixels"].value) == pytest.approx(6 / 4, abs=1e-5)
    each = [float(graded[f"{name} (pixels)"].value) for name in ("top", "bottom", "left", "right")]
    assert each == pytest.approx([0, 5, 0, 1], abs=1e-5)
    assert float(graded["loss"].value) == pytest.approx((25 + 1) / 32**2 / 4)


def test_a_landmark_that_is_not_there_is_not_scored():
    graded = grade(CONFIG, jnp.zeros(8), example((False, True, False, False)))
    assert float(graded["pixels"].weight) == 1
    assert float(graded["pixels"].value) == pytest.approx(np.hypot(9, 20), rel=1e-5)
    assert float(graded["loss"].value) == pytest.approx((9**2 + 20**2) / 32**2)


def test_who_is_told_the_box_is_right_where_all_digits_are_alike():
    boxes = np.array([[[0.0, 0, 4, 8]], [[10, 10, 12, 14]]])
    points = np.array([[[[1.0, 2]]], [[[10.5, 11]]]])  # a quarter of each side from the corner
    part = SimpleNamespace(fields={"boxes": boxes, "landmarks": points})
    found = blindly(SimpleNamespace(train=part, test=part))
    assert found["told the box"] == pytest.approx(0)
    assert found["always the mean landmark"] == pytest.approx(np.hypot(9.5, 9) / 2)


def test_the_network_comes_nearer_than_the_mean_landmark(tmp_path):
    found, _ = landmarks.measure(CONFIG, Run(tmp_path, mesh="data=1"))
    assert found["the network"] < 0.6 * found["always the mean landmark"]
    assert found["told the box"] < found["always the mean landmark"]
