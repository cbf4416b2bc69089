"""A generator reads each sequence by itself, from <SOS> to <EOS>, and so does the count model it has to beat."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_task
from jaxdl.data.source import Arrays
from jaxdl.data.text import EOS, PAD, SOS, Sequences, Vocabulary, pad
from jaxdl.errors import InputError
from jaxdl.models.generator import CountModel, drawn, generator, shifted
from jaxdl.models.language_model import LanguageModel, log_probability
from jaxdl.optim.chain import Chain
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run

TEXTS = ["ab", "abc", "a", "cc"]
ADAM = Chain("adam", learning_rate=2e-2)


def data(texts=TEXTS, limit=4):
    vocabulary = Vocabulary.build(["abc"])
    tokens, length = pad([vocabulary.encode(text) for text in texts], limit)
    source = Arrays({"tokens": tokens, "length": length})
    return Sequences(source, source, source, vocabulary)


def model(**changes):
    return LanguageModel(**{"vocabulary": 7, "cell": "gru", "embedding": 3, "hidden": 5, **changes})


def test_each_token_is_told_from_those_before_it_and_the_end_from_all():
    seen, targets, weight = shifted(jnp.array([4, 5, PAD, PAD]), jnp.int32(2))
    np.testing.assert_array_equal(seen, [SOS, 4, 5, PAD, PAD])
    np.testing.assert_array_equal(targets, [4, 5, EOS, PAD, PAD])
    np.testing.assert_array_equal(weight, [1, 1, 1, 0, 0])
    seen, targets, weight = shifted(jnp.array([4, 5]), jnp.int32(2))
    np.testing.assert_array_equal((seen, targets, weight), ([SOS, 4, 5], [4, 5, EOS], [1, 1, 1]))


def test_the_loss_of_all_sequences_is_their_log_probability_whatever_the_padding():
    for limit in (3, 6):
        sequences = data(limit=limit)
        task = generator(model(), sequences, ADAM, 1, 2)
        params, _ = task.init(jax.random.key(0))
        fields = {**sequences.train.fields, "mask": np.ones(len(TEXTS), np.float32)}
        found = jax.vmap(lambda example, p=params, t=task: t.score(p, {}, example))(fields)
        expected = [
            -float(log_probability(model(), params, jnp.array([SOS, *sequences.vocabulary.encode(text), EOS])))
            for text in TEXTS
        ]
        np.testing.assert_allclose(found["loss"].total, expected, rtol=1e-5)
        np.testing.assert_array_equal(found["loss"].weight, [len(text) + 1 for text in TEXTS])
        np.testing.assert_allclose(found["bits"].total, np.array(expected) / math.log(2), rtol=1e-5)


def test_its_gradients_are_right():
    report = check_task(generator(model(dropout=0.0), data(), ADAM, 1, 2), sample=20)
    assert report.ok, str(report)


@pytest.mark.parametrize("buckets", [1, 2])
def test_it_learns_the_one_sequence_there_is_and_says_it(buckets, tmp_path):
    sequences = data(["abca"] * 8, limit=6)
    task = generator(model(hidden=12), sequences, ADAM, 60, 4, buckets=buckets)
    result = fit(task, Run(tmp_path, mesh="data=1", quiet=True))
    assert result.metrics["test/bits"] < 0.05
    made = drawn(model(hidden=12), result.state.params, jax.random.key(0), 20, 9, 0.5)
    assert {"".join(sequences.vocabulary.decode(tokens)) for tokens in made} == {"abca"}


def test_what_is_drawn_holds_only_symbols_and_no_more_than_the_limit():
    sequences = data()
    params, _ = generator(model(), sequences, ADAM, 1, 2).init(jax.random.key(0))
    for made in (drawn(model(), params, jax.random.key(1), 50, 5), CountModel.of(sequences, 2).drawn(1, 50, 5)):
        assert len(made) == 50
        assert max(map(len, made)) <= 5
        assert len({len(tokens) for tokens in made}) > 2
        assert {int(token) for tokens in made for token in tokens} <= {4, 5, 6}


def test_the_count_model_knows_a_sequence_alone_by_its_own_start():
    """Of four sequences two begin with a after nothing; a bigram by hand: 3 a, 1 c after <SOS>, two followers, of 4."""
    counted = CountModel.of(data(), 2)
    following = counted.following(np.array([[SOS], [4], [SOS]]))
    np.testing.assert_allclose(following.sum(-1), 1)
    np.testing.assert_array_equal(following[0], following[2])
    # unigram: 16 tokens, 5 of 7 symbols met: (c + 5 / 7) / (n + 5), n = 4 <SOS> + 4 <EOS> + 3 a + 2 b + 3 c
    a = (3 + 5 / 7) / (16 + 5)
    np.testing.assert_allclose(following[0, 4], (3 + 2 * a) / (4 + 2))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_count_model_s_bits_are_those_of_its_next_tokens(order):
    sequences = data()
    counted, total, count = CountModel.of(sequences, order), 0.0, 0
    for text in TEXTS:
        tokens = [SOS] * (order - 1) + sequences.vocabulary.encode(text).tolist() + [EOS]
        for place in range(order - 1, len(tokens)):
            p = counted.following(np.array([tokens[place - order + 1 : place]], np.int64))
            total, count = total - math.log2(p[0, tokens[place]]), count + 1
    assert counted.bits(sequences.test) == pytest.approx(total / count)


def test_the_count_model_s_draws_come_as_often_as_it_says():
    counted = CountModel.of(data(), 3)
    made = [tuple(tokens.tolist()) for tokens in counted.drawn(0, 4000, 6)]
    following = counted.following(np.array([[SOS, SOS], [SOS, 4], [4, 5]]))
    following[:, [0, 1, 2]] = 0
    following /= following.sum(-1, keepdims=True)
    expected = following[0, 4] * following[1, 5] * following[2, EOS]
    assert made.count((4, 5)) / 4000 == pytest.approx(expected, abs=0.03)
    assert 0.05 < expected < 0.9


def test_a_cold_draw_is_the_likeliest_and_a_seed_draws_the_same_again():
    counted = CountModel.of(data(["abc"] * 9 + ["cb"]), 3)
    assert {tuple(tokens.tolist()) for tokens in counted.drawn(0, 30, 6, 0.01)} == {(4, 5, 6)}
    first, again, other = ([tokens.tolist() for tokens in counted.drawn(seed, 30, 6)] for seed in (0, 0, 1))
    assert first == again != other
    assert all(found.count([4, 5, 6]) < 30 for found in (first, other))


def test_the_colder_a_draw_the_likelier_down_to_where_powers_underflow():
    counted = CountModel.of(data(["abc"] * 9 + ["cb"]), 3)
    assert {tuple(tokens.tolist()) for tokens in counted.drawn(0, 30, 6, 1e-6)} == {(4, 5, 6)}
    for temperature in (0.0, -1.0, math.nan):
        with pytest.raises(InputError, match="expected more than 0"):
            counted.drawn(0, 1, 6, temperature)


def test_another_vocabulary_is_refused():
    with pytest.raises(InputError, match="a model of 9 symbols for data of 7"):
        generator(model(vocabulary=9), data(), ADAM, 1, 2)
