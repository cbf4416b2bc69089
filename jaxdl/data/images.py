"""Image sets for classification: any TFDS set with an image and a label, standardised, as train, dev and test."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jaxdl.data import sets
from jaxdl.data.parts import Sets, divided, statistics
from jaxdl.data.philox import generator
from jaxdl.data.source import Arrays, Records, Source, check_finite, check_labels
from jaxdl.data.split import check_fractions
from jaxdl.errors import InputError

IN_MEMORY = 2**30  # bytes of decoded float32 images; a larger set is read from the disk batch by batch
SAMPLE = 10_000  # training images whose statistics stand for all where the set is not in memory


def load(
    name: str = "digits",
    size: int | None = None,
    channels: int | None = None,
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    seed: int = 0,
) -> Sets:
    """The set `name`, resized bilinearly to size × size and turned to 1 or 3 channels where these are given.

    image = (pixel − mean) / std per channel, pixels in [0, 1], with the mean and std of the training images alone.
    A test split of the set's own (or else its validation split) is the test set, and dev is dev / (train + dev) of its
    train split; a set with both keeps its validation split as dev. A set with neither is split by `fractions`.
    Splits are stratified, except of sets larger than `IN_MEMORY`, whose labels would have to be read first.
    `random/1000` is noise in 1000 classes, in three colours: a training set of true shape for a try or a timing.
    Raises InputError for an unknown or unprepared set, one that is no set of images with labels, and, in memory, for
    NaN in an image and a label that is no class.
    """
    check_fractions(fractions)
    if name.startswith("random/"):
        return _random(name, size or 32, channels or 3, seed)
    builder = sets.find(name)
    decode, shape = decoder(builder, size, channels)
    whole = _read(builder, decode, shape)
    label = builder.info.features["label"]
    for source in whole.values():
        if isinstance(source, Arrays):  # what is read batch by batch would have to be read for it
            check_finite(source.fields["image"], "image")
            check_labels(source.fields["label"], label.num_classes)
    train, dev, test = divided(whole, fractions, fractions[1] / (fractions[0] + fractions[1]), seed)
    mean, std = _statistics(train, seed)

    def standardised(source: Arrays | Records) -> Source:
        if isinstance(source, Arrays):
            return Arrays({**source.fields, "image": (source.fields["image"] - mean) / std})
        return replace(source, decode=replace(decode, mean=mean, std=std))

    return Sets(
        train=standardised(train),
        dev=standardised(dev),
        test=standardised(test),
        classes=label.num_classes,
        class_names=tuple(label.names),
        shape=shape,
        mean=mean,
        std=std,
        inputs="image",
    )


def _random(name: str, size: int, channels: int, seed: int) -> Sets:
    """512 images of N(0, 1), 256 to train on; the classes in turn."""
    count = name.removeprefix("random/")
    if not count.isdecimal() or int(count) < 2:
        raise InputError(f"data set {name!r}: expected random/ and the number of classes, such as random/1000")
    classes, examples = int(count), 512
    rng = generator(seed, 0)
    noise = rng.standard_normal((examples, size, size, channels), np.float32)
    source = Arrays({"image": noise, "label": np.arange(examples, dtype=np.int32) % classes})
    train, dev, test = (source.select(rows) for rows in np.split(np.arange(examples), [256, 384]))
    return Sets(
        train=train,
        dev=dev,
        test=test,
        classes=classes,
        class_names=tuple(map(str, range(classes))),
        shape=(size, size, channels),
        mean=np.zeros(channels, np.float32),
        std=np.ones(channels, np.float32),
        inputs="image",
    )


@dataclass(frozen=True)
class _Decode:
    """From a TFDS example to `image` float32 [H, W, C] and `label` int32.

    mode is Pillow's, for images stored as PNG or JPEG; size and channels are None where they stay as they are.
    """

    mode: str | None
    size: int | None
    channels: int | None
    mean: Any = 0.0
    std: Any = 1.0

    def __call__(self, record: dict[str, Any]) -> dict[str, np.ndarray]:
        image = record["image"]
        if isinstance(image, bytes):
            image = _decompressed(image, self.mode)
        if np.issubdtype(image.dtype, np.integer):
            image = image / np.float32(np.iinfo(image.dtype).max)
        image = _with_channels(image.astype(np.float32), self.channels)
        image = (_resized(image, self.size) - self.mean) / self.std
        return {"image": image.astype(np.float32), "label": np.int32(record["label"])}


def decoder(builder: Any, size: int | None, channels: int | None) -> tuple[_Decode, tuple[int, int, int]]:
    """The decoder of a set and the shape of its images."""
    import tensorflow_datasets as tfds

    features, name = builder.info.features, builder.name
    if not {"image", "label"} <= set(features) or len(features["image"].shape) != 3:
        raise InputError(f"data set {name!r} has {', '.join(features)}, not an image [H, W, C] and a label")
    height, width, stored = features["image"].shape
    if size is None and None in (height, width):
        raise InputError(f"the images of {name!r} differ in size: give one, such as size=64")
    if channels not in (None, stored) and (stored, channels) not in ((1, 3), (3, 1)):
        raise InputError(f"channels {channels}: the images of {name!r} have {stored}; only 1 and 3 can be turned")
    mode = None
    if isinstance(features["image"], tfds.features.Image) and features["image"].np_dtype == np.uint8:
        mode = {1: "L", 3: "RGB", 4: "RGBA"}[stored]
    return _Decode(mode, size, channels), (size or height, size or width, channels or stored)


def _read(builder: Any, decode: _Decode, shape: tuple[int, int, int]) -> dict[str, Arrays | Records]:
    """The TFDS splits that have labels: in memory if they all fit there."""
    import tensorflow_datasets as tfds

    as_stored = {}
    if isinstance(builder.info.features["image"], tfds.features.Image):
        as_stored = {"image": tfds.decode.SkipDecoding()}  # ours needs neither OpenCV nor a warning about it
    whole = {
        name: Records(builder.as_data_source(name, decoders=as_stored), decode) for name in sets.splits_of(builder)
    }
    whole = {name: records for name, records in whole.items() if records.records[0]["label"] >= 0}  # −1: kept secret
    if 4 * math.prod(shape) * sum(map(len, whole.values())) > IN_MEMORY:
        return dict(whole)
    return {name: Arrays(records[np.arange(len(records))]) for name, records in whole.items()}


def _statistics(train: Source, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel over the training images, a chunk at a time."""
    rows = np.arange(len(train))
    if not isinstance(train, Arrays) and len(rows) > SAMPLE:
        rows = np.sort(generator(seed, 0).choice(rows, SAMPLE, replace=False))
    return statistics(train[some]["image"] for some in np.array_split(rows, -(-len(rows) // 1024)))


def _decompressed(image: bytes, mode: str | None) -> np.ndarray:
    """PNG or JPEG -> [H, W, C]."""
    import io

    from PIL import Image

    with Image.open(io.BytesIO(image)) as opened:
        pixels = np.asarray(opened if mode is None else opened.convert(mode))
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _with_channels(image: np.ndarray, channels: int | None) -> np.ndarray:
    """Grey to colour by repeating; colour to grey by the luma .299 R + .587 G + .114 B (ITU-R BT.601)."""
    if channels in (None, image.shape[-1]):
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=-1)
    return image @ np.array([[0.299], [0.587], [0.114]], np.float32)


def _resized(image: np.ndarray, size: int | None) -> np.ndarray:
    """[H, W, C] -> [size, size, C], bilinear, without rounding to whole grey levels."""
    if size is None or image.shape[:2] == (size, size):
        return image
    from PIL import Image

    planes = [
        Image.fromarray(plane).resize((size, size), Image.Resampling.BILINEAR) for plane in image.transpose(2, 0, 1)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)
