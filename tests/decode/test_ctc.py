"""Reading a CTC network's output, against all paths counted one by one."""

import itertools
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.decode.ctc import best_path, collapse, prefix_beam
from jaxdl.errors import InputError
from jaxdl.losses.ctc import ctc


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_the_notes_example_collapses():
    symbols = "_thequ "
    path = [symbols.index(symbol) for symbol in "ttt_h_eee___ ___qqq__"]
    assert "".join(symbols[label] for label in collapse(path)) == "the q"
    assert collapse([]) == []
    assert collapse([1, 0, 1, 1]) == [1, 1]


def by_brute_force(logits):
    """Every label sequence and its probability, the most probable first."""
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    found = Counter()
    for path in itertools.product(range(p.shape[1]), repeat=len(p)):
        found[tuple(collapse(path))] += np.prod(p[range(len(p)), path])
    return found.most_common()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("seed", range(2))
def test_a_beam_that_leaves_nothing_out_finds_all_labels_that_can_be_and_their_probabilities(seed, dtype):
    logits = normal(5, 3, seed=seed).astype(dtype)
    expected, found = by_brute_force(logits.astype(np.float64)), prefix_beam(logits, 1000)
    assert [tuple(labels) for labels, _ in found] == [labels for labels, _ in expected]
    np.testing.assert_allclose(np.exp([log_p for _, log_p in found]), [p for _, p in expected], rtol=1e-5)


def test_what_it_says_of_labels_is_minus_the_loss_s():
    logits = normal(7, 4)
    for labels, log_p in prefix_beam(logits, 1000)[:10]:
        padded = jnp.array(labels + [0] * (7 - len(labels)))
        np.testing.assert_allclose(-jax.jit(ctc)(jnp.asarray(logits), padded, 7, len(labels)), log_p, rtol=1e-4)


def test_the_best_path_misses_labels_that_many_paths_say():
    """Twice .4 for a, .6 for blank: the best path says nothing at .36, and `a` has .64 in all."""
    logits = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    assert best_path(logits) == []
    assert prefix_beam(logits, 2)[0][0] == [1]
    np.testing.assert_allclose(np.exp(prefix_beam(logits, 2)[0][1]), 0.64)


def test_a_score_of_the_labels_decides_but_is_not_in_the_probability():
    logits = np.log(np.array([[0.1, 0.5, 0.4]]))
    plain, scored = prefix_beam(logits, 3), prefix_beam(logits, 3, lambda labels: 5.0 * (labels == (2,)))
    assert plain[0][0] == [1]
    assert scored[0][0] == [2]
    np.testing.assert_allclose(np.exp(scored[0][1]), 0.4)


def test_a_beam_of_no_width_is_refused():
    with pytest.raises(InputError, match="width 0"):
        prefix_beam(normal(2, 2), 0)
