"""The searches that are timed keep the same boxes."""

import numpy as np
import pytest

from benchmarks.nms import as_it_reads, clustered, in_numpy, one_program, scattered


@pytest.mark.parametrize("make", [scattered, clustered])
def test_one_program_and_the_loops_keep_the_same_boxes(make):
    found = make(np.random.default_rng(1), 2)
    said, kept = one_program()(found), in_numpy(found)
    for image, places in enumerate(kept):
        count = int(said.valid[image].sum())
        assert count == len(places) > 20
        np.testing.assert_array_equal(said.boxes[image, :count], found.boxes[image, places])
        np.testing.assert_array_equal(said.scores[image, :count], found.scores[image, places])
    np.testing.assert_array_equal(as_it_reads(type(found)(*(of[:1] for of in found)))[0], kept[0])
