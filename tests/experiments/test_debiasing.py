"""Debiasing on a shrunken run: what was planted is found, and nothing of it is left along the axis."""

import numpy as np
import pytest

from experiments.sequences import debiasing
from experiments.sequences.debiasing import Config
from jaxdl.data import analogies
from jaxdl.optim.chain import Chain
from jaxdl.train.settings import Run

CONFIG = Config(
    seeds=1, sentences=8000, bias=0.9, steps=250, optimizer=Chain("adam", learning_rate=2e-2, decay="cosine")
)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return debiasing.measure(CONFIG, Run(tmp_path_factory.mktemp("run"), mesh="data=1"))[0]


def test_occupations_lie_on_the_side_that_was_planted_and_so_do_pairs_that_the_axis_was_not_made_of(found):
    assert found["women"] > 0.1 > -0.1 > found["men"]
    assert found["she"] > 0.1 > -0.1 > found["he"]


def test_afterwards_every_occupation_is_in_the_middle_and_as_near_to_she_as_to_he(found):
    assert np.abs(found["before"]).max() > 0.1
    assert found["gap"] > 0.1
    assert found["left"] < 1e-6
    assert found["gap_after"] < 1e-6


def test_analogies_of_number_are_as_right_as_before(found):
    assert found["number"] > 0.8
    assert found["number_after"] > found["number"] - 0.05


def test_changes_of_gender_are_the_pairs_of_a_family_that_differ_in_it():
    corpus = analogies.load(1000)
    changes = {tuple(divmod(int(code), len(corpus.vocabulary))) for code in debiasing.changes_of_gender(corpus)}
    man, woman, men, women, king = corpus.vocabulary.encode(["man", "woman", "men", "women", "king"]).tolist()
    assert len(changes) == 20 * 8
    assert {(man, woman), (woman, man), (man, women), (men, woman)} <= changes
    assert not {(man, men), (man, king), (woman, king)} & changes
