"""Content, style and total-variation losses: worked by hand, at their minimum, and what they don't see."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_gradients
from jaxdl.losses import style

K_A, K_B = jax.random.split(jax.random.key(0))
A, B = jax.random.normal(K_A, (4, 5, 3)), jax.random.normal(K_B, (4, 5, 3))
ROW = jnp.array([[[1.0, 2.0], [3.0, -1.0]]])  # one row of two places, two channels


def test_a_gram_matrix_worked_by_hand():
    np.testing.assert_array_equal(style.gram(ROW), [[1 + 9, 2 - 3], [2 - 3, 4 + 1]])


def test_a_gram_matrix_is_symmetric_and_positive_semi_definite():
    a = jax.random.normal(K_A, (2, 3, 8))  # fewer places than channels: some eigenvalues are zero
    gram = np.asarray(style.gram(a))
    np.testing.assert_array_equal(gram, gram.T)
    eigenvalues = np.linalg.eigvalsh(gram)
    assert eigenvalues.min() > -1e-5
    assert np.count_nonzero(eigenvalues > 1e-4) == 6


def test_a_gram_matrix_does_not_see_where_anything_is():
    places = jax.random.permutation(K_B, A.reshape(-1, 3))
    np.testing.assert_allclose(style.gram(places.reshape(A.shape)), style.gram(A), rtol=1e-5)
    np.testing.assert_allclose(style.style(style.gram(A), places.reshape(A.shape)), 0, atol=1e-9)
    assert style.content(A, places.reshape(A.shape)) > 0.1


def test_the_losses_worked_by_hand():
    other = jnp.array([[[2.0, 2.0], [0.0, 0.0]]])  # its Gram matrix is [[4, 4], [4, 4]]
    np.testing.assert_allclose(style.content(ROW, other), (1 + 0 + 9 + 1) / (4 * 4))
    np.testing.assert_allclose(style.style(style.gram(ROW), other), (36 + 25 + 25 + 1) / (2 * 4) ** 2)
    np.testing.assert_allclose(style.total_variation(ROW), (4 + 9) / 4)
    np.testing.assert_allclose(style.total_variation(ROW.transpose(1, 0, 2)), (4 + 9) / 4)


def test_each_loss_is_zero_at_its_target_and_positive_elsewhere():
    assert style.content(A, A) == style.style(style.gram(A), A) == 0
    assert style.total_variation(jnp.full((3, 4, 2), 0.7)) == 0
    assert min(style.content(A, B), style.style(style.gram(A), B), style.total_variation(A)) > 0


def test_twice_the_activations_cost_4_times_the_content_and_16_times_the_style():
    np.testing.assert_allclose(style.content(2 * A, 2 * B), 4 * style.content(A, B), rtol=1e-5)
    np.testing.assert_allclose(style.style(style.gram(2 * A), 2 * B), 16 * style.style(style.gram(A), B), rtol=1e-5)


def test_layers_add_up_by_their_weights():
    grams, seen = {"one": style.gram(A), "two": style.gram(ROW)}, {"one": B, "two": 2 * ROW, "unused": A}
    expected = 0.25 * style.style(grams["one"], B) + 3 * style.style(grams["two"], 2 * ROW)
    np.testing.assert_allclose(style.layered_style(grams, seen, {"one": 0.25, "two": 3.0}), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "loss",
    [
        lambda a: style.content(A, a["a"]),
        lambda a: style.layered_style({"a": style.gram(A)}, a, {"a": 0.5}),
        lambda a: style.total_variation(a["a"]),
    ],
)
def test_the_gradients_are_right(loss):
    report = check_gradients(loss, {"a": B})
    assert report.ok, str(report)


def test_sums_are_made_in_float32():
    ones = jnp.ones((40, 40, 2), jnp.bfloat16)  # in bfloat16 a count of 1600 ends at 256
    assert style.gram(ones).dtype == style.content(ones, 2 * ones).dtype == jnp.float32
    np.testing.assert_array_equal(style.gram(ones), np.full((2, 2), 1600.0))
