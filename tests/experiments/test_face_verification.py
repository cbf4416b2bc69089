"""What is judged of pairs and of a gallery's answers, by hand; and a shrunken run."""

import numpy as np
import pytest

from experiments.vision import face_verification
from experiments.vision.face_verification import PIXELS, TRIPLET, Config, judged, recognise, recognition_rates
from jaxdl.decode import gallery
from jaxdl.train.settings import Run

SAME = np.array([True, True, False, False])


def test_the_threshold_that_dev_chose_is_what_unseen_identities_are_judged_at():
    """Dev lies apart at .2, where unseen identities have one of two false accepts and one of two false rejects."""
    dev, test = (SAME, np.array([0.1, 0.2, 0.5, 0.6])), (SAME, np.array([0.1, 0.3, 0.15, 0.6]))
    assert judged(dev, test) == pytest.approx(
        {
            "equal error": 0.5,
            "area under ROC": 0.75,
            "equal error on dev": 0,
            "false accepts": 0.5,
            "false rejects": 0.5,
        }
    )


def test_a_wrong_name_and_a_stranger_who_gets_one_are_both_wrong():
    answers = {"true": np.array(["a", "a", "b", "b", "", ""]), "said": np.array(["a", "b", "", "b", "", "a"])}
    assert recognition_rates(answers) == {"named": 0.5, "left unknown": 0.5}


def test_a_short_training_verifies_and_recognises_identities_it_never_saw(tmp_path):
    config = Config(methods=(TRIPLET,), widths=(16, 32), epochs=6, seeds=1)
    found, held, states = face_verification.measure(config, Run(tmp_path, mesh="data=1", quiet=True))
    scores = {name: of["equal error"][0] for name, of in found.items()}
    assert scores[TRIPLET] < scores[PIXELS]
    assert [len(same) for same, _ in held[TRIPLET][0]] == [271 * 270 / 2, 714 * 713 / 2]
    answers = recognise(config, states[TRIPLET][0], gallery.FURTHEST, 0, tmp_path / "gallery.npz")
    rates = recognition_rates(answers)
    assert rates["named"] > 0.6  # one of three by chance
    assert rates["left unknown"] == 0  # at this threshold nobody is
    assert gallery.load(tmp_path / "gallery.npz").names == tuple("6" * 5 + "7" * 5 + "8" * 5)
    assert not set(answers["known"]) & set(answers["asked"])
    strict = recognise(config, states[TRIPLET][0], 0.0, 0, tmp_path / "gallery.npz")
    assert recognition_rates(strict) == {"named": 0, "left unknown": 1}
