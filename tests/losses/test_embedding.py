"""The losses of word vectors, noise, Huffman trees and co-occurrence counts."""

import heapq
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.errors import InputError
from jaxdl.losses.embedding import (
    cooccurrence,
    draw_noise,
    glove,
    hierarchical_softmax,
    huffman,
    negative_sampling,
    unigram_noise,
)

RANDOM = np.random.default_rng(0)
ZIPF = np.ceil(1000 / np.arange(1, 61)).astype(int)


def test_negative_sampling_worked_by_hand():
    """σ(0) = 1/2 for the true word, σ(−log 3) = 1/4 for the one, σ(log 3) = 3/4 for the other word of noise."""
    logits = jnp.array([0.0, np.log(3), -np.log(3)])
    np.testing.assert_allclose(negative_sampling(logits), -np.log(1 / 2) - np.log(1 / 4) - np.log(3 / 4), rtol=1e-6)
    np.testing.assert_allclose(jax.grad(negative_sampling)(logits), [1 / 2 - 1, 3 / 4, 1 / 4], rtol=1e-5)


def test_noise_that_is_not_known_costs_nothing_and_has_no_gradient():
    logits = jnp.array([0.3, 1.0, -2.0])
    known = jnp.array([True, False, True])
    np.testing.assert_allclose(negative_sampling(logits, known), negative_sampling(logits[known]), rtol=1e-6)
    assert float(jax.grad(negative_sampling)(logits, known)[1]) == 0


def test_negative_sampling_is_lowest_at_the_mutual_information_less_log_k():
    """Of a word that is context with probability p and noise with q, k times: at z = log(p/q) − log k."""
    p, q, k = 0.2, 0.03, 5

    def expected(z):
        as_context = negative_sampling(z[None])
        as_noise = negative_sampling(jnp.stack([jnp.float32(50), z]))
        return p * as_context + k * q * as_noise

    best = jnp.float32(np.log(p / q) - np.log(k))
    np.testing.assert_allclose(jax.grad(expected)(best), 0, atol=1e-7)
    assert float(jax.hessian(expected)(best)) > 0


@pytest.mark.parametrize("logit", [1e4, -1e4])
def test_logits_of_ten_thousand_give_a_finite_loss_and_gradient(logit):
    logits = jnp.array([logit, logit, -logit])
    for loss in (negative_sampling, lambda z: hierarchical_softmax(z, jnp.array([0, 1, 1]), jnp.ones(3))):
        value, gradient = jax.value_and_grad(loss)(logits)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


def test_the_gradients_are_right_in_float64():
    with jax.enable_x64():
        logits = jnp.asarray(RANDOM.normal(size=6))
        code, known = jnp.arange(6) % 2, jnp.arange(6) < 4
        check_grads(lambda z: negative_sampling(jnp.asarray(z), known), (logits,), order=2)
        check_grads(lambda z: hierarchical_softmax(jnp.asarray(z), code, known), (logits,), order=2)
        check_grads(lambda z: glove(jnp.asarray(z), jnp.array(30.0)), (logits[0],), order=2)


def test_noise_has_the_probability_of_its_count_to_the_power_of_three_quarters():
    """Counts 16, 1, 81 and 0 stand as 8 : 1 : 27 : 0."""
    noise = unigram_noise(np.array([16, 1, 81, 0, 16]))
    below = np.concatenate([[0], noise.astype(float), [2**32]])
    np.testing.assert_allclose(np.diff(below) / 2**32, np.array([8, 1, 27, 0, 8]) / 44, atol=1e-9)


def test_a_rare_word_keeps_its_share_of_the_noise():
    """Of 10⁶ words of equal counts each has probability 1e-6; cumulated in float32 some would have a tenth more."""
    bounds = unigram_noise(np.ones(10**6, int)).astype(float)
    np.testing.assert_allclose(np.diff(bounds) / 2**32, 1e-6, rtol=1e-3)


def test_noise_is_drawn_as_often_as_its_probability_says():
    counts = np.array([16, 1, 81, 0, 16])
    drawn = np.asarray(draw_noise(jax.random.key(0), unigram_noise(counts), 100_000))
    expected = 100_000 * np.array([8, 1, 27, 0, 8]) / 44
    found = np.bincount(drawn, minlength=5)
    assert found[3] == 0
    assert (np.abs(found - expected) <= 4.5 * np.sqrt(expected)).all()


def test_each_example_draws_its_own_noise_and_the_same_key_draws_it_again():
    noise = unigram_noise(ZIPF)
    keys = jax.random.split(jax.random.key(0), 50)
    drawn = jax.vmap(lambda key: draw_noise(key, noise, 8))(keys)
    assert len(np.unique(drawn, axis=0)) == 50
    np.testing.assert_array_equal(draw_noise(keys[7], noise, 8), drawn[7])


def test_the_tree_of_a_textbook_s_alphabet():
    """45, 13, 12, 16, 9 and 5 have codes of 1, 3, 3, 3, 4 and 4 bits: 224 in all (Cormen et al., Figure 16.5)."""
    tree = huffman(np.array([45, 13, 12, 16, 9, 5]))
    assert tree.known.sum(1).tolist() == [1, 3, 3, 3, 4, 4]
    assert tree.path.shape == (6, 4)


@pytest.mark.parametrize("counts", [ZIPF, RANDOM.integers(1, 50, 41), np.ones(16, int), 2 ** np.arange(12)])
def test_the_total_code_length_is_the_lowest_there_is(counts):
    """The cost of merging the two lightest, again and again, with a heap."""
    heap, cost = sorted(counts.tolist()), 0
    while len(heap) > 1:
        heapq.heappush(heap, merged := heapq.heappop(heap) + heapq.heappop(heap))
        cost += merged
    assert (counts * huffman(counts).known.sum(1)).sum() == cost


def test_the_ways_of_a_tree_lead_from_its_root_to_different_words():
    """Each inner node is on the ways of both turns, and below it stand only nodes made before it."""
    tree = huffman(ZIPF)
    ways = [
        [(int(node), int(turn)) for node, turn in zip(path[known], code[known], strict=True)]
        for path, code, known in zip(*tree, strict=True)
    ]
    assert len({tuple(turn for _, turn in way) for way in ways}) == len(ZIPF)
    assert {way[0][0] for way in ways} == {len(ZIPF) - 2}
    assert {step for way in ways for step in way} == {(node, turn) for node in range(len(ZIPF) - 1) for turn in (0, 1)}
    assert all(above[0] > below[0] for way in ways for above, below in itertools.pairwise(way))
    prefixes = {tuple(way[:n]) for way in ways for n in range(len(way))}
    assert not prefixes & {tuple(way) for way in ways}


def test_the_probabilities_of_all_words_of_a_tree_sum_to_one():
    tree = huffman(ZIPF)
    with jax.enable_x64():
        logits = jnp.asarray(RANDOM.normal(0, 2, len(ZIPF) - 1))
        losses = jax.vmap(hierarchical_softmax)(logits[tree.path], jnp.asarray(tree.code), jnp.asarray(tree.known))
        np.testing.assert_allclose(jnp.exp(-losses).sum(), 1, rtol=1e-12)


def test_hierarchical_softmax_worked_by_hand_and_code_0_is_the_side_of_high_logits():
    """σ(log 3) = 3/4 for code 0 and 1/4 for code 1; what is not known does not count."""
    logits, known = jnp.array([np.log(3), np.log(3), 7.0]), jnp.array([1, 1, 0])
    for code, likely in (([0, 0, 0], 9 / 16), ([0, 1, 1], 3 / 16), ([1, 1, 0], 1 / 16)):
        np.testing.assert_allclose(hierarchical_softmax(logits, jnp.array(code), known), -np.log(likely), rtol=1e-6)


@pytest.mark.parametrize(
    ("x", "weight"), [(100.0, 1.0), (10_000.0, 1.0), (6.25, 0.125), (np.e, (np.e / 100) ** 0.75), (0.0, 0.0)]
)
def test_glove_weighs_a_count_by_its_share_of_100_to_the_power_of_three_quarters(x, weight):
    """(6.25/100)^.75 = (1/16)^.75 = 1/8."""
    at = np.log(x) if x else 0.0
    value, gradient = jax.value_and_grad(glove)(jnp.float32(at + 2), jnp.float32(x))
    np.testing.assert_allclose([value, gradient], [4 * weight, 4 * weight], rtol=1e-5)
    np.testing.assert_allclose(glove(jnp.float32(at), jnp.float32(x)), 0, atol=1e-12)


def test_no_count_has_no_gradient_either_and_is_no_nan():
    for argument in (0, 1):
        assert float(jax.grad(glove, argument)(jnp.float32(3), jnp.float32(0))) == 0


def dense(counted, words):
    table = np.zeros((words, words))
    table[counted.word, counted.context] = counted.x
    return table


def test_neighbours_count_one_over_their_distance_on_both_sides():
    """0 1 2 0 with a window of 2: 0–1 at 1 and 2, 0–2 at 2 and 1, 1–2 at 1; 0–0 is 3 apart."""
    counted = cooccurrence([np.array([0, 1, 2, 0])], words=3, window=2)
    np.testing.assert_allclose(dense(counted, 3), [[0, 1.5, 1.5], [1.5, 0, 1], [1.5, 1, 0]])
    counted = cooccurrence([np.array([0, 1, 2, 0])], words=3, window=3)
    np.testing.assert_allclose(dense(counted, 3)[0, 0], 2 / 3, rtol=1e-6)


def test_no_pair_crosses_from_one_text_to_the_next():
    texts = [RANDOM.integers(0, 9, n) for n in (7, 1, 0, 12)]
    counted = dense(cooccurrence(texts, words=9, window=4), 9)
    expected = np.zeros((9, 9))
    for text in texts:
        for i, word in enumerate(text):
            for j, context in enumerate(text):
                if 1 <= abs(i - j) <= 4:
                    expected[word, context] += 1 / abs(i - j)
    np.testing.assert_allclose(counted, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cooccurrence([np.array([0, 1]), np.array([1, 3])], 3), "text 1, token 1: id 3, expected 0 to 2"),
        (lambda: cooccurrence([np.array([0, -1])], 3), "text 0, token 1: id -1"),
        (lambda: cooccurrence([np.array([0, 1])], 3, window=0), "window 0: expected 1"),
        (lambda: cooccurrence([], 3), "0 texts, none of two words"),
        (lambda: cooccurrence([np.array([2])], 3), "1 texts, none of two words"),
        (lambda: huffman(np.array([3])), "counts of 1 words: expected 2"),
        (lambda: huffman(np.array([3, -1])), "word 1 has the count -1"),
        (lambda: unigram_noise(np.array([1.0, np.nan])), "word 1 has the count nan"),
        (lambda: unigram_noise(np.zeros(4)), "not all 0"),
    ],
)
def test_what_can_t_be_counted_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
