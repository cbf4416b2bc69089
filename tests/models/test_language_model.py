"""A language model reads in order, hands its state on, and gives sentences their probability."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_task
from jaxdl.decode.sampling import sample
from jaxdl.errors import InputError
from jaxdl.models.language_model import LanguageModel, language_model, log_probability, stepper
from jaxdl.models.transformer import Size, TransformerLM
from jaxdl.optim.chain import Chain
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run

TEXT = np.random.default_rng(0).integers(0, 6, 300)
MODEL = LanguageModel(6, embedding=5, hidden=7, layers=2)


def initialised(model, seed=0):
    return model.init(jax.random.key(seed), jnp.zeros(1, jnp.int32))["params"]


def task(model=MODEL, epochs=1, **options):
    texts = {"train": TEXT, "dev": TEXT[:100]}
    return language_model(model, texts, Chain("adam", learning_rate=1e-2), epochs, 4, 8, context=8, **options)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_text_in_two_pieces_is_read_as_in_one(cell):
    model = dataclasses.replace(MODEL, cell=cell)
    params = initialised(model)
    whole, end = model.apply({"params": params}, jnp.asarray(TEXT[:20]))
    first, carry = model.apply({"params": params}, jnp.asarray(TEXT[:9]), model.start())
    second, last = model.apply({"params": params}, jnp.asarray(TEXT[9:20]), carry)
    np.testing.assert_allclose(jnp.concatenate([first, second]), whole, atol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), last, end)


def test_no_logits_know_the_tokens_after_them():
    model, params = MODEL, initialised(MODEL)
    one = model.apply({"params": params}, jnp.array([1, 2, 3, 4]))[0]
    other = model.apply({"params": params}, jnp.array([1, 2, 5, 0]))[0]
    np.testing.assert_array_equal(one[:2], other[:2])
    assert not np.allclose(one[2], other[2])


def test_the_probabilities_of_all_sentences_of_a_length_sum_to_one():
    params = initialised(MODEL)
    sentences = jnp.stack(jnp.meshgrid(*[jnp.arange(6)] * 3, indexing="ij"), -1).reshape(-1, 3)
    sentences = jnp.concatenate([jnp.full((len(sentences), 1), 2), sentences], 1)
    log_p = jax.vmap(lambda sentence: log_probability(MODEL, params, sentence))(sentences)
    np.testing.assert_allclose(jnp.exp(log_p).sum(), 1, rtol=1e-5)


def test_a_drawn_sentence_has_the_log_probability_that_the_model_gives_it():
    params = initialised(MODEL)
    drawn = sample(stepper(MODEL, params), MODEL.start(), jnp.array([2]), jax.random.key(3), 12, end=3)
    sentence = jnp.concatenate([jnp.array([2]), drawn.tokens[: drawn.length]])
    np.testing.assert_allclose(drawn.log_probability, log_probability(MODEL, params, sentence), rtol=1e-5)


def test_tied_embeddings_leave_out_the_output_matrix():
    count = lambda model: sum(leaf.size for leaf in jax.tree.leaves(initialised(model)))  # noqa: E731
    tied = dataclasses.replace(MODEL, tied=True)
    assert count(MODEL) - count(tied) == 7 * 6 - 7 * 5  # the output matrix went, a layer to the embedding's width came
    params = initialised(dataclasses.replace(tied, hidden=5))
    moved = jax.tree.map(lambda x: x, params)
    moved["embed"]["embedding"] = params["embed"]["embedding"].at[4].add(1)
    logits = [dataclasses.replace(tied, hidden=5).apply({"params": p}, jnp.array([1, 2]))[0] for p in (params, moved)]
    assert (np.abs(logits[0] - logits[1]) > 1e-7).tolist() == [[False] * 4 + [True, False]] * 2


def test_gradients_are_checked_with_a_state_handed_on():
    assert check_task(task(), sample=40).ok


def test_training_hands_the_state_on_from_segment_to_segment():
    """The loss of the second batch is that of the whole text's second segment, not of one that begins anew."""
    one = task()
    params, model_state = one.init(jax.random.key(0))
    first, second = one.train.batch(0, seed=0), one.train.batch(1, seed=0)
    row = lambda batch: {name: jnp.asarray(values[1]) for name, values in batch.items()}  # noqa: E731
    state = {"carry": jax.tree.map(lambda rows: rows[1] + 9.0, model_state["carry"])}  # 9: to be put to zero at first
    _, (state, _) = one.loss(params, state, row(first), jax.random.key(0))
    cost, _ = one.loss(params, state, row(second), jax.random.key(0))
    text = jnp.concatenate([row(first)["tokens"], row(second)["tokens"], row(second)["targets"][-1:]])
    expected = log_probability(MODEL, params, text) - log_probability(MODEL, params, text[:9])
    np.testing.assert_allclose(cost.total, -expected, rtol=1e-5)


def test_a_model_that_knows_nothing_needs_log2_of_the_vocabulary_a_token(tmp_path):
    """At rate 0 and with all weights zero, each of 99 tokens of dev costs log2(6) bits."""
    zero = dataclasses.replace(task(), optimizer=Chain("gd", learning_rate=1e-9).build(1, 1), steps=1)
    init = zero.init
    zero = dataclasses.replace(zero, init=lambda key: (jax.tree.map(jnp.zeros_like, init(key)[0]), init(key)[1]))
    result = fit(zero, Run(tmp_path, mesh="data=1", quiet=True))
    np.testing.assert_allclose(result.metrics["dev/bits"], math.log2(6), rtol=1e-4)


def test_it_learns_a_text_that_repeats_itself(tmp_path):
    texts = {"train": np.tile(np.arange(6), 200), "dev": np.tile(np.arange(6), 20)}
    model = LanguageModel(6, embedding=8, hidden=16)
    one = language_model(model, texts, Chain("adam", learning_rate=2e-2), 4, 8, 10, context=8)
    assert fit(one, Run(tmp_path, mesh="data=1", quiet=True)).metrics["dev/bits"] < 0.1


def test_a_transformer_learns_the_same_text(tmp_path):
    texts = {"train": np.tile(np.arange(6), 200), "dev": np.tile(np.arange(6), 20)}
    size = Size(layers=1, width=16, heads=2, hidden=32, dropout=0.0, norm="pre", limit=32)
    one = language_model(TransformerLM(6, size), texts, Chain("adam", learning_rate=1e-2), 4, 8, 10, context=8)
    assert fit(one, Run(tmp_path, mesh="data=1", quiet=True)).metrics["dev/bits"] < 0.1


def test_tokens_outside_the_vocabulary_and_short_sentences_are_refused():
    with pytest.raises(InputError, match="token 5 at index"):
        language_model(LanguageModel(5), {"train": TEXT}, Chain("adam", learning_rate=1e-3), 1, 4, 8)
    with pytest.raises(InputError, match="one more"):
        log_probability(MODEL, initialised(MODEL), jnp.array([2]))
