"""Groups stay together, the target is where it is judged, and what lies on both sides is found."""

import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.strategy.split import duplicates, grouped, place_target


@pytest.mark.parametrize("seed", range(5))
def test_no_group_is_on_two_sides_all_rows_are_somewhere_and_the_shares_are_near(seed):
    groups = np.random.default_rng(seed).integers(0, 40, 1000)
    parts = grouped(groups, (0.6, 0.2, 0.2), seed)
    assert sorted(np.concatenate(parts)) == list(range(1000))
    homes = [set(groups[part]) for part in parts]
    assert not homes[0] & homes[1]
    assert not (homes[0] | homes[1]) & homes[2]
    np.testing.assert_allclose([len(part) / 1000 for part in parts], (0.6, 0.2, 0.2), atol=0.03)


def test_as_many_groups_as_parts_leave_none_empty_and_the_seed_decides_who_goes_where():
    groups = np.array(["a"] * 50 + ["b", "c"])
    assert all(len(part) for part in grouped(groups))
    assert all(len(part) for part in grouped(np.repeat(np.arange(3), 10), (0.8, 0.1, 0.1)))
    names = np.repeat(np.arange(30), 5)
    assert any(not np.array_equal(grouped(names, seed=0)[0], grouped(names, seed=s)[0]) for s in (1, 2))
    np.testing.assert_array_equal(grouped(names, seed=3)[1], grouped(names, seed=3)[1])


@pytest.mark.parametrize("seed", range(5))
def test_a_large_group_goes_first_so_that_the_small_ones_fill_up_what_is_left(seed):
    groups = np.concatenate([np.zeros(60), np.arange(1, 41)])
    assert [len(part) for part in grouped(groups, seed=seed)] == [60, 20, 20]


def test_200000_from_the_web_and_10000_from_phones_make_205000_and_2500_and_2500():
    placed = place_target(200_000, 10_000)
    assert [len(part) for part in placed] == [200_000, 5_000, 2_500, 2_500]
    assert sorted(np.concatenate(placed[1:])) == list(range(10_000))
    assert 2200 < (placed.train_target < 5000).sum() < 2800  # by chance: the order may be that of the day
    assert len(place_target(100, 10, to_train=0).train_target) == 0


def test_an_example_on_both_sides_is_found_and_one_that_is_almost_the_same_too():
    random = np.random.default_rng(0)
    parts = {"train": random.normal(size=(200, 8, 8, 1)), "dev": random.normal(size=(50, 8, 8, 1))}
    parts["dev"][7] = parts["train"][150]
    parts["dev"][9] = parts["train"][30] + 0.01 * random.normal(size=(8, 8, 1))
    assert duplicates(parts) == [("train", 150, "dev", 7, 0.0)]
    same, near = duplicates(parts, near=0.1)
    assert same == ("train", 150, "dev", 7, 0.0)
    assert near[:4] == ("train", 30, "dev", 9)
    assert near.distance == pytest.approx(0.01, rel=0.3)


@pytest.mark.parametrize("example", [[1.0, np.nan], ["a", "word"]])
def test_the_same_bytes_are_the_same_example_though_they_are_nan_or_text(example):
    array = np.array([example])
    assert duplicates({"train": array, "dev": array}) == [("train", 0, "dev", 0, 0.0)]


def test_most_of_what_was_disturbed_a_little_is_found_among_strangers():
    random = np.random.default_rng(1)
    train = random.normal(size=(300, 20))
    parts = {"train": train, "test": train[:100] + 0.03 * random.normal(size=(100, 20))}
    found = duplicates(parts, near=0.1)
    assert all(one.first_row == one.second_row for one in found)
    assert len(found) >= 95


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: grouped(np.zeros(10)), "1 groups for 3 parts"),
        (lambda: grouped(np.arange(10), (0.5, 0.6)), "sum to 1"),
        (lambda: place_target(100, 2), "too few for dev and test"),
        (lambda: place_target(100, 20, to_train=1), "from 0 to below 1"),
        (lambda: duplicates({"a": np.ones((2, 3)), "b": np.ones((2, 4))}), "expected one shape"),
        (lambda: duplicates({"a": np.array(["x"]), "b": np.array(["y"])}, near=0.1), "only numbers can be near"),
    ],
)
def test_what_can_not_be_divided_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
