"""Beam search finds what it says it finds, with the model's own probabilities."""

import heapq
import itertools
from functools import partial
from operator import itemgetter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.decode.beam import beam_search
from jaxdl.decode.greedy import greedy
from jaxdl.errors import InputError
from jaxdl.models.transformer import Size, Transformer

END, START = 0, 1


def markov(weights, carry, token, xp=jnp):
    """The next token depends on the last alone."""
    return weights["table"][token], carry


def with_history(weights, carry, token, xp=jnp):
    """The next token depends on all before it, through a small recurrent network."""
    h = xp.tanh(weights["mix"] @ carry["h"] + weights["words"][token])
    return weights["read"] @ h, {"h": h, "count": carry["count"] + 1}


MODELS = pytest.mark.parametrize("model", [markov, with_history])


def drawn(seed, vocabulary):
    """Weights of both models."""
    random = np.random.default_rng(seed)
    shapes = {"table": (vocabulary, vocabulary), "mix": (4, 4), "read": (vocabulary, 4), "words": (vocabulary, 4)}
    return {name: 2 * random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def nothing_read(xp=jnp):
    return {"h": xp.zeros(4, xp.float32), "count": xp.int32(0)}


@partial(jax.jit, static_argnames=("model", "limit", "width", "alpha", "banned"))
def searched(model, weights, prompt, limit, width, alpha=0.7, banned=()):
    return beam_search(
        partial(model, weights), nothing_read(), prompt, limit, width, end=END, alpha=alpha, banned=banned
    )


def search(model, seed, limit, width, vocabulary=27, **options):
    return searched(model, drawn(seed, vocabulary), jnp.array([START]), limit, width, **options)


def log_probability(model, seed, tokens, vocabulary=27):
    """log P of a sentence, step by step, in NumPy and float64."""
    weights, carry = drawn(seed, vocabulary), nothing_read(np)
    total, last = 0.0, START
    for token in tokens:
        logits, carry = model(weights, carry, last, np)
        logits = logits.astype(np.float64)
        total += logits[token] - np.log(np.exp(logits).sum())
        last = token
    return total


def sentences(tokens, limit):
    """All that end by the limit, and all of its length that don't."""
    others = [token for token in tokens if token != END]
    for length in range(limit):
        yield from ([*begin, END] for begin in itertools.product(others, repeat=length))
    yield from map(list, itertools.product(others, repeat=limit))


def plainly(model, seed, vocabulary, limit, width, alpha):
    """[(score, tokens)] of the same search, to the limit whatever has ended, in lists."""
    weights = drawn(seed, vocabulary)
    alive, ended = [(0.0, [], nothing_read(np))], []
    for _ in range(limit):
        longer = []
        for log_p, tokens, carry in alive:
            logits, carry = model(weights, carry, tokens[-1] if tokens else START, np)
            rest = log_p + logits - np.log(np.exp(logits.astype(np.float64)).sum())
            longer += [(rest[token], [*tokens, token], carry) for token in range(vocabulary)]
        best = heapq.nlargest(width, longer, key=lambda hypothesis: hypothesis[0])
        ended += [hypothesis for hypothesis in best if hypothesis[1][-1] == END]
        alive = [hypothesis for hypothesis in best if hypothesis[1][-1] != END]
    scored = [(log_p / len(tokens) ** alpha, tokens) for log_p, tokens, _ in ended + alive]
    return heapq.nlargest(width, scored, key=lambda pair: pair[0])


def found(beams):
    """Each sentence, as a list; none for the places that nothing fills."""
    rows = zip(np.asarray(beams.tokens), np.asarray(beams.lengths), strict=True)
    return [tokens[:length].tolist() for tokens, length in rows if length]


@MODELS
@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_width_1_is_greedy(model, alpha):
    prompt = jnp.array([START])

    @jax.jit
    @jax.vmap
    def both(weights):
        beam = searched(model, weights, prompt, 6, 1, alpha, banned=(2,))
        return beam, greedy(partial(model, weights), nothing_read(), prompt, 6, end=END, banned=(2,))

    beam, one = both(jax.tree.map(lambda *leaves: jnp.stack(leaves), *(drawn(seed, 6) for seed in range(30))))
    np.testing.assert_array_equal(beam.tokens[:, 0], one.tokens)
    np.testing.assert_array_equal(beam.lengths[:, 0], one.length)
    np.testing.assert_allclose(beam.log_probabilities[:, 0], one.log_probability, rtol=1e-5)
    assert len(set(one.length.tolist())) > 2


@MODELS
@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_as_wide_as_there_are_sentences_it_ranks_them_all(model, alpha):
    """Of 27 tokens 3 may come, in up to 3 steps: 3³ = 27 hypotheses are enough, and fifteen sentences are all."""
    for seed in range(3):
        beams = search(model, seed, limit=3, width=27, alpha=alpha, banned=tuple(range(3, 27)))
        every = {tuple(s): log_probability(model, seed, s) / len(s) ** alpha for s in sentences(range(3), 3)}
        assert sorted(map(tuple, found(beams))) == sorted(every)
        np.testing.assert_allclose(beams.scores[:15], sorted(every.values(), reverse=True), rtol=1e-5)
        assert np.isneginf(beams.scores[15:]).all()
        assert (np.asarray(beams.lengths[15:]) == 0).all()


@MODELS
def test_narrower_than_all_prefixes_it_can_miss_the_best_and_this_test_s_models_show_it(model):
    """So that the law above is not one of tables on which every search succeeds."""
    missed = []
    for seed in range(10, 16):
        best = max(log_probability(model, seed, s, 5) / len(s) ** 0.7 for s in sentences(range(5), 4))
        missed.append(float(search(model, seed, 4, 1, 5).scores[0]) < best - 1e-3)
    assert any(missed)


@MODELS
@pytest.mark.parametrize("width", [2, 5])
def test_stopping_early_changes_nothing(model, width):
    """Beside the same search in lists, that goes on to the limit."""
    for seed, alpha in itertools.product(range(4), (0.0, 0.7, 1.5)):
        beams = search(model, seed, 8, width, 5, alpha=alpha)
        expected = plainly(model, seed, 5, 8, width, alpha)
        np.testing.assert_allclose(beams.scores, [score for score, _ in expected], rtol=1e-5, atol=1e-5)
        if model is with_history:  # in a table, sentences of the same steps in another order are equal
            assert found(beams) == [tokens for _, tokens in expected]


@pytest.mark.parametrize(("end_by", "alpha"), [(3, 0.7), (3, 0.0)])
def test_it_does_stop_early(end_by, alpha):
    """All that could still be found has ended by step 3; whoever reads on meets NaN."""

    def step(count, token):
        ends = jnp.where(count >= end_by - 1, 30.0, 0.0) * jax.nn.one_hot(END, 5)
        return jnp.where(count < end_by, ends, jnp.nan), count + 1

    beams = beam_search(step, jnp.int32(0), jnp.array([START]), 50, 4, end=END, alpha=alpha)
    assert np.isfinite(beams.scores).all()
    assert int(beams.lengths.max()) <= end_by


@MODELS
def test_a_score_is_the_model_s_own_log_probability_over_a_power_of_the_length(model):
    beams = search(model, 3, limit=5, width=6, vocabulary=7, banned=(4,))
    assert len(found(beams)) == 6
    assert len(set(beams.lengths.tolist())) > 1
    for place, tokens in enumerate(found(beams)):
        expected = log_probability(model, 3, tokens, 7)
        np.testing.assert_allclose(beams.log_probabilities[place], expected, rtol=1e-5)
        np.testing.assert_allclose(beams.scores[place], expected / len(tokens) ** 0.7, rtol=1e-5)


@MODELS
def test_the_beams_are_distinct_end_once_are_padded_with_the_end_and_come_best_first(model):
    beams = search(model, 1, limit=6, width=8, alpha=0.7)
    rows = found(beams)
    assert len({tuple(tokens) for tokens in rows}) == len(rows) == 8
    for tokens, padded in zip(rows, np.asarray(beams.tokens), strict=True):
        assert END not in tokens[:-1]
        assert tokens[-1] == END or len(tokens) == 6
        assert (padded[len(tokens) :] == END).all()
    assert (np.diff(beams.scores) <= 0).all()


def by_hand(table, limit, alpha=0.0):
    """The two beams from P(next | last), whose last row is that of the start."""
    log_p = jnp.log(jnp.array(table))
    prompt = jnp.array([len(table) - 1])
    return beam_search(lambda carry, token: (log_p[token], carry), (), prompt, limit, 2, end=END, alpha=alpha)


@pytest.mark.parametrize(("alpha", "length", "score"), [(0.0, 1, np.log(0.4)), (1.0, 4, np.log(0.6))])
def test_length_normalisation_lets_the_long_sentence_win_by_hand(alpha, length, score):
    beams = by_hand([[0.4, 0.6], [0.4, 0.6]], 4, alpha)  # ln .4 = −.92, and ln .6⁴ = −2.04, a quarter of it −.51
    assert int(beams.lengths[0]) == length
    np.testing.assert_allclose(beams.scores[0], score, rtol=1e-5)


def test_what_has_ended_is_kept_though_open_ones_pass_it_by_for_a_while():
    """The end at once has .21; then two are open with .30 and .24, and fall to a fifth of that."""
    fifths = [0.2, 0.2, 0.2, 0.2, 0.2, 0.0]
    beams = by_hand([fifths, [0.05, 0, 0.05, 0.5, 0.4, 0], fifths, fifths, fifths, [0.21, 0.6, 0.19, 0, 0, 0]], 6)
    assert found(beams) == [[0], [1, 3, 0]]
    np.testing.assert_allclose(np.exp(beams.log_probabilities), [0.21, 0.06], rtol=1e-5)


def test_one_that_ended_takes_no_place_from_those_that_are_open():
    """The end at once has .2, yet two are open after it, with .48 and .32: the best ends the second of them."""
    fifths = [0.2, 0.2, 0.2, 0.2, 0.2]
    beams = by_hand([fifths, [0, 0, 0.6, 0.4, 0], fifths, [0.99, 0.01, 0, 0, 0], [0.2, 0.8, 0, 0, 0]], 4)
    assert found(beams) == [[1, 3, 0], [0]]
    np.testing.assert_allclose(np.exp(beams.log_probabilities), [0.8 * 0.4 * 0.99, 0.2], rtol=1e-5)


@MODELS
def test_companions_of_the_batch_change_nothing(model):
    weights, prompts = drawn(1, 6), jnp.arange(1, 6)[:, None]
    together = jax.vmap(lambda prompt: searched(model, weights, prompt, 7, 3))(prompts)
    assert len(set(together.lengths[:, 0].tolist())) > 1
    for place, prompt in enumerate(prompts):
        alone = searched(model, weights, prompt, 7, 3)
        np.testing.assert_array_equal(alone.tokens, together.tokens[place])
        np.testing.assert_allclose(alone.scores, together.scores[place], rtol=1e-5)


def test_a_longer_limit_changes_nothing_where_all_sentences_end_before():
    def step(count, token):
        logits = jnp.array([0.0, 1.0, 0.5, 0.2, -1.0]) + 0.1 * token
        return jnp.where((jnp.arange(5) == END) | (count < 3), logits, -jnp.inf), count + 1

    short, long = (beam_search(step, jnp.int32(0), jnp.array([START]), limit, 4, end=END) for limit in (4, 9))
    np.testing.assert_array_equal(short.tokens, long.tokens[:, :4])
    assert (long.tokens[:, 4:] == END).all()
    np.testing.assert_array_equal(short.lengths, long.lengths)
    np.testing.assert_allclose(short.scores, long.scores, rtol=1e-6)


@MODELS
def test_a_banned_token_never_comes_and_an_impossible_end_means_the_limit(model):
    beams = search(model, 2, limit=5, width=6, banned=(END, 3))
    assert not np.isin(np.asarray(beams.tokens), [END, 3]).any()
    assert beams.lengths.tolist() == [5] * 6


@MODELS
def test_log_probabilities_do_as_well_as_logits(model):
    def normalised(weights, carry, token):
        logits, carry = model(weights, carry, token)
        return jax.nn.log_softmax(logits), carry

    ours, other = (search(step, 4, 5, 3, 6) for step in (model, normalised))
    np.testing.assert_array_equal(ours.tokens, other.tokens)
    np.testing.assert_allclose(ours.scores, other.scores, rtol=1e-5)


def test_the_whole_prompt_is_read_once():
    def summing(total, token):
        return 9.0 * jax.nn.one_hot(total + token, 40), total + token

    beams = beam_search(summing, jnp.int32(0), jnp.array([1, 2, 4]), 3, 3, end=39, alpha=0.0)
    assert found(beams)[0] == [7, 14, 28]


def test_a_cached_transformer_s_beams_have_the_probabilities_of_its_full_pass_padded_or_not():
    size = Size(layers=1, width=8, heads=2, hidden=8, dropout=0.0, limit=8)
    model, source, real = Transformer(9, size), jnp.array([3, 5, 7, 8, 8]), jnp.arange(5) < 3
    shapes = jax.eval_shape(model.init, jax.random.key(0), source, real, source)
    random = np.random.default_rng(0)  # larger than initial weights, so that what was read before matters
    every = jax.tree.map(lambda leaf: jnp.asarray(random.normal(size=leaf.shape), leaf.dtype), shapes)

    @jax.jit
    @jax.vmap
    def translated(source):
        carry = model.apply(every, source, real, 6, method="start")
        step = lambda carry, token: model.apply(every, carry, token, method="step")  # noqa: E731
        return beam_search(step, carry, jnp.array([START]), 6, 4, end=END)

    beams, otherwise_padded = (
        jax.tree.map(itemgetter(place), translated(jnp.stack([source, source.at[3:].set(2)]))) for place in (0, 1)
    )
    np.testing.assert_array_equal(beams.tokens, otherwise_padded.tokens)
    np.testing.assert_allclose(beams.scores, otherwise_padded.scores, rtol=1e-5)
    read = jnp.pad(beams.tokens[:, :-1], ((0, 0), (1, 0)), constant_values=START)
    unpadded = lambda target: model.apply(every, source[:3], real[:3], target)  # noqa: E731
    log_p = jax.nn.log_softmax(jax.jit(jax.vmap(unpadded))(read))
    each = jnp.take_along_axis(log_p, beams.tokens[..., None], -1)[..., 0]
    counted = jnp.arange(6) < beams.lengths[:, None]
    np.testing.assert_allclose(beams.log_probabilities, (each * counted).sum(1), rtol=1e-4)


@pytest.mark.parametrize(
    ("width", "limit", "options", "message"),
    [
        (0, 3, {}, "beam width 0: expected 1, which is greedy, to 6"),
        (7, 3, {}, "beam width 7: expected 1, which is greedy, to 6"),
        (2, 0, {}, "limit of 0"),
        (2, 3, {"alpha": -0.5}, "alpha -0.5"),
        (2, 3, {"alpha": float("nan")}, "alpha nan"),
        (2, 3, {"banned": (6,)}, r"banned tokens \[6\]"),
    ],
)
def test_what_can_t_be_searched_is_refused(width, limit, options, message):
    with pytest.raises(InputError, match=message):
        search(markov, 0, limit, width, 6, **options)


def test_an_empty_prompt_is_refused():
    with pytest.raises(InputError, match="prompt of 0"):
        searched(markov, drawn(0, 6), jnp.zeros(0, jnp.int32), 3, 2)
