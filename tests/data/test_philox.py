"""A seed and a stream say which numbers come, today and later."""

from inspect import unwrap

import numpy as np
import pytest

from jaxdl.data.philox import generator


def first(seed, *stream):
    return generator(seed, *stream).integers(1000, size=4).tolist()


def test_the_numbers_of_a_seed_never_change():
    """What was measured on drawn data stands only as long as these do."""
    assert first(0) == [135, 14, 937, 257]
    assert first(0, 0) == [34, 11, 611, 241]
    assert first(3, 5) == [630, 89, 433, 331]


def test_seeds_and_streams_are_all_different():
    drawn = [first(seed, *stream) for seed in (0, 1, -1) for stream in ((), (0,), (1,), (2**63,))]
    assert len(set(map(tuple, drawn))) == 12


@pytest.mark.parametrize("seed", [np.int64(-1), np.uint64(2**64 - 1), 2**64 - 1])
def test_a_seed_may_be_negative_and_a_number_of_numpy(seed):
    assert unwrap(generator)(seed, 4).random() == generator(-1, 4).random()
    assert unwrap(generator)(seed).random() == generator(-1).random()
