"""A data set cut into batches: which rows, in which order, on which host. All of it is a function of (seed, step).

Nothing here touches jax, so that worker processes never start a device (Grain imports jax but leaves it alone).
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np

from jaxdl.data.philox import generator
from jaxdl.data.source import Source
from jaxdl.errors import InputError


@dataclass(frozen=True)
class Batches:
    """Batches of `batch_size` examples over all hosts, each example exactly once an epoch.

    shuffle    a new order every epoch, drawn from (seed, epoch); else the source's own
    remainder  a short last batch is filled up with its own rows again at mask 0 ("pad"), or left out ("drop")
    workers    0: batches are made when asked for, right for what is in memory
               n: n workers of Grain make them ahead, in the same order, right for what must be read and decoded
    worker     "thread", at work at once; or "process", which takes seconds to start, for decoding in pure Python

    Raises InputError for a batch_size below 1 or above the size of the set.
    """

    source: Source
    batch_size: int
    shuffle: bool = True
    remainder: str = "pad"
    workers: int = 0
    worker: str = "thread"

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= len(self.source):
            raise InputError(
                f"batch size {self.batch_size} does not fit {len(self.source)} examples: "
                f"give one from 1 to {len(self.source)}"
            )
        if self.remainder not in ("pad", "drop"):
            raise InputError(f"remainder {self.remainder!r} is neither 'pad' nor 'drop'")
        if self.workers < 0 or self.worker not in ("thread", "process"):
            raise InputError(f"workers {self.workers}, {self.worker!r}: give 0 or more, and 'thread' or 'process'")

    @cached_property
    def steps_per_epoch(self) -> int:
        """⌈N / batch_size⌉ with "pad", ⌊N / batch_size⌋ with "drop"."""
        whole, rest = divmod(len(self.source), self.batch_size)
        return whole + (rest > 0 and self.remainder == "pad")

    def batch(self, step: int, seed: int, process: int = 0, processes: int = 1) -> dict[str, np.ndarray]:
        """The slice of global batch `step` that belongs to one process, with `mask` and `row`.

        Process p holds rows p·B/P … (p+1)·B/P − 1, so the slices put end to end are the global batch for any P.
        Raises InputError where P does not divide B.
        """
        size = self.batch_size
        epoch, place = divmod(step, self.steps_per_epoch)
        first = place * size
        if self.shuffle:
            rows = _order(len(self.source), seed, epoch)[first : first + size]
        else:
            rows = np.arange(first, min(first + size, len(self.source)))
        mask, row = _mask_and_row(size, len(rows))
        if len(rows) < size:
            rows = np.resize(rows, size)  # its own rows again: finite whatever the loss does with them
        if processes > 1:
            share = self._share(processes)
            mine = slice(process * share, (process + 1) * share)
            rows, mask, row = rows[mine], mask[mine], row[mine]
        examples = self.source[rows]
        if "mask" in examples or "row" in examples:
            raise InputError("a data set can't have a field called 'mask' or 'row': each batch adds its own")
        return {**examples, "mask": mask, "row": row}

    def iterate(self, seed: int, process: int = 0, processes: int = 1) -> "BatchIterator":
        """The batches of one process, for ever. Raises InputError where they can't be shared evenly."""
        self._share(processes)
        batch = partial(self.batch, seed=seed, process=process, processes=processes)
        return BatchIterator(batch, self.workers, self.worker)

    def _share(self, processes: int) -> int:
        """The rows of a global batch that one process holds."""
        if self.batch_size % processes:
            raise InputError(
                f"batch size {self.batch_size} can't be shared by {processes} processes: give a multiple of {processes}"
            )
        return self.batch_size // processes


class BatchIterator:
    """batch(0), batch(1), … for ever. Its state is the number of the next one, however they are made."""

    def __init__(self, batch: Callable[[int], dict[str, np.ndarray]], workers: int = 0, worker: str = "thread"):
        self._batch = batch
        self._workers = workers
        self._worker = worker
        self._next = 0
        self._ahead: Iterator[dict[str, np.ndarray]] | None = None

    def __iter__(self) -> "BatchIterator":
        return self

    def __next__(self) -> dict[str, np.ndarray]:
        if self._workers and self._ahead is None:
            self._ahead = _made_ahead(self._batch, self._next, self._workers, self._worker)
        batch = self._batch(self._next) if self._ahead is None else next(self._ahead)
        self._next += 1
        return batch

    def get_state(self) -> dict[str, Any]:
        """{"next_batch": n}, fit for JSON."""
        return {"next_batch": self._next}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on with batch n."""
        self._next = int(state["next_batch"])
        self._ahead = None


@lru_cache(maxsize=4)
def _order(count: int, seed: int, epoch: int) -> np.ndarray:
    """The order of one epoch, from a counter-based generator: epoch 1000 costs what epoch 0 does."""
    return _shared(generator(seed, epoch).permutation(count))


@lru_cache(maxsize=16)
def _mask_and_row(batch_size: int, real: int) -> tuple[np.ndarray, np.ndarray]:
    """1 for the first `real` places of the global batch and 0 after them; the number of each place."""
    row = np.arange(batch_size, dtype=np.int32)
    return _shared((row < real).astype(np.float32)), _shared(row)


def _shared(values: np.ndarray) -> np.ndarray:
    """The same array, closed to writing: the caches hand it to everybody."""
    values.flags.writeable = False
    return values


def _made_ahead(
    batch: Callable[[int], dict[str, np.ndarray]], first: int, workers: int, worker: str
) -> Iterator[dict[str, np.ndarray]]:
    """batch(first), batch(first + 1), … made by Grain; the workers end when this generator is closed or dropped."""
    import grain

    numbers = grain.MapDataset.range(first, sys.maxsize).map(batch)
    if worker == "thread":
        batches = numbers.to_iter_dataset(grain.ReadOptions(num_threads=workers, prefetch_buffer_size=2 * workers))
    else:
        from absl import flags

        if not flags.FLAGS.is_parsed():
            flags.FLAGS.mark_as_parsed()  # Grain's processes read absl's flags, which only absl's own main parses
        batches = numbers.to_iter_dataset(grain.ReadOptions(num_threads=1, prefetch_buffer_size=1))
        batches = batches.mp_prefetch(grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=2))
    iterator = iter(batches)
    try:
        yield from iterator
    finally:
        iterator.close()
