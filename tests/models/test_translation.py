"""Sequences to sequences: what the scores mean, and that a model learns to turn words round."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_task
from jaxdl.data.text import EOS, SOS, Pairs
from jaxdl.errors import InputError
from jaxdl.losses.classification import smoothed, soft_cross_entropy
from jaxdl.models.seq2seq import Seq2Seq
from jaxdl.models.transformer import Size, Transformer
from jaxdl.models.translation import begin, graded, stepper, translations, translator
from jaxdl.optim.chain import Chain
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run

ADAM = Chain("adam", learning_rate=1e-2)
SIZE = Size(layers=1, width=16, heads=2, hidden=32, dropout=0.0, norm="pre", limit=8)


def reversed_words(count=240, most=4):
    """Words over four letters, and the same from back to front."""
    random = np.random.default_rng(0)
    texts = ["".join(random.choice(list("abcd"), random.integers(1, most + 1))) for _ in range(count)]
    rows = [(text, (text[::-1],)) for text in texts]
    return Pairs.build([rows, rows[:40], rows[40:80]], list)


DATA = reversed_words()
MODELS = {
    "additive": Seq2Seq(len(DATA.vocabulary), 8, 16),
    "multiplicative": Seq2Seq(len(DATA.vocabulary), 8, 16, "multiplicative"),
    "transformer": Transformer(len(DATA.vocabulary), SIZE),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    task = translator(MODELS["additive"], DATA, ADAM, 25, 40)
    return fit(task, Run(tmp_path_factory.mktemp("run"), mesh="data=1", quiet=True))


def test_it_learns_to_read_from_back_to_front(trained):
    assert trained.metrics["test/exact"] > 0.9


@pytest.mark.parametrize("width", [1, 3])
def test_what_it_translates_is_what_the_score_counts_as_exact(trained, width):
    """Greedy translation is exact just where every token is right after the true ones before it."""
    test = DATA.test[np.arange(40)]
    found = translations(MODELS["additive"], trained.state.params, test, 8, width)
    said = [DATA.vocabulary.decode(row) for row in found.tokens[:, 0]]
    right = np.mean(["".join(one) == texts[0] for one, texts in zip(said, DATA.references["test"], strict=True)])
    assert right == pytest.approx(trained.metrics["test/exact"], abs=1e-6 if width == 1 else 0.1)


def test_a_translation_s_log_probability_is_minus_the_loss_of_it(trained):
    test, model, params = DATA.test[np.arange(3)], MODELS["additive"], trained.state.params
    found = translations(model, params, test, 8, 2)
    for row in range(3):
        size = int(found.lengths[row, 0])
        target = np.concatenate([[SOS], found.tokens[row, 0, :size], np.full(9 - size, EOS)]).astype(np.int32)
        example = {name: jnp.asarray(values[row]) for name, values in test.items()}
        example |= {"target": jnp.asarray(target), "target_length": jnp.int32(size + 1), "mask": jnp.float32(1)}
        task = translator(model, DATA, ADAM, 1, 40)
        cost = task.score(params, {}, example)["loss"].total
        np.testing.assert_allclose(found.log_probabilities[row, 0], -cost, rtol=1e-4)


@pytest.mark.parametrize("name", ["multiplicative", "transformer"])
def test_other_models_are_gradient_checked(name):
    assert check_task(translator(MODELS[name], DATA, ADAM, 1, 40), sample=12, examples=2).ok


def test_the_loss_is_that_of_smoothed_labels_in_training_alone():
    model = MODELS["transformer"]
    task = translator(model, DATA, ADAM, 1, 40, smoothing=0.1)
    params, state = task.init(jax.random.key(0))
    example = {name: jnp.asarray(values[0]) for name, values in next(task.train.iterate(0)).items()}
    logits, target = task.predict(params, state, example), example["target"][1:]
    size = int(example["target_length"]) - 1
    costs = [
        soft_cross_entropy(logits[t], smoothed(jax.nn.one_hot(target[t], logits.shape[1]), 0.1)) for t in range(size)
    ]
    np.testing.assert_allclose(task.loss(params, state, example, jax.random.key(0))[0].value, np.mean(costs), rtol=1e-5)
    assert task.score(params, state, example)["loss"].value != pytest.approx(np.mean(costs), rel=1e-3)


def test_scores_of_a_sequence_by_hand():
    """Two of three tokens are right: accuracy 2/3, exact 0; what stands in the padding counts for nothing."""
    example = {"target": jnp.array([SOS, 5, 6, EOS, 0]), "target_length": jnp.int32(4), "mask": jnp.float32(1)}
    for second, accuracy, exact in [(6, 1.0, 1.0), (7, 2 / 3, 0.0)]:
        said = graded(20 * jax.nn.one_hot(jnp.array([5, second, EOS, 9]), 10), example)
        np.testing.assert_allclose([said["accuracy"].value, said["exact"].value], [accuracy, exact], rtol=1e-6)


def test_a_decoder_begins_with_the_real_source_alone():
    model = MODELS["additive"]
    params, _ = translator(model, DATA, ADAM, 1, 40).init(jax.random.key(0))
    said = [
        stepper(model, params)(begin(model, params, jnp.array(source), jnp.int32(2), 5), jnp.int32(SOS))[0]
        for source in ([4, 5, 0, 0], [4, 5, 6, 7])
    ]
    np.testing.assert_allclose(*said, atol=1e-6)


def test_a_model_of_another_vocabulary_is_refused():
    with pytest.raises(InputError, match="expected the same"):
        translator(replace(MODELS["additive"], vocabulary=3), DATA, ADAM, 1, 40)
