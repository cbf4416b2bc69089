"""Sliding windows: which window shows which digit, by hand; and that both ways give the scores of a trained network."""

import numpy as np
import pytest

from experiments.vision import sliding_window
from experiments.vision.sliding_window import BACKGROUND, Config, costs, peaks, truths
from jaxdl.data.source import Arrays
from jaxdl.train.settings import Run

CONFIG = Config(scenes=200, epochs=4, rounds=2, images=2, seeds=1)


def test_a_digit_belongs_to_the_window_it_is_in_the_middle_of():
    centers = np.array([[16.0, 16.0], [25.0, 48.0], [8.0, 30.0]])  # (x, y); the last is too near to the edge
    boxes = np.concatenate([centers - 5, centers + 5], 1)[None]
    part = Arrays({"boxes": boxes, "labels": np.array([[3, 4, 5]]), "present": np.array([[True, True, True]])})
    truth = truths(CONFIG, part)[0]
    assert truth.shape == (9, 9)
    assert (truth[0, 0], truth[8, 2]) == (3, 4)
    assert (truth == BACKGROUND).sum() == 79


def test_a_window_is_shown_where_none_around_it_is_surer():
    chance = np.zeros((3, 4, BACKGROUND + 1))
    chance[..., BACKGROUND] = [[0.9, 0.2, 0.9, 0.9], [0.9, 0.3, 0.9, 0.9], [0.9, 0.9, 0.9, 0.4]]
    assert peaks(chance).tolist() == [[0, 1], [2, 3]]


def test_a_convolution_needs_several_times_fewer_multiplications():
    places, apart, at_once = costs(CONFIG)
    assert (places, apart) == (81, 81 * (28**2 * 150 + 10**2 * 2400 + 400 * 120 + 120 * 84 + 84 * 11))
    assert 4 < apart / at_once < 6


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return sliding_window.measure(CONFIG, Run(tmp_path_factory.mktemp("sliding"), mesh="data=1"))


def test_all_windows_of_all_test_scenes_have_the_same_scores_both_ways(measured):
    found, _, _ = measured
    assert found["largest score"] > 1
    assert found["largest difference"] < 1e-5


def test_both_ways_are_timed_in_turn(measured):
    _, seconds, _ = measured
    assert {name: len(values) for name, values in seconds.items()} == {"window by window": 2, "as a convolution": 2}
    assert min(map(np.min, seconds.values())) > 0


def test_a_short_training_names_digits_and_keeps_the_background(measured):
    found, _, _ = measured
    assert found["digits named"] > 0.3
    assert found["background kept"] > 0.6
