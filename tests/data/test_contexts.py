import itertools

import numpy as np
import pytest

from jaxdl.data import contexts as module
from jaxdl.data.contexts import BOTH_SIDES, LAST_FOUR, LAST_ONE
from jaxdl.errors import InputError


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: module.windows(np.arange(8)), "8 tokens has no place with 4 before it and 4 after it"),
        (lambda: module.windows(np.arange(1), LAST_ONE), "1 before it and 0 after it"),
        (lambda: module.skip_grams(np.arange(1)), "1 tokens and a window of 4 have no pair"),
        (lambda: module.skip_grams(np.arange(5), 0), "a window of 0 have no pair"),
        (lambda: module.nearby_one(np.arange(1)), "have no pair"),
    ],
)
def test_a_text_too_short_is_refused(call, complaint):
    with pytest.raises(InputError, match=complaint):
        call()


def test_windows_are_the_words_around_each_place_that_has_them_all():
    tokens = np.array([10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
    contexts, targets = module.windows(tokens, BOTH_SIDES)
    np.testing.assert_array_equal(contexts, [[10, 11, 12, 13, 15, 16, 17, 18], [11, 12, 13, 14, 16, 17, 18, 19]])
    np.testing.assert_array_equal(targets, [14, 15])
    contexts, targets = module.windows(tokens[:6], LAST_FOUR)
    np.testing.assert_array_equal(contexts, [[10, 11, 12, 13], [11, 12, 13, 14]])
    np.testing.assert_array_equal(targets, [14, 15])
    contexts, targets = module.windows(tokens[:3], LAST_ONE)
    np.testing.assert_array_equal(np.column_stack([contexts, targets]), [[10, 11], [11, 12]])


@pytest.mark.parametrize(("length", "window"), [(9, 1), (9, 3), (4, 10)])
def test_skip_grams_are_all_pairs_within_the_window(length, window):
    tokens = np.arange(length)
    pairs = sorted(zip(*module.skip_grams(tokens, window), strict=True))
    assert pairs == [(i, j) for i, j in itertools.product(range(length), repeat=2) if 0 < abs(i - j) <= window]


def test_one_nearby_word_is_any_other_within_the_window_as_often():
    tokens = np.arange(9)
    draws = np.array([module.nearby_one(tokens, 2, seed)[0] for seed in range(3000)])
    np.testing.assert_array_equal(module.nearby_one(tokens, 2)[1], tokens)
    for place in range(9):
        near = [other for other in range(max(place - 2, 0), min(place + 3, 9)) if other != place]
        seen, counts = np.unique(draws[:, place], return_counts=True)
        np.testing.assert_array_equal(seen, near)
        np.testing.assert_allclose(counts / 3000, 1 / len(near), atol=0.04)


def test_frequent_words_are_kept_with_the_root_of_threshold_over_share():
    np.testing.assert_allclose(module.keep_probability(np.array([1e-5, 1e-3, 4e-3, 0.1])), [1, 1, 0.5, 0.1])
    tokens = np.repeat([7, 8], [90_000, 10_000])
    kept = module.subsample(tokens, 0.1)
    np.testing.assert_allclose((kept == 7).sum() / 90_000, 1 / 3, atol=0.01)
    assert (kept == 8).sum() == 10_000  # its share is the threshold
    assert kept.tolist() == sorted(kept.tolist())
    np.testing.assert_array_equal(kept, module.subsample(tokens, 0.1, seed=0))
    assert len(kept) != len(module.subsample(tokens, 0.1, seed=1))
    assert len(module.subsample(tokens[:0])) == 0
