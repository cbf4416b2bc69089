"""A long text in batches: nothing twice, nothing torn apart, the same on any number of hosts."""

import itertools

import numpy as np
import pytest

from jaxdl.data.batches import Batches
from jaxdl.data.streams import Streams, scored_windows
from jaxdl.errors import InputError
from jaxdl.task import Batches as Protocol


def test_each_row_goes_on_where_the_same_row_of_the_batch_before_ended():
    streams = Streams(np.arange(1000), batch_size=4, length=7)
    batches = [streams.batch(step, seed=3) for step in range(streams.steps_per_epoch)]
    for before, after in itertools.pairwise(batches):
        np.testing.assert_array_equal(after["tokens"][:, 0], before["targets"][:, -1])
    for batch in batches:
        np.testing.assert_array_equal(batch["targets"], (batch["tokens"] + 1) % 1000)


def test_an_epoch_reads_every_token_once_but_the_rest_that_fills_no_batch():
    streams = Streams(np.arange(1000), batch_size=4, length=7)
    read = np.concatenate([streams.batch(step, seed=0)["tokens"].ravel() for step in range(streams.steps_per_epoch)])
    assert streams.steps_per_epoch == 35
    assert len(np.unique(read)) == len(read) == 4 * 7 * 35


def test_streams_begin_with_the_epoch_each_time_at_another_place():
    streams = Streams(np.arange(1000), batch_size=2, length=100)
    begins = [streams.batch(step, seed=0)["begins"].tolist() for step in range(6)]
    assert begins == [[1, 1], [0, 0], [0, 0], [0, 0], [1, 1], [0, 0]]
    assert len({streams.batch(4 * epoch, seed=0)["tokens"][0, 0] for epoch in range(5)}) == 5
    assert streams.batch(0, seed=0)["tokens"][0, 0] != streams.batch(0, seed=1)["tokens"][0, 0]


def test_the_slices_of_the_processes_are_the_global_batch():
    streams = Streams(np.arange(500), batch_size=6, length=5)
    whole = streams.batch(3, seed=1)
    parts = [streams.batch(3, 1, process, 3) for process in range(3)]
    for name, rows in whole.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), rows)


def test_it_is_what_a_task_calls_batches_and_its_iterator_goes_on_where_it_was():
    streams = Streams(np.arange(500), batch_size=6, length=5)
    assert isinstance(streams, Protocol)
    first = streams.iterate(0)
    for _ in range(3):
        next(first)
    other = streams.iterate(0)
    other.set_state(first.get_state())
    np.testing.assert_array_equal(next(other)["tokens"], next(first)["tokens"])


@pytest.mark.parametrize(
    ("count", "length", "context"), [(100, 10, 0), (100, 10, 4), (97, 10, 9), (5, 10, 3), (2, 4, 0)]
)
def test_windows_score_each_token_but_the_first_once_with_context(count, length, context):
    found = scored_windows(np.arange(1, count + 1), length, context).fields
    scored = found["targets"][found["weight"] == 1]
    np.testing.assert_array_equal(np.sort(scored), np.arange(2, count + 1))
    places = np.broadcast_to(np.arange(length), found["weight"].shape)
    before = np.minimum(context, found["targets"] - 2)  # how many tokens of context the text itself has
    assert (places >= before)[found["weight"] == 1].all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Streams(np.arange(20), 4, 5), "don't fill 4 segments of 5"),
        (lambda: Streams(np.arange(20), 0, 5), "1 or more"),
        (lambda: Streams(np.arange(50), 4, 5).iterate(0, 0, 3), "multiple of 3"),
        (lambda: scored_windows(np.arange(1), 4, 0), "text of 1 tokens"),
        (lambda: scored_windows(np.arange(9), 4, 4), "context < length"),
    ],
)
def test_what_can_t_be_cut_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_windows_are_a_source_of_ordinary_batches():
    batches = Batches(scored_windows(np.arange(100), 10, 4), batch_size=8, shuffle=False)
    assert next(batches.iterate(0))["targets"].shape == (8, 10)
