"""What counts as a detected trigger, by hand; and that a short training tells most of them and more than none."""

import numpy as np
import pytest

from experiments.sequences import trigger_word
from experiments.sequences.trigger_word import Config, detections, matched, scored
from jaxdl.train.settings import Run


def test_a_trigger_is_detected_where_the_probability_comes_to_one_half():
    probability = np.array([0.9, 0.8, 0.1, 0.5, 0.6, 0.4, 0.2, 0.2, 0.7])
    assert detections(probability, 0) == [0, 3, 8]


def test_a_probability_that_wavers_is_one_detection():
    probability = np.array([0.1, 0.6, 0.4, 0.6, 0.4, 0.1, 0.6])
    assert detections(probability, 2) == [1, 6]


def clip(*frames):
    """P = 1 for five frames from each of these on, of frames of 320 samples every 160."""
    probability = np.zeros((1, 148))
    for frame in frames:
        probability[0, frame : frame + 5] = 1
    return probability


@pytest.mark.parametrize(
    ("frames", "ends", "hits"),
    [
        ((48,), (8000, -1), [0.0]),  # frame 48 has heard 8000 samples
        ((58,), (8000, -1), [0.2]),
        ((40,), (8000, -1), []),  # .16 s too early
        ((100,), (8000, -1), []),  # the label is 0 again
        ((48, 98), (8000, 16000), [0.0, 0.0]),
        ((48,), (8000, 8160), [0.0]),  # one detection is not two triggers
        ((48,), (-1, -1), []),
        ((), (8000, -1), []),
    ],
)
def test_a_detection_is_right_near_the_end_of_a_trigger_and_counts_once(frames, ends, hits):
    delays, said, there = matched(Config(), clip(*frames), np.array([ends]))
    np.testing.assert_allclose(delays, hits, atol=1e-9)
    assert (said, there) == (len(frames), sum(end >= 0 for end in ends))


def test_scores_by_hand():
    assert scored(3, 4, 6) == {"precision": 0.75, "recall": 0.5, "f1": 0.6}
    assert scored(0, 0, 0) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_a_short_training_hears_most_triggers_of_speakers_it_never_heard(tmp_path):
    config = Config(clips=200, size=640, hop=320, hold=12, hidden=32, epochs=25, seeds=1)
    found, _, _ = trigger_word.measure(config, Run(tmp_path, mesh="data=1"))
    assert found["f1"][0] > 0.6
    assert found["accuracy of frames"][0] > found["never a trigger"][0] + 0.03
