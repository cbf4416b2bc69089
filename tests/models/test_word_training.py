"""Word vectors as Tasks: the right pairs, the right losses, the right gradients."""

from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_task
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError
from jaxdl.losses.embedding import Cooccurrence, huffman
from jaxdl.models.word_training import Method, glove_vectors, skip_gram, skip_gram_pairs, word_model
from jaxdl.models.word_vectors import NeuralLanguageModel
from jaxdl.optim.chain import Chain
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run

TEXTS = [np.array([4, 5, 6, 7]), np.array([8]), np.array([9, 4, 4])]
PAIRS = skip_gram_pairs(TEXTS, window=2)
ADAM = Chain("adam", learning_rate=0.1)
COUNTS = Cooccurrence(np.array([0, 1], np.int32), np.array([1, 0], np.int32), np.array([3.0, 8.0], np.float32))
CYCLE = np.tile(np.arange(6), 30)


def contexts(tokens, width=2):
    return np.stack([tokens[place : len(tokens) - width + place] for place in range(width)], -1), tokens[width:]


def first_loss(task, word=4, context=5):
    """The loss of one pair before any training."""
    params, _ = task.init(jax.random.key(0))
    example = {"word": jnp.array(word), "context": jnp.array(context), "mask": jnp.array(1.0), "row": jnp.array(0)}
    cost, _ = task.loss(params, {}, example, jax.random.key(1))
    return float(cost.total)


def test_pairs_are_of_words_in_one_text_and_no_further_apart_than_the_window():
    found = sorted(zip(PAIRS.fields["word"].tolist(), PAIRS.fields["context"].tolist(), strict=True))
    one_way = [(4, 5), (5, 6), (6, 7), (4, 6), (5, 7), (9, 4), (4, 4), (9, 4)]
    assert found == sorted(one_way + [(b, a) for a, b in one_way])


def test_before_training_each_method_s_loss_is_that_of_a_fair_guess():
    """ln V of all words, ln 2 for each turn in the tree, ln 2 for each of 1 + 7 candidates."""
    softmax, tree, noise = (skip_gram(PAIRS, 10, ADAM, 1, method=method, negatives=7) for method in get_args(Method))
    turns = huffman(np.bincount(PAIRS.fields["context"], minlength=10)).known[5].sum()
    assert first_loss(softmax) == pytest.approx(np.log(10), rel=1e-5)
    assert first_loss(tree) == pytest.approx(turns * np.log(2), rel=1e-5)
    assert first_loss(noise) == pytest.approx(8 * np.log(2), rel=1e-5)


def test_noise_is_drawn_as_often_as_contexts_occur_to_the_power_three_quarters():
    """Only word 0 costs more than ln 2 as noise, ln(1 + e⁵): the mean loss tells how often it is drawn."""
    contexts = np.repeat(np.arange(3), [81, 16, 1]).astype(np.int32)
    pairs = Arrays({"word": np.ones(98, np.int32), "context": contexts})
    task = skip_gram(pairs, 3, ADAM, 1, dimension=1, negatives=4)
    params = {"e": jnp.ones((3, 1)), "theta": jnp.array([[5.0], [0.0], [0.0]])}
    example = {"word": jnp.array(1), "context": jnp.array(2), "mask": jnp.array(1.0)}
    keys = jax.random.split(jax.random.key(0), 20_000)
    mean = jax.vmap(lambda key: task.loss(params, {}, example, key)[0].total)(keys).mean()
    share = 27 / (27 + 8 + 1)
    assert float(mean) == pytest.approx(
        np.log(2) + 4 * (share * np.log1p(np.exp(5)) + (1 - share) * np.log(2)), rel=0.01
    )


def test_glove_s_first_loss_is_the_weighted_square_of_the_log_of_its_count():
    task = glove_vectors(COUNTS, 2, ADAM, 1, dimension=1000, x_max=16.0)
    params, _ = task.init(jax.random.key(0))
    example = {name: jnp.asarray(values[1]) for name, values in COUNTS._asdict().items()}
    cost, _ = task.loss(params, {}, {**example, "mask": jnp.array(1.0)}, jax.random.key(0))
    assert float(cost.total) == pytest.approx(0.5**0.75 * np.log(8) ** 2, rel=1e-2)  # its dot product is about 1e-5


@pytest.mark.parametrize(
    "task",
    [
        *(skip_gram(PAIRS, 10, ADAM, 5, method=method, dimension=3, batch_size=4) for method in get_args(Method)),
        glove_vectors(COUNTS, 2, ADAM, 5, dimension=3, batch_size=2),
        word_model(NeuralLanguageModel(6, 3, 4, context=2), {"train": contexts(CYCLE)}, ADAM, 1, 8),
    ],
)
def test_gradients_are_right(task):
    report = check_task(task, sample=20)
    assert report.ok, str(report)


def test_words_that_follow_from_the_two_before_them_are_learnt_to_a_perplexity_of_one(tmp_path):
    sets = {"train": contexts(CYCLE), "test": contexts(CYCLE[:50])}
    task = word_model(NeuralLanguageModel(6, 4, 8, context=2), sets, Chain("adam", learning_rate=0.03), 10, 16)
    result = fit(task, Run(tmp_path, mesh="data=1", quiet=True))
    assert set(result.metrics) == {"test/loss"}
    assert result.metrics["test/loss"] < 0.05
    said = task.predict(result.state.params, {}, {"context": jnp.array([[1, 2], [4, 5]])})
    assert said.argmax(-1).tolist() == [3, 0]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: skip_gram(PAIRS, 10, ADAM, 1, method="negative_sampling"), "negative sampling"),
        (lambda: skip_gram(PAIRS, 9, ADAM, 1), "token 9 .* expected 0 … 8"),
        (lambda: glove_vectors(COUNTS, 1, ADAM, 1), "token 1 .* expected 0 … 0"),
        (lambda: skip_gram_pairs([np.array([1]), np.array([2])], 2), "2 texts, none of two tokens"),
    ],
)
def test_what_can_t_be_trained_on_is_refused(act, message):
    with pytest.raises(InputError, match=message):
        act()
