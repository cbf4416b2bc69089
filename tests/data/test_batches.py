import json

import numpy as np
import pytest

from jaxdl.data.batches import Batches
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError

COUNT, SIZE = 22, 8


@pytest.fixture
def source():
    return Arrays({"x": np.arange(COUNT * 3, dtype=np.float32).reshape(COUNT, 3), "id": np.arange(COUNT)})


def take(iterator, count):
    return [next(iterator) for _ in range(count)]


def assert_equal(batches, others):
    assert len(batches) == len(others)
    for batch, other in zip(batches, others, strict=True):
        assert batch.keys() == other.keys()
        for name in batch:
            assert batch[name].dtype == other[name].dtype
            np.testing.assert_array_equal(batch[name], other[name])


def real_ids(batches):
    return np.concatenate([batch["id"][batch["mask"] == 1] for batch in batches])


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("size", [1, 8, 11, 22])
def test_padded_batches_show_each_example_exactly_once_in_every_epoch(source, shuffle, size):
    batches = Batches(source, size, shuffle)
    iterator = batches.iterate(seed=3)
    for _ in range(3):
        epoch = take(iterator, batches.steps_per_epoch)
        assert all(batch["x"].shape == (size, 3) for batch in epoch)
        np.testing.assert_array_equal(np.sort(real_ids(epoch)), np.arange(COUNT))
        assert sum(batch["mask"].sum() for batch in epoch) == COUNT


@pytest.mark.parametrize("shuffle", [True, False])
def test_dropping_the_remainder_shows_no_example_twice_and_pads_nothing(source, shuffle):
    batches = Batches(source, SIZE, shuffle, remainder="drop")
    iterator = batches.iterate(seed=3)
    assert batches.steps_per_epoch == 2
    for _ in range(3):
        epoch = take(iterator, 2)
        assert all((batch["mask"] == 1).all() for batch in epoch)
        assert len(np.unique(real_ids(epoch))) == 2 * SIZE


def test_what_dropping_leaves_out_changes_with_the_epoch(source):
    iterator = Batches(source, SIZE, remainder="drop").iterate(seed=0)
    assert len(np.unique(real_ids(take(iterator, 20)))) == COUNT


def test_padding_repeats_examples_of_the_same_batch(source):
    last = Batches(source, SIZE).batch(2, seed=0)
    np.testing.assert_array_equal(last["mask"], [1] * 6 + [0] * 2)
    np.testing.assert_array_equal(last["id"][6:], last["id"][:2])
    assert (last["mask"].dtype, last["row"].dtype) == (np.float32, np.int32)


def test_without_shuffling_the_order_is_the_sources(source):
    iterator = Batches(source, SIZE, shuffle=False).iterate(seed=9)
    for _ in range(2):
        np.testing.assert_array_equal(real_ids(take(iterator, 3)), np.arange(COUNT))


@pytest.mark.parametrize("processes", [1, 2, 4])
@pytest.mark.parametrize("remainder", ["pad", "drop"])
def test_the_slices_of_the_hosts_end_to_end_are_the_global_batch(source, processes, remainder):
    batches = Batches(source, SIZE, remainder=remainder)
    whole = take(batches.iterate(seed=1), 7)
    slices = [take(batches.iterate(1, process, processes), 7) for process in range(processes)]
    joined = [
        {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        for parts in zip(*slices, strict=True)
    ]
    assert_equal(joined, whole)
    for batch in whole:
        np.testing.assert_array_equal(batch["row"], np.arange(SIZE))


def test_orders_agree_for_equal_seed_and_epoch_and_differ_otherwise(source):
    batches = Batches(source, COUNT)
    orders = {(seed, epoch): tuple(batches.batch(epoch, seed)["id"]) for seed in (0, 1, -1) for epoch in range(3)}
    assert len(set(orders.values())) == 9
    assert all(tuple(Batches(source, COUNT).batch(epoch, seed)["id"]) == ids for (seed, epoch), ids in orders.items())


@pytest.mark.parametrize("workers", [0, 2])
def test_resuming_from_any_state_equals_never_having_stopped(source, workers):
    batches = Batches(source, SIZE, workers=workers)
    uninterrupted = take(Batches(source, SIZE).iterate(seed=5), 9)
    running = batches.iterate(seed=5)
    for done in range(7):
        state = json.loads(json.dumps(running.get_state()))
        assert state == {"next_batch": done}
        resumed = batches.iterate(seed=5)
        resumed.set_state(state)
        assert_equal(take(resumed, 2), uninterrupted[done : done + 2])
        next(running)


@pytest.mark.parametrize("worker", ["thread", "process"])
def test_workers_make_the_same_batches_and_keep_the_same_state(source, worker):
    plain = Batches(source, SIZE).iterate(2, 1, 2)
    ahead = Batches(source, SIZE, workers=2, worker=worker).iterate(2, 1, 2)
    assert_equal(take(ahead, 10), take(plain, 10))
    assert ahead.get_state() == plain.get_state()
    for iterator in (ahead, plain):
        iterator.set_state({"next_batch": 4})
    assert_equal(take(ahead, 3), take(plain, 3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch size 0 does not fit 22 examples: give one from 1 to 22"),
        ({"batch_size": 23}, "batch size 23 does not fit 22 examples"),
        ({"batch_size": 4, "remainder": "keep"}, "'keep' is neither 'pad' nor 'drop'"),
        ({"batch_size": 4, "workers": -1}, "workers -1"),
        ({"batch_size": 4, "worker": "fork"}, "'fork': give 0 or more, and 'thread' or 'process'"),
    ],
)
def test_impossible_batches_are_refused_before_they_are_asked_for(source, options, message):
    with pytest.raises(InputError, match=message):
        Batches(source, **options)


def test_hosts_that_cannot_share_a_batch_evenly_are_told_so_at_once(source):
    with pytest.raises(InputError, match="batch size 8 can't be shared by 3 processes: give a multiple of 3"):
        Batches(source, SIZE).iterate(0, 0, 3)


@pytest.mark.parametrize("name", ["mask", "row"])
def test_a_field_that_a_batch_would_overwrite_is_refused(name):
    with pytest.raises(InputError, match="can't have a field called 'mask' or 'row'"):
        next(Batches(Arrays({name: np.zeros(4)}), 2).iterate(0))
