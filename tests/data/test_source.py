import numpy as np
import pytest

from jaxdl.data import sets
from jaxdl.data.source import Arrays, Records, Source
from jaxdl.errors import InputError

COLUMNS = {"x": np.arange(12.0).reshape(6, 2), "y": np.arange(6)}


def as_arrays(record):
    return {"image": record["image"], "label": np.int32(record["label"])}


@pytest.fixture
def digits():
    return Records(sets.find("digits").as_data_source("train"), as_arrays)


def test_arrays_give_whole_batches_in_the_order_asked():
    batch = Arrays(COLUMNS)[np.array([4, 0, 4])]
    np.testing.assert_array_equal(batch["x"], [[8, 9], [0, 1], [8, 9]])
    np.testing.assert_array_equal(batch["y"], [4, 0, 4])


def test_records_give_the_batch_that_stacking_single_records_gives(digits):
    rows = np.array([1796, 3, 3, 700])
    batch = digits[rows]
    single = [digits.records[int(row)] for row in rows]
    np.testing.assert_array_equal(batch["image"], np.stack([record["image"] for record in single]))
    np.testing.assert_array_equal(batch["label"], [record["label"] for record in single])


@pytest.mark.parametrize("kind", ["arrays", "records"])
def test_a_selection_of_a_selection_is_the_composed_selection(digits, kind):
    source = digits if kind == "records" else Arrays(digits[np.arange(20)])
    some = source.select(np.array([7, 5, 19, 2])).select(np.array([3, 0]))
    assert isinstance(some, Source)
    assert len(some) == 2
    np.testing.assert_array_equal(some[np.array([0, 1])]["image"], source[np.array([2, 7])]["image"])


def test_fields_of_unequal_length_are_refused_with_their_lengths():
    with pytest.raises(InputError, match=r"'x': 6, 'y': 5"):
        Arrays({"x": np.zeros(6), "y": np.zeros(5)})
    with pytest.raises(InputError, match="at least one"):
        Arrays({})


def test_equal_sources_print_alike_and_without_memory_addresses(digits):
    assert repr(Arrays(COLUMNS)) == "Arrays(x=float64[6, 2], y=int64[6])"
    again = Records(sets.find("digits").as_data_source("train"), as_arrays)
    assert repr(again) == repr(digits)
    assert "0x" not in repr(digits)
