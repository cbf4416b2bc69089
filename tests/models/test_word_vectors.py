"""Skip-gram, CBOW, GloVe and the neural language model: what they compute, and what they learn."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdl.check.gradients import check_gradients
from jaxdl.check.parameters import count
from jaxdl.errors import InputError
from jaxdl.losses.classification import cross_entropy
from jaxdl.losses.embedding import (
    draw_noise,
    glove,
    hierarchical_softmax,
    huffman,
    negative_sampling,
    unigram_noise,
)
from jaxdl.models.word_vectors import CBOW, GloVe, NeuralLanguageModel, SkipGram, average_vectors

RANDOM = np.random.default_rng(0)


def drawn(model, *inputs, seed=0):
    """Parameters that are all random: theta and the biases begin at zero, where little is to be seen."""
    params = model.init(jax.random.key(seed), *inputs)["params"]
    return jax.tree.map(lambda leaf: jnp.asarray(RANDOM.normal(size=leaf.shape), jnp.float32), params)


def test_looking_up_a_row_is_multiplying_by_a_one_hot_vector():
    """zⱼ = θⱼ·(Eᵀ o_w) for every word w; and so in the gradient of E, which has one row."""
    model, word = SkipGram(7, 3), jnp.array(4)
    params = drawn(model, word)
    one_hot = jnp.eye(7)[4]
    np.testing.assert_allclose(
        model.apply({"params": params}, word), params["theta"] @ (params["e"].T @ one_hot), rtol=1e-5
    )

    def by_row(e):
        return (model.apply({"params": {**params, "e": e}}, word) ** 2).sum()

    def by_product(e):
        return ((params["theta"] @ (e.T @ one_hot)) ** 2).sum()

    gradient = jax.grad(by_row)(params["e"])
    np.testing.assert_allclose(gradient, jax.grad(by_product)(params["e"]), rtol=1e-4, atol=1e-4)
    assert np.flatnonzero(np.abs(gradient).sum(1)).tolist() == [4]


@pytest.mark.parametrize("model", [SkipGram(7, 3), CBOW(7, 3)])
def test_logits_of_some_outputs_are_those_rows_of_all_logits(model):
    words = jnp.array([4]) if isinstance(model, CBOW) else jnp.array(4)
    params, some = drawn(model, words), jnp.array([6, 0, 6])
    every = model.apply({"params": params}, words)
    assert every.shape == (7,)
    np.testing.assert_allclose(model.apply({"params": params}, words, some), every[some], rtol=1e-5)


def test_cbow_of_one_word_is_skip_gram_and_of_several_that_of_their_mean_vector():
    model, params = CBOW(7, 3), drawn(SkipGram(7, 3), jnp.array(0))
    variables = {"params": params}
    np.testing.assert_allclose(
        model.apply(variables, jnp.array([4])), SkipGram(7, 3).apply(variables, jnp.array(4)), rtol=1e-5
    )
    mean = (params["e"][1] + params["e"][2] + params["e"][2]) / 3
    np.testing.assert_allclose(model.apply(variables, jnp.array([1, 2, 2])), params["theta"] @ mean, rtol=1e-5)
    padded = model.apply(variables, jnp.array([1, 2, 2, 0, 0]), None, jnp.array([1, 1, 1, 0, 0]))
    np.testing.assert_allclose(padded, params["theta"] @ mean, rtol=1e-5)


def test_without_any_context_cbow_s_logits_are_zero():
    model = CBOW(7, 3)
    context = jnp.array([4, 5])
    params = drawn(model, context)
    assert not model.apply({"params": params}, context, None, jnp.zeros(2)).any()


def test_glove_s_prediction_is_a_dot_product_and_two_biases():
    model = GloVe(7, 3)
    params = drawn(model, jnp.array(0), jnp.array(0))
    e, theta, b_e, b_theta = (np.asarray(params[name]) for name in ("e", "theta", "b_e", "b_theta"))
    word, context = jnp.array([1, 6]), jnp.array([2, 2])
    expected = [e[1] @ theta[2] + b_e[1] + b_theta[2], e[6] @ theta[2] + b_e[6] + b_theta[2]]
    np.testing.assert_allclose(model.apply({"params": params}, word, context), expected, rtol=1e-5)
    np.testing.assert_allclose(average_vectors(params)[6], (e[6] + theta[6]) / 2, rtol=1e-6)


def test_the_neural_language_model_is_tanh_of_four_vectors_end_to_end():
    model, context = NeuralLanguageModel(words=7, dimension=3, hidden=5), jnp.array([1, 6, 6, 0])
    params = drawn(model, context)
    assert count(params) == 7 * 3 + (4 * 3 + 1) * 5 + (5 + 1) * 7
    x = np.asarray(params["e"])[[1, 6, 6, 0]].ravel()
    h = np.tanh(x @ params["hidden1"]["kernel"] + params["hidden1"]["bias"])
    expected = h @ params["output"]["kernel"] + params["output"]["bias"]
    np.testing.assert_allclose(model.apply({"params": params}, context), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (SkipGram(7, 3), (RANDOM.integers(0, 7, 5), RANDOM.integers(0, 7, (5, 4)))),
        (CBOW(7, 3), (RANDOM.integers(0, 7, (5, 2)), RANDOM.integers(0, 7, (5, 4)), RANDOM.integers(0, 2, (5, 2)))),
        (GloVe(7, 3), (RANDOM.integers(0, 7, 5), RANDOM.integers(0, 7, 5))),
        (NeuralLanguageModel(7, 3, 5), (RANDOM.integers(0, 7, (5, 4)),)),
    ],
)
def test_one_example_and_a_batch_give_the_same_and_the_gradients_are_right(model, inputs):
    inputs = tuple(map(jnp.asarray, inputs))
    params = drawn(model, *inputs)
    batch = model.apply({"params": params}, *inputs)
    one_by_one = jnp.stack([model.apply({"params": params}, *(part[row] for part in inputs)) for row in range(5)])
    np.testing.assert_allclose(batch, one_by_one, rtol=1e-5, atol=1e-6)
    assert check_gradients(lambda params: (model.apply({"params": params}, *inputs) ** 2).sum(), params).ok


def test_before_training_a_skip_gram_model_finds_every_word_as_likely_and_short_vectors():
    model = SkipGram(7, 50)
    params = model.init(jax.random.key(0), jnp.array(0))["params"]
    assert not params["theta"].any()
    assert np.abs(params["e"]).max() <= 0.5 / 50
    np.testing.assert_allclose(cross_entropy(model.apply({"params": params}, jnp.array(3)), jnp.array(1)), np.log(7))


# A language of two topics: words 0-4 stand among each other, and so do 5-9.
PAIRS = np.array([(w, c) for w in range(10) for c in range(10) if w // 5 == c // 5])
COUNTS = np.arange(1, 11)[::-1]
NOISE, TREE = unigram_noise(np.ones(10, int)), huffman(COUNTS)


def by_softmax(params, word, context, key):
    return cross_entropy(SkipGram(10, 4).apply({"params": params}, word), context)


def by_negative_sampling(params, word, context, key):
    candidates = jnp.append(context, draw_noise(key, NOISE, 5))
    return negative_sampling(SkipGram(10, 4).apply({"params": params}, word, candidates))


def by_hierarchical_softmax(params, word, context, key):
    logits = SkipGram(10, 4, outputs=9).apply({"params": params}, word, jnp.asarray(TREE.path)[context])
    return hierarchical_softmax(logits, jnp.asarray(TREE.code)[context], jnp.asarray(TREE.known)[context])


def by_glove(params, word, context, key):
    return glove(GloVe(10, 4).apply({"params": params}, word, context), jnp.where(word // 5 == context // 5, 50.0, 1.0))


@pytest.mark.parametrize(
    ("loss", "model", "inputs"),
    [
        (by_softmax, SkipGram(10, 4), 1),
        (by_negative_sampling, SkipGram(10, 4), 1),
        (by_hierarchical_softmax, SkipGram(10, 4, outputs=9), 1),
        (by_glove, GloVe(10, 4), 2),
    ],
)
def test_words_that_stand_among_the_same_words_get_vectors_of_the_same_direction(loss, model, inputs):
    params = model.init(jax.random.key(1), *[jnp.array(0)] * inputs)["params"]
    optimizer = optax.adam(0.05)
    pairs = PAIRS if loss is not by_glove else np.array([(w, c) for w in range(10) for c in range(10)])
    word, context = jnp.asarray(pairs.T)

    @jax.jit
    def train(params):
        def step(carry, key):
            params, state = carry
            keys = jax.random.split(key, len(pairs))
            gradient = jax.grad(lambda p: jax.vmap(loss, (None, 0, 0, 0))(p, word, context, keys).mean())(params)
            updates, state = optimizer.update(gradient, state)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(step, (params, optimizer.init(params)), jax.random.split(jax.random.key(0), 150))[0][0]

    params = train(params)
    e = np.asarray(average_vectors(params) if loss is by_glove else params["e"])
    e = e / np.linalg.norm(e, axis=1, keepdims=True)
    same = np.arange(10)[:, None] // 5 == np.arange(10) // 5
    cosines = e @ e.T
    assert cosines[same].min() > cosines[~same].max() + 0.3


def test_a_context_is_cheapest_where_the_full_softmax_and_the_tree_agree_on_its_frequency():
    """Both can say any distribution: trained on one word alone, the tree gives each context its frequency."""
    frequency = COUNTS / COUNTS.sum()
    optimizer = optax.adam(0.1)
    contexts = jnp.arange(10)

    def cost(params):
        losses = jax.vmap(by_hierarchical_softmax, (None, None, 0, None))(params, jnp.array(3), contexts, None)
        return (losses * frequency).sum(), losses

    @jax.jit
    def train(params):
        def step(carry, _):
            gradient = jax.grad(cost, has_aux=True)(carry[0])[0]
            updates, state = optimizer.update(gradient, carry[1])
            return (optax.apply_updates(carry[0], updates), state), None

        return jax.lax.scan(step, (params, optimizer.init(params)), None, length=400)[0][0]

    params = train(SkipGram(10, 4, outputs=9).init(jax.random.key(1), jnp.array(0))["params"])
    np.testing.assert_allclose(np.exp(-cost(params)[1]), frequency, atol=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: drawn(SkipGram(0, 3), jnp.array(0)), "words = 0: expected 1"),
        (lambda: drawn(CBOW(7, 0), jnp.array([0])), "dimension = 0"),
        (lambda: drawn(SkipGram(7, 3, outputs=0), jnp.array(0)), "outputs = 0"),
        (lambda: drawn(GloVe(7, 0), jnp.array(0), jnp.array(0)), "dimension = 0"),
        (lambda: drawn(NeuralLanguageModel(7, 3, 0), jnp.zeros(4, int)), "hidden = 0"),
        (lambda: drawn(NeuralLanguageModel(7, 3, 5), jnp.zeros(3, int)), "a context of 3 words: expected 4"),
        (lambda: average_vectors({"e": jnp.zeros((7, 3)), "theta": jnp.zeros((6, 3))}), r"\[7, 3\] and theta \[6, 3\]"),
    ],
)
def test_what_makes_no_model_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
