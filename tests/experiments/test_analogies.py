"""Analogies: the notes' table answers queen, and so do vectors that were trained."""

import numpy as np
import pytest

from experiments.sequences import analogies
from experiments.sequences.analogies import TABLE, Config
from jaxdl.optim.chain import Chain
from jaxdl.train.settings import Run


def test_in_the_notes_table_king_less_man_plus_woman_is_queen_at_a_cosine_of_998():
    word, similarity = analogies.king_to_queen()
    assert word == "queen"
    assert similarity == pytest.approx(0.998, abs=5e-4)


def test_in_the_notes_table_that_sum_is_1_05_on_gender_and_94_on_royal():
    king, man, woman = (np.array(TABLE[word]) for word in ("king", "man", "woman"))
    np.testing.assert_allclose(king - man + woman, [1.05, 0.94, 0.69, -0.06], atol=1e-12)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    config = Config(
        seeds=1, sentences=6000, steps=250, dimension=24, optimizer=Chain("adam", learning_rate=2e-2, decay="cosine")
    )
    corpora, vectors = analogies.trained(config, Run(tmp_path_factory.mktemp("run"), mesh="data=1"))
    return corpora, vectors, {name: of[0] for name, of in analogies.measure(corpora, vectors).items()}


def test_trained_vectors_answer_most_questions_and_no_more_if_the_question_s_words_may_be_answers(measured):
    *_, found = measured
    assert found["right"] >= 0.9
    assert 0.5 < found["any answer"] <= found["right"]


def test_the_difference_of_she_and_he_is_the_same_for_all_families_and_not_that_of_plural_and_singular(measured):
    *_, found = measured
    assert found["gender"] > 0.5 > 0.3 > found["gender and number"]


def test_the_picture_names_the_nouns_of_eight_families(measured):
    corpora, vectors, _ = measured
    texts = {text.get_text() for text in analogies.picture(corpora[0], vectors[0]).axes[0].texts}
    assert {"king", "queens", "daughter"} <= texts
    assert len(texts) == 4 * analogies.FAMILIES
