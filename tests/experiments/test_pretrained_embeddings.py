"""Vectors of unlabelled text on a shrunken run: words without any label are judged right, and from scratch are not."""

import jax
import numpy as np
import pytest

from experiments.sequences import pretrained_embeddings as experiment
from experiments.sequences.pretrained_embeddings import Config, build, judged, sentiment, tagging
from jaxdl.data import reviews
from jaxdl.data.text import UNK
from jaxdl.train.settings import Run

CONFIG = Config(seeds=1, sentences=1500, reviews=8000, labels=(20,), tested=200, pretraining_steps=1000, steps=60)


def test_where_no_word_of_opinion_was_labelled_scratch_guesses_and_frozen_vectors_know(tmp_path):
    setting = sentiment(CONFIG, 20, 0)
    found = experiment.compared(CONFIG, "sentiment", "reviews", [setting], Run(tmp_path, mesh="data=1"))
    assert 0.3 < found["from scratch"][0] < 0.7
    assert found["frozen"][0] > 0.85


@pytest.mark.parametrize("make", [tagging, sentiment])
def test_labelled_unlabelled_and_tested_texts_are_different_rows(make):
    setting = make(CONFIG, 20, 0)
    assert len(setting.labelled) == 20
    assert len(setting.test) <= CONFIG.tested
    assert len(setting.unlabelled) > 200
    total = len(setting.labelled) + len(setting.unlabelled) + len(setting.test)
    assert total <= len(setting.data.train)


def test_the_reviews_have_no_negation_and_those_tested_no_opinion_that_the_labelled_have():
    setting = sentiment(CONFIG, 20, 0)
    words = {
        name: {*setting.data.vocabulary.decode(part.fields["tokens"].ravel())}
        for name, part in (("labelled", setting.labelled), ("unlabelled", setting.unlabelled), ("test", setting.test))
    }
    opinions = {*reviews.POSITIVE, *reviews.NEGATIVE}
    assert not words["labelled"] & words["test"] & opinions
    assert words["test"] & opinions <= words["unlabelled"]
    for of in words.values():
        assert not of & {"not", "never", "lacking", "far", "without"}


def test_judged_are_the_words_that_no_labelled_sentence_has_and_never_padding():
    setting = tagging(CONFIG, 20, 0)
    seen = {*setting.labelled.fields["tokens"].ravel().tolist()}
    fields, mask = setting.test.fields, judged(setting)
    for row in range(20):
        real = fields["tokens"][row, : fields["length"][row]].tolist()
        assert mask[row, : len(real)].tolist() == [token not in seen for token in real]
        assert not mask[row, len(real) :].any()


def test_from_scratch_a_word_that_the_labelled_texts_have_once_is_unknown():
    setting = tagging(CONFIG, 20, 0)
    tokens = setting.labelled.fields["tokens"]
    known = experiment.as_known(setting.test, setting.labelled).fields["tokens"]
    counts = np.bincount(tokens.ravel(), minlength=len(setting.data.vocabulary))
    assert (known[counts[setting.test.fields["tokens"]] < 2] == UNK).all()
    kept = counts[setting.test.fields["tokens"]] >= 2
    np.testing.assert_array_equal(known[kept], setting.test.fields["tokens"][kept])


def test_only_frozen_vectors_stay_as_they_are():
    setting = sentiment(CONFIG, 20, 0)
    vectors = np.ones((len(setting.data.vocabulary), CONFIG.dimension), np.float32)

    for method, moves in (("frozen", False), ("tuned", True)):
        task = build(CONFIG, "sentiment", method, setting, jax.numpy.asarray(vectors))
        params, _ = task.init(jax.random.key(0))
        np.testing.assert_array_equal(params["embed"]["embedding"], vectors)
        gradient = jax.tree.map(jax.numpy.ones_like, params)
        updates, _ = task.optimizer.update(gradient, task.optimizer.init(params), params)
        assert bool(np.asarray(updates["embed"]["embedding"]).any()) is moves
        assert np.asarray(updates["output"]["kernel"]).any()
