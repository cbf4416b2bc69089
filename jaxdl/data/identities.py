"""Image sets whose test identities were never seen in training (digits by class, omniglot, lfw), and their batches."""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np

from jaxdl.data import sets
from jaxdl.data.batches import Batches, BatchIterator
from jaxdl.data.images import IN_MEMORY, decoder
from jaxdl.data.parts import Sets, statistics
from jaxdl.data.philox import generator
from jaxdl.data.source import Arrays, Source, check_finite
from jaxdl.data.split import split
from jaxdl.errors import InputError


def load(
    name: str = "digits",
    size: int | None = None,
    channels: int | None = None,
    seen: float = 0.6,
    dev: float = 0.25,
    seed: int = 0,
    most: int = 4000,
) -> Sets:
    """The set `name` divided by identity, its own splits put together; images as `images.load` makes them.

    train and dev are of the first `seen` share of the identities, in the order of their labels, and test is of all
    others: of the digits 0 to 5 and 6 to 9. Of the images of each seen identity the share `dev` is kept from train.
    dev and test hold at most `most` images each, of their first identities: pairs of them are judged, which are many.
    A label is a number (omniglot's characters) or a name (of lfw's people). Identities with a single image are left
    out: there is nothing to recognise them by.

    InputError as of `images.load`, for a share outside (0, 1), and for fewer than two identities on either side.
    """
    for share, what in ((seen, "of identities that are seen"), (dev, "of their images that are for dev")):
        if not 0 < share < 1:
            raise InputError(f"the share {share} {what}: expected more than 0 and less than 1")
    image, label, names, shape = _read(name, size, channels)
    check_finite(image, "image")
    counts = np.bincount(label)
    known = np.flatnonzero(counts > 1)
    first = round(seen * len(known))
    if not 2 <= first <= len(known) - 2:
        raise InputError(
            f"{name!r} has {len(known)} identities with two images or more, {first} to learn from: expected at least "
            "2 to learn from and 2 others"
        )
    of_seen = np.flatnonzero(np.isin(label, known[:first]))
    train, held_out = (of_seen[rows] for rows in split(label[of_seen], (1 - dev, dev), seed))
    unseen = np.flatnonzero(np.isin(label, known[first:]))
    mean, std = statistics([image[train]])

    def of(rows: np.ndarray) -> Arrays:
        return Arrays({"image": (image[rows] - mean) / std, "label": label[rows]})

    return Sets(
        train=of(train),
        dev=of(_of_first(held_out, label, most)),
        test=of(_of_first(unseen, label, most)),
        classes=len(names),
        class_names=names,
        shape=shape,
        mean=mean,
        std=std,
        inputs="image",
    )


def _of_first(rows: np.ndarray, label: np.ndarray, most: int) -> np.ndarray:
    """The rows of the first identities, all of each, up to so many; of the first two in any case."""
    identities, counts = np.unique(label[rows], return_counts=True)
    fit = max(2, int((np.cumsum(counts) <= most).sum()))
    return rows[np.isin(label[rows], identities[:fit])]


def _read(name: str, size: int | None, channels: int | None) -> tuple[np.ndarray, np.ndarray, tuple[str, ...], Any]:
    """(images [N, H, W, C], labels [N], the name of each label, the shape of an image) of all splits that are whole."""
    import tensorflow_datasets as tfds

    builder = sets.find(name)
    decode, shape = decoder(builder, size, channels)
    feature = builder.info.features
    found = [part for part in ("train", "validation", "test") if part in builder.info.splits]
    count = sum(builder.info.splits[part].num_examples for part in found)
    if 4 * math.prod(shape) * count > IN_MEMORY:
        raise InputError(f"{count} images of {shape} take more than {IN_MEMORY >> 20} MB: give a smaller size")
    as_stored = {"image": tfds.decode.SkipDecoding()} if isinstance(feature["image"], tfds.features.Image) else {}
    image, who = np.empty((count, *shape), np.float32), []
    records = (record for part in found for record in builder.as_data_source(part, decoders=as_stored))
    for row, record in enumerate(records):
        image[row] = decode({**record, "label": 0})["image"]
        who.append(record["label"])
    if isinstance(feature["label"], tfds.features.ClassLabel):
        return image, np.array(who, np.int32), tuple(feature["label"].names), shape
    people, label = np.unique([person.decode() for person in who], return_inverse=True)
    return image, label.astype(np.int32), tuple(people.tolist()), shape


@dataclass(frozen=True)
class Grouped:
    """Batches in which up to `group` images of one identity stand side by side, so that there are positives to mine.

    An ordinary batch of 64 out of 1000 identities has about two pairs of one identity. Each epoch every identity's
    images are shuffled and cut into groups, and the groups are shuffled: each image comes once, but for those of a
    short last batch, which is left out. InputError as of `Batches`, and for a group below 1.
    """

    source: Source
    batch_size: int
    group: int = 4

    def __post_init__(self) -> None:
        if self.group < 1:
            raise InputError(f"groups of {self.group}: expected 1 or more images of an identity")
        _ = self._plain(self.source)

    @property
    def steps_per_epoch(self) -> int:
        return len(self.source) // self.batch_size

    @cached_property
    def labels(self) -> np.ndarray:
        return self.source[np.arange(len(self.source))]["label"]

    def iterate(self, seed: int, process: int = 0, processes: int = 1) -> BatchIterator:
        """The batches of one process, for ever. InputError where they can't be shared evenly."""
        self._plain(self.source).iterate(seed, process, processes)
        return BatchIterator(partial(self.batch, seed=seed, process=process, processes=processes))

    def batch(self, step: int, seed: int, process: int = 0, processes: int = 1) -> dict[str, np.ndarray]:
        """The slice of global batch `step` that belongs to one process, as of `Batches`."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = _in_groups(self, seed, epoch)
        return self._plain(_Ordered(self.source, order)).batch(place, seed, process, processes)

    def _plain(self, source: Source) -> Batches:
        return Batches(source, self.batch_size, shuffle=False, remainder="drop")


@dataclass(frozen=True, eq=False)
class _Ordered:
    """A source in another order."""

    source: Source
    order: np.ndarray

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return self.source[self.order[rows]]


@lru_cache(maxsize=4)
def _in_groups(batches: Grouped, seed: int, epoch: int) -> np.ndarray:
    """The order of one epoch, a function of (seed, epoch)."""
    random = generator(seed, epoch)
    labels = batches.labels
    shuffled = random.permutation(len(labels))
    by_identity = shuffled[np.argsort(labels[shuffled], kind="stable")]
    starts = np.flatnonzero(np.diff(labels[by_identity], prepend=-1))
    within = np.arange(len(labels)) - np.repeat(starts, np.diff(starts, append=len(labels)))
    groups = np.split(by_identity, np.flatnonzero(within % batches.group == 0)[1:])
    return np.concatenate([groups[place] for place in random.permutation(len(groups))])
