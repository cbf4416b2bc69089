import numpy as np
import pytest

from jaxdl.data.split import split
from jaxdl.errors import InputError

DIGITS = np.repeat(np.arange(10), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])


@pytest.mark.parametrize("fractions", [(0.6, 0.2, 0.2), (0.9, 0.1), (0.55, 0.15, 0.3), (1.0,), (0.5, 0.0, 0.5)])
@pytest.mark.parametrize(
    "labels", [DIGITS, 1797, np.repeat([5, -3, 9], [7, 5, 400])], ids=["digits", "count", "skewed"]
)
def test_the_parts_are_disjoint_and_cover_everything(labels, fractions):
    parts = split(labels, fractions)
    count = labels if isinstance(labels, int) else len(labels)
    assert len(parts) == len(fractions)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(count))


@pytest.mark.parametrize("seed", range(5))
def test_classes_and_totals_are_within_one_example_of_exact(seed):
    rng = np.random.default_rng(seed)
    fractions = tuple(rng.dirichlet(np.ones(rng.integers(2, 6))).tolist())
    counts = rng.integers(6, 60, size=30)
    labels = rng.permutation(np.repeat(np.arange(30), counts))
    for part, fraction in zip(split(labels, fractions), fractions, strict=True):
        assert np.abs(np.bincount(labels[part], minlength=30) - fraction * counts).max() < 1
        assert abs(len(part) - fraction * len(labels)) < 1.5


def test_the_digits_split_60_20_20_into_1078_360_359():
    assert [len(part) for part in split(DIGITS)] == [1078, 360, 359]


@pytest.mark.parametrize(
    ("fractions", "counts", "whole"),
    [
        ((0.6, 0.2, 0.2), (5, 5), 3),
        ((0.5, 0.25, 0.25), (3, 6), 3),  # although the first class left the first part half an example behind
        ((0.58, 0.15, 0.27), (8, 50), 29),  # although 0.58 · 50 is 28.999999999999996
    ],
)
def test_a_share_that_is_whole_is_met_exactly(fractions, counts, whole):
    labels = np.repeat([0, 1], counts)
    assert (labels[split(labels, fractions)[0]] == 1).sum() == whole


def test_equal_seeds_agree_and_other_seeds_differ():
    first, again, other = (split(DIGITS, seed=seed)[0] for seed in (4, 4, -5))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_count_is_split_without_regard_to_position():
    train = split(10_000, (0.5, 0.5))[0]
    assert abs(train.mean() - 5000) < 5 * 10_000 / np.sqrt(12 * 5000)  # five standard errors


@pytest.mark.parametrize("fractions", [(0.6, 0.2), (0.6, 0.6, -0.2)])
def test_fractions_that_are_no_shares_are_refused(fractions):
    with pytest.raises(InputError, match=r"sum to 1, such as"):
        split(100, fractions)


def test_a_class_with_fewer_examples_than_parts_is_named():
    with pytest.raises(InputError, match="class 3 has 2 examples, too few to split in 3 parts"):
        split(np.array([0] * 9 + [3] * 2))
    with pytest.raises(InputError, match="there are 1 examples"):
        split(1, (0.5, 0.5))
