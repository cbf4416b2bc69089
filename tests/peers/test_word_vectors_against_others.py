"""Word vectors beside PyTorch's embeddings, retrieval beside scikit-learn's, drawn noise beside SciPy's test of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.decomposition import TruncatedSVD
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors
from torch.nn import functional

from jaxdl.losses.embedding import draw_noise, glove, negative_sampling, unigram_noise
from jaxdl.models.word_vectors import CBOW, GloVe, SkipGram
from jaxdl.score.retrieval import bias_axis, cosine, neighbours, unit

RANDOM = np.random.default_rng(0)
TABLES = {"e": RANDOM.normal(size=(20, 6)), "theta": RANDOM.normal(size=(20, 6))}
WORD, CANDIDATES = RANDOM.integers(0, 20, 9), RANDOM.integers(0, 20, (9, 5))
CONTEXT, KNOWN = RANDOM.integers(0, 20, (9, 4)), RANDOM.integers(0, 2, (9, 4)).astype(float)
KNOWN[:, 0] = 1


def assert_same_tables(ours, theirs, tables):
    """The mean losses, and their gradients in each whole table, agree to 1e-12."""
    leaves = {name: torch.tensor(table, requires_grad=True) for name, table in tables.items()}
    expected = theirs(leaves)
    expected.backward()
    with jax.enable_x64():
        value, gradients = jax.value_and_grad(ours)({name: jnp.asarray(table) for name, table in tables.items()})
    np.testing.assert_allclose(value, expected.item(), rtol=1e-12)
    for name, leaf in leaves.items():
        np.testing.assert_allclose(gradients[name], leaf.grad, rtol=1e-12, atol=1e-12, err_msg=name)


def true_against_noise(logits):
    return -(functional.logsigmoid(logits[:, 0]) + functional.logsigmoid(-logits[:, 1:]).sum(1)).mean()


def test_skip_gram_with_negative_sampling_is_pytorch_s_embeddings_and_logsigmoid():
    def ours(params):
        logits = SkipGram(20, 6).apply({"params": params}, jnp.asarray(WORD), jnp.asarray(CANDIDATES))
        return jax.vmap(negative_sampling)(logits).mean()

    def theirs(leaves):
        e = functional.embedding(torch.tensor(WORD), leaves["e"])
        theta = functional.embedding(torch.tensor(CANDIDATES), leaves["theta"])
        return true_against_noise(torch.bmm(theta, e[:, :, None])[:, :, 0])

    assert_same_tables(ours, theirs, TABLES)


def test_cbow_is_pytorch_s_bag_of_embeddings_where_what_is_not_known_has_weight_zero():
    def ours(params):
        inputs = map(jnp.asarray, (CONTEXT, CANDIDATES, KNOWN))
        return jax.vmap(negative_sampling)(CBOW(20, 6).apply({"params": params}, *inputs)).mean()

    def theirs(leaves):
        weights = torch.tensor(KNOWN / KNOWN.sum(1, keepdims=True))
        e = functional.embedding_bag(torch.tensor(CONTEXT), leaves["e"], mode="sum", per_sample_weights=weights)
        theta = functional.embedding(torch.tensor(CANDIDATES), leaves["theta"])
        return true_against_noise(torch.bmm(theta, e[:, :, None])[:, :, 0])

    assert_same_tables(ours, theirs, TABLES)


def test_glove_is_the_same_sum_of_squares_in_pytorch():
    tables = TABLES | {"b_e": RANDOM.normal(size=20), "b_theta": RANDOM.normal(size=20)}
    context, x = CONTEXT[:, 0], RANDOM.uniform(0.1, 300, 9)

    def ours(params):
        predictions = GloVe(20, 6).apply({"params": params}, jnp.asarray(WORD), jnp.asarray(context))
        return jax.vmap(glove)(predictions, jnp.asarray(x)).mean()

    def theirs(leaves):
        dots = (leaves["e"][WORD] * leaves["theta"][context]).sum(1)
        errors = dots + leaves["b_e"][WORD] + leaves["b_theta"][context] - torch.tensor(x).log()
        return (torch.clamp(torch.tensor(x) / 100, max=1) ** 0.75 * errors**2).mean()

    assert_same_tables(ours, theirs, tables)


@pytest.mark.parametrize("seed", [0, 1])
def test_drawn_noise_passes_scipy_s_test_for_counts_to_the_power_of_three_quarters(seed):
    counts = np.ceil(1e4 / np.arange(1, 201)).astype(int)
    drawn = np.bincount(draw_noise(jax.random.key(seed), unigram_noise(counts), 200_000), minlength=200)
    expected = 200_000 * counts**0.75 / (counts**0.75).sum()
    assert scipy.stats.chisquare(drawn, expected).pvalue > 1e-3
    flat = 200_000 * counts / counts.sum()
    assert scipy.stats.chisquare(drawn, flat).pvalue < 1e-9


def test_cosine_and_neighbours_are_scikit_learn_s():
    vectors = RANDOM.normal(size=(200, 10))
    np.testing.assert_allclose(cosine(vectors[:, None], vectors), cosine_similarity(vectors), atol=1e-12)
    found = neighbours(vectors, np.arange(200), k=7)
    distance, rows = NearestNeighbors(n_neighbors=8, metric="cosine").fit(vectors).kneighbors(vectors)
    np.testing.assert_array_equal(found.rows, rows[:, 1:])
    np.testing.assert_allclose(found.similarity, 1 - distance[:, 1:], atol=1e-12)


def test_the_bias_axis_is_the_first_component_of_scikit_learn_s_decomposition():
    vectors = RANDOM.normal(size=(24, 10))
    pairs = np.arange(24).reshape(12, 2)
    middle = unit(vectors).reshape(12, 2, 10).mean(1, keepdims=True)
    less_their_middle = (unit(vectors).reshape(12, 2, 10) - middle).reshape(24, 10)
    expected = TruncatedSVD(1, algorithm="arpack").fit(less_their_middle).components_[0]
    np.testing.assert_allclose(abs(cosine(bias_axis(vectors, pairs), expected)), 1, atol=1e-10)
