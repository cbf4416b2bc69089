"""The notes' wrong formulas beside the right ones, judged by a law that only the right ones keep."""

import itertools
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.layers.activations import identity, relu
from jaxdl.layers.initializers import he, normal, xavier
from jaxdl.layers.normalization import normalize
from jaxdl.losses.classification import binary_cross_entropy
from jaxdl.report.curves import weighted_average

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3))
Y = RNG.integers(0, 2, 12)


def cost(w):
    """J(w) of logistic regression: the mean cross-entropy of the logits xᵀw."""
    return jax.vmap(binary_cross_entropy)(jnp.asarray(X) @ w, jnp.asarray(Y)).mean()


def test_the_cost_is_minus_the_log_likelihood_and_so_never_negative():
    w = jnp.array([0.5, -1.0, 0.2])
    a = np.asarray(jax.nn.sigmoid(X @ w))
    likelihood = np.prod(np.where(Y == 1, a, 1 - a))
    terms = Y * np.log(a) + (1 - Y) * np.log(1 - a)
    double_minus, running_sum = -1 * -terms.mean(), terms.sum()
    np.testing.assert_allclose(np.exp(-len(Y) * cost(w)), likelihood, rtol=1e-5)
    assert cost(w) > 0 > max(double_minus, running_sum)

    def likelihood_after(step):
        a = np.asarray(jax.nn.sigmoid(X @ (w + step)))
        return np.prod(np.where(Y == 1, a, 1 - a))

    downhill = -0.1 * jax.grad(cost)(w)
    assert likelihood_after(downhill) > likelihood > likelihood_after(-downhill)  # −downhill descends −J


def test_dividing_by_the_standard_deviation_gives_unit_variance_whatever_the_unit_of_length():
    metres = jnp.asarray(5 + 3 * X)
    mean, variance = metres.mean(0), metres.var(0)
    normal = normalize(metres, mean, variance, jnp.ones(3), jnp.zeros(3), epsilon=0.0)
    feet = normalize(3.28 * metres, 3.28 * mean, 3.28**2 * variance, jnp.ones(3), jnp.zeros(3), epsilon=0.0)
    np.testing.assert_allclose(normal.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(normal.var(0), 1, rtol=1e-4)
    np.testing.assert_allclose(feet, normal, atol=1e-4)
    by_variance, in_feet = (metres - mean) / variance, 3.28 * (metres - mean) / (3.28**2 * variance)
    np.testing.assert_allclose(by_variance.var(0), 1 / variance, rtol=1e-4)
    np.testing.assert_allclose(in_feet, by_variance / 3.28, rtol=1e-4)  # the unit is still seen


def test_the_mean_of_x_minus_the_mean_is_zero_and_no_variance():
    np.testing.assert_allclose(X.sum(0) / len(X) - X.mean(0), 0, atol=1e-15)
    pairs = (X[:, None] - X[None]) ** 2  # the variance is half the mean squared distance of two points
    np.testing.assert_allclose(X.var(0), pairs.mean((0, 1)) / 2)


def test_he_s_scale_keeps_the_mean_square_through_relu_and_xavier_s_through_no_activation():
    n, depth = 256, 10
    keys = jax.random.split(jax.random.key(1), depth)

    def growth(init, activation):
        """Of the mean square of the pre-activations, over all layers."""
        start = z = jax.random.normal(jax.random.key(2), (64, n))
        for key in keys:
            z = activation(z) @ init(key, (n, n))
        return float((z**2).mean() / (start**2).mean())

    assert 0.5 < growth(he, relu) < 2
    assert 0.5 < growth(xavier, identity) < 2
    assert growth(xavier, relu) < 2 / 2**depth  # halved in each layer
    assert growth(he, identity) > 2**depth / 2  # doubled
    assert growth(normal(2 / n), relu) < 2 * (2 / n) ** depth  # with the variance for the standard deviation
    assert he(keys[0], (n, n)).std() == pytest.approx(np.sqrt(2 / n), rel=0.02)


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.98])
def test_the_corrected_average_of_a_constant_is_that_constant(beta):
    steps = np.arange(1, 6)
    np.testing.assert_allclose(weighted_average(np.full(5, 10.0), beta), 10.0)
    v = 10 * (1 - beta) * np.array([sum(beta**k for k in range(t)) for t in steps])
    with np.errstate(divide="ignore"):
        by_product = v / (1 - beta * steps)
    np.testing.assert_allclose(by_product[0], 10.0)  # 1 − β·1 = 1 − β¹: the first step can't tell them apart
    assert not np.isclose(by_product[1:], 10.0).any()
    assert by_product[-1] < 0


def test_the_first_corrected_average_is_the_first_value():
    np.testing.assert_allclose(weighted_average(np.array([4.0, 9.0, 1.0]), 0.98)[0], 4.0)


def clipped_precision(candidate, references, n):
    """Count of the candidate's n-grams, each at most as often as in one reference, over the count of all."""

    def grams(sentence):
        words = sentence.split()
        return Counter(zip(*(words[i:] for i in range(n)), strict=False))

    counts = grams(candidate)
    clipped = {gram: min(count, max(grams(r)[gram] for r in references)) for gram, count in counts.items()}
    return sum(clipped.values()) / sum(counts.values())


def test_bleu_is_the_geometric_mean_of_the_precisions():
    """1 for a perfect translation, 0 if any precision is 0, and between the precisions otherwise."""
    references = ["the cat is on the mat", "there is a cat on the mat"]

    def precisions(candidate):
        return np.array([clipped_precision(candidate, references, n) for n in (1, 2)])

    worked = precisions("the cat the cat on the mat")
    np.testing.assert_allclose(worked, [5 / 7, 4 / 6])
    right, wrong = np.exp(np.log(worked).mean()), np.exp(worked.mean())
    np.testing.assert_allclose(right**2, 5 / 7 * 4 / 6)
    assert worked.min() < right < worked.max() <= 1 < wrong
    perfect = precisions(references[0])
    assert np.exp(np.log(perfect).mean()) == 1
    np.testing.assert_allclose(np.exp(perfect.mean()), np.e)
    shuffled = precisions("mat the on is cat the")
    assert shuffled[0] == 1
    assert shuffled[1] == 0
    with np.errstate(divide="ignore"):
        assert np.exp(np.log(shuffled).mean()) == 0
    assert np.exp(shuffled.mean()) > 1


def test_a_sentence_scores_higher_when_one_of_its_words_becomes_likelier():
    def score(probabilities, combine, alpha=0.7):
        return combine(np.log(probabilities)) / len(probabilities) ** alpha

    likely, unlikely = [0.5, 0.4], [0.5, 0.1]
    assert score(likely, np.sum) > score(unlikely, np.sum)
    assert score(likely, np.prod) < score(unlikely, np.prod)  # two negative logs: their product is positive
    np.testing.assert_allclose(np.exp(score(likely, np.sum, alpha=0)), 0.5 * 0.4)


def test_length_normalisation_compares_sentences_by_their_words_not_their_number():
    short, long = np.log([0.4] * 2), np.log([0.5] * 4)  # every word of the longer one is likelier
    assert short.sum() > long.sum()
    assert short.sum() / 2**0.7 < long.sum() / 4**0.7


def test_only_a_mask_added_to_the_scores_hides_the_future():
    q, k, v = jnp.asarray(RNG.normal(size=(3, 4, 2)))
    future = jnp.triu(jnp.ones((4, 4)), 1)

    def masked_scores(v):
        return jax.nn.softmax(q @ k.T / jnp.sqrt(2.0) - 1e9 * future) @ v

    def masked_values(v):  # the notes add the mask to V; of matching shape, that is one number a token
        return jax.nn.softmax(q @ k.T / jnp.sqrt(2.0)) @ (v - 1e9 * future[:, :1])

    def influence(attention):
        """[t, s]: how much the value of token s moves the output at t."""
        return np.abs(jax.jacobian(attention)(v)).sum((1, 3))

    above, below = np.triu_indices(4, 1), np.tril_indices(4)
    assert (influence(masked_scores)[above] == 0).all()
    assert (influence(masked_scores)[below] > 0).all()
    assert (influence(masked_values)[above] > 0).all()


def test_a_residual_block_of_zero_weights_is_the_identity_only_with_the_shortcut_from_its_input():
    a = jnp.asarray(np.abs(RNG.normal(size=(5, 3))))

    def block(a, w1, w2, shortcut):
        hidden = jax.nn.relu(a @ w1)
        return jax.nn.relu(hidden @ w2 + (a if shortcut == "input" else hidden))

    zero = jnp.zeros((3, 3))
    np.testing.assert_array_equal(block(a, zero, zero, "input"), a)
    np.testing.assert_array_equal(block(a, zero, zero, "hidden"), 0 * a)


def test_two_faces_are_as_far_apart_as_the_same_two_in_the_other_order():
    f, g, w = RNG.normal(size=(3, 8))

    def verdict(features, b=0.1):
        return 1 / (1 + np.exp(-(features @ w + b)))

    np.testing.assert_allclose(verdict(np.abs(f - g)), verdict(np.abs(g - f)))
    assert abs(verdict(f - g) - verdict(g - f)) > 0.1


def test_the_cost_of_logistic_regression_is_convex():
    """No eigenvalue of its Hessian is negative anywhere; of the squared error of σ(z), which has hollows, some are."""

    def squared_error(w):
        return ((jax.nn.sigmoid(jnp.asarray(X) @ w) - Y) ** 2).mean()

    points = jnp.asarray(3 * np.random.default_rng(2).normal(size=(50, 3)))

    def lowest_curvature(f):
        return np.linalg.eigvalsh(jax.vmap(jax.hessian(f))(points)).min()

    with jax.enable_x64():
        points = jnp.asarray(points, jnp.float64)
        assert lowest_curvature(cost) > 0
        assert lowest_curvature(squared_error) < -1e-3


def test_gradient_descent_on_logistic_regression_ends_in_one_place_from_everywhere():
    starts = jnp.asarray([signs for signs in itertools.product([-3.0, 3.0], repeat=3)])
    step = jax.vmap(lambda w: w - jax.grad(cost)(w))
    ends = jax.lax.fori_loop(0, 2000, lambda _, w: step(w), starts)
    np.testing.assert_allclose(ends, jnp.broadcast_to(ends[0], ends.shape), atol=1e-3)
