"""One long text as batches: each row of a batch goes on where the same row of the batch before it ended."""

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from jaxdl.data.batches import BatchIterator
from jaxdl.data.philox import generator
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError


@dataclass(frozen=True, eq=False)
class Streams:
    """A sequence of tokens [N] cut into `batch_size` streams side by side, and these into segments of `length`.

    A batch has `tokens` and `targets`, the tokens that follow them, int32 [B, length], and `begins` [B]: 1 where the
    streams begin, at the first batch of an epoch. Each epoch begins at another place of the sequence, drawn from
    (seed, epoch), and reads it as a ring, so that segments are not cut at the same places again; up to
    batch_size · length − 1 tokens are left out of it.

    InputError for a sequence that does not fill one batch.
    """

    tokens: np.ndarray
    batch_size: int
    length: int

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.length < 1:
            raise InputError(f"{self.batch_size} streams of segments of {self.length}: expected 1 or more of both")
        if self.steps_per_epoch < 1:
            raise InputError(
                f"{len(self.tokens)} tokens don't fill {self.batch_size} segments of {self.length} and one more: "
                "give a longer text, a smaller batch or shorter segments"
            )

    @cached_property
    def steps_per_epoch(self) -> int:
        """⌊(N − 1) / (batch_size · length)⌋"""
        return (len(self.tokens) - 1) // (self.batch_size * self.length)

    def batch(self, step: int, seed: int, process: int = 0, processes: int = 1) -> dict[str, np.ndarray]:
        """The slice of global batch `step` that belongs to one process."""
        epoch, place = divmod(step, self.steps_per_epoch)
        share = self._share(processes)
        row = np.arange(process * share, (process + 1) * share, dtype=np.int32)
        first = generator(seed, epoch).integers(len(self.tokens))
        start = first + (row.astype(np.int64) * self.steps_per_epoch + place) * self.length
        segment = self.tokens[(start[:, None] + np.arange(self.length + 1)) % len(self.tokens)].astype(np.int32)
        whole = np.ones(share, np.float32)
        return {
            "tokens": segment[:, :-1],
            "targets": segment[:, 1:],
            "begins": whole if place == 0 else 0 * whole,
            "mask": whole,
            "row": row,
        }

    def iterate(self, seed: int, process: int = 0, processes: int = 1) -> BatchIterator:
        """The batches of one process, for ever. InputError where they can't be shared evenly."""
        self._share(processes)
        return BatchIterator(partial(self.batch, seed=seed, process=process, processes=processes))

    def _share(self, processes: int) -> int:
        if self.batch_size % processes:
            raise InputError(
                f"{self.batch_size} streams can't be shared by {processes} processes: give a multiple of {processes}"
            )
        return self.batch_size // processes


def scored_windows(tokens: np.ndarray, length: int, context: int) -> Arrays:
    """The examples that score a text [N]: each token but the first is scored once, in a window of `length`, after at
    least `context` tokens of it where the text has so many.

    `tokens` and `targets` int32 [windows, length], `weight` float32: 1 where a target is scored. The last window is
    filled up with token 0 at weight 0. InputError for a text of fewer than two tokens, and unless 0 ≤ context < length.
    """
    if not 0 <= context < length:
        raise InputError(f"windows of {length} tokens with {context} of context: expected 0 ≤ context < length")
    if len(tokens) < 2:
        raise InputError(f"a text of {len(tokens)} tokens: expected two or more, for there is nothing to predict")
    scored = len(tokens) - 1
    starts = np.arange(0, max(scored - context, 1), length - context)
    place = starts[:, None] + np.arange(length)
    weight = (place < scored) & ((starts[:, None] == 0) | (np.arange(length) >= context))
    padded = np.concatenate([tokens, np.zeros(length + 1, tokens.dtype)]).astype(np.int32)
    return Arrays({"tokens": padded[place], "targets": padded[place + 1], "weight": weight.astype(np.float32)})
