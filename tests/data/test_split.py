import numpy as np
import pytest

from jaxdl.data.split import folds, fractions_for, split, train_dev
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


def test_a_division_without_training_rows_is_refused():
    with pytest.raises(InputError, match="leave nothing to train on"):
        split(100, (0.0, 0.5, 0.5))


@pytest.mark.parametrize("fractions", [(0.6, 0.2), (0.6, 0.6, -0.2), (np.nan, 0.5, 0.5), (0.5, np.nan)])
def test_fractions_that_are_no_shares_are_refused(fractions):
    with pytest.raises(InputError, match=r"sum to 1, such as"):
        split(100, fractions)


def test_a_class_with_fewer_examples_than_parts_is_named():
    with pytest.raises(InputError, match="class 3 has 2 examples, too few to split in 3 parts"):
        split(np.array([0] * 9 + [3] * 2))
    with pytest.raises(InputError, match="there are 1 examples"):
        split(1, (0.5, 0.5))
    for nothing in (0, np.zeros(0, int)):
        with pytest.raises(InputError, match="there are 0 examples, too few to split in 3 parts"):
            split(nothing)


@pytest.mark.parametrize("k", [2, 5, 7])
def test_cross_validation_holds_out_every_row_once_and_every_class_in_every_turn(k):
    held_out = folds(DIGITS, k)
    assert len(held_out) == k
    np.testing.assert_array_equal(np.sort(np.concatenate(held_out)), np.arange(len(DIGITS)))
    counts = np.array([np.bincount(DIGITS[rows], minlength=10) for rows in held_out])
    assert np.ptp(counts, axis=0).max() <= 1
    assert np.ptp(counts.sum(1)) <= 1
    assert not np.array_equal(held_out[0], folds(DIGITS, k, seed=1)[0])


def test_folds_that_cannot_be_made_are_refused():
    with pytest.raises(InputError, match="1 folds leave nothing"):
        folds(DIGITS, 1)
    with pytest.raises(InputError, match="class 3 has 4 examples, too few to split in 5 parts"):
        folds(np.array([0] * 9 + [3] * 4), 5)


def test_the_train_dev_slice_is_taken_from_train_alone_and_distributed_like_it():
    train, dev, test = split(DIGITS)
    kept, held_out = train_dev(train, DIGITS, share=0.2)
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held_out])), train)
    assert not set(held_out) & {*kept, *dev, *test}
    exact = 0.2 * np.bincount(DIGITS[train])
    assert np.abs(np.bincount(DIGITS[held_out]) - exact).max() < 1


def test_a_large_set_gives_dev_and_test_a_small_share_that_is_still_a_thousand_examples():
    assert fractions_for(1797) == (0.6, 0.2, 0.2)
    assert fractions_for(1_000_000) == (0.98, 0.01, 0.01)
    assert fractions_for(50_000_000) == (0.995, 0.0025, 0.0025)
    for count in (10**3, 10**5, 10**5 + 1, 10**6, 10**6 + 1, 10**8):
        assert sum(fractions_for(count)) == pytest.approx(1)
        assert count * fractions_for(count)[2] >= min(0.2 * count, 1000)


@pytest.mark.parametrize(
    ("count", "fractions", "sizes"),
    [
        (1000, (0.7, 0.0, 0.3), [700, 0, 300]),
        (1_000_000, (0.98, 0.01, 0.01), [980_000, 10_000, 10_000]),
        (1_000_000, (0.995, 0.0025, 0.0025), [995_000, 2500, 2500]),
        (1_000_000, (0.995, 0.004, 0.001), [995_000, 4000, 1000]),
    ],
)
def test_the_shares_of_the_notes_come_out_exactly(count, fractions, sizes):
    assert [len(part) for part in split(count, fractions)] == sizes
