"""The word-vector benchmark compares equal work."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import word_vectors
from benchmarks.turns import WARM
from benchmarks.word_vectors import Clocked, numpy_step, ours, plain_numpy, zipf
from jaxdl.losses.embedding import negative_sampling


def test_the_step_in_numpy_goes_down_the_gradient_that_ours_goes_down():
    random = np.random.default_rng(0)
    e, theta = random.normal(size=(2, 9, 4))
    word, candidates = random.integers(0, 9, 16), random.integers(0, 9, (16, 6))

    def cost(e, theta):
        logits = jnp.einsum("bkd,bd->bk", theta[candidates], e[word])
        return jax.vmap(negative_sampling)(logits).sum()

    down = jax.grad(cost, (0, 1))(jnp.asarray(e), jnp.asarray(theta))
    after = e.copy(), theta.copy()
    numpy_step(*after, word, candidates, 0.1)
    for old, new, gradient in zip((e, theta), after, down, strict=True):
        np.testing.assert_allclose(new, old - 0.1 * np.asarray(gradient), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [lambda: ours(50, "adam", 1e-3), lambda: plain_numpy(50, 512, 10**9)])
def test_more_words_take_more_time_and_cpu_time_is_kept(make):
    contender = make()
    for _ in range(WARM):
        contender(2000)
    few, many = contender(2000), contender(100_000)
    assert many > few > 0
    assert len(contender.cpu) == WARM + 2
    assert min(contender.cpu) > 0


def test_seconds_are_those_of_the_words_asked_for_and_cpu_seconds_those_of_one_word(monkeypatch):
    """A contender that does a tenth of the words takes ten times what the clock says."""
    time = [0.0]
    monkeypatch.setattr(word_vectors, "perf_counter", lambda: time[0])
    monkeypatch.setattr(word_vectors, "process_time", lambda: 2 * time[0])

    def work(count):
        time[0] += 1e-3 * count / 10
        return count / 10

    contender = Clocked(work)
    assert [contender(1000), contender(5000)] == pytest.approx([1.0, 5.0])
    assert contender.cpu == pytest.approx([2e-3, 2e-3])


def test_the_second_most_frequent_word_is_half_as_frequent_as_the_first():
    shares = zipf(1000)
    assert shares.sum() == pytest.approx(1)
    assert shares[0] / shares[1] == pytest.approx(2)
