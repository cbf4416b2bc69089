"""TFDS sets of images with things to find in them: any with `objects` and their boxes, or with a segmentation mask."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxdl.boxes import check_boxes
from jaxdl.data import sets
from jaxdl.data.annotations import Scenes, captions, vocabulary_of
from jaxdl.data.images import IN_MEMORY
from jaxdl.data.parts import divided
from jaxdl.data.philox import generator
from jaxdl.data.source import Arrays, Records, Source
from jaxdl.data.text import Vocabulary
from jaxdl.errors import InputError

BACKGROUND = 2
"""In a trimap, as oxford_iiit_pet has it; 1 is the animal, 3 its outline, which counts as the animal here."""

LOOKED_AT = 50  # records of a split without any object before its annotations are taken to be secret


def load(name: str, counts: tuple[int, int, int], size: int = 224, objects: int = 20, seed: int = 0) -> Scenes:
    """`counts` images of a prepared set at most, for train, dev and test, resized to size × size, and boxes with them.

    Of more than `objects` things in an image the largest are kept. A set like voc and coco has boxes and classes; one
    like oxford_iiit_pet has `segments` by the breed of its one animal, and its box is the one around them.
    A test split (or else its validation split) is the test set; dev is a fifth of train where there is no third.
    InputError for an unknown or unprepared set, one that has neither objects nor masks, a corrupt image, and, in
    memory, for a box whose corners are the wrong way round.
    """
    if objects < 1 or size < 1:
        raise InputError(f"{objects} objects in images of {size} pixels: expected 1 or more of both")
    builder = sets.find(name)
    decode = _decoder(builder, size, objects)
    parts = divided(_read(builder, decode), (0.6, 0.2, 0.2), 0.2, seed)
    chosen = []
    for part, count in zip(parts, counts, strict=True):
        rng = generator(seed)
        chosen.append(part.select(np.sort(rng.permutation(len(part))[:count])))
    example = chosen[0][np.arange(1)]
    read: list[Source] = list(chosen)
    if sum(map(len, chosen)) * sum(values.nbytes for values in example.values()) <= IN_MEMORY:
        held = [Arrays(part[np.arange(len(part))]) for part in chosen]
        for in_memory in held:
            check_boxes(in_memory.fields["boxes"], in_memory.fields["present"])
        read = list(held)
    train, dev, test = read
    places = example["labels"].shape[1]
    return Scenes(train, dev, test, len(decode.names), decode.names, size, places, decode.vocabulary, channels=3)


@dataclass(frozen=True)
class _Decode:
    """From a record with `objects` to the fields of `Scenes`."""

    size: int
    objects: int
    names: tuple[str, ...]
    vocabulary: Vocabulary

    def __call__(self, record: dict[str, Any]) -> dict[str, np.ndarray]:
        boxes, labels, segments = self.found(record)
        largest = np.argsort(-np.prod(boxes[:, 2:] - boxes[:, :2], -1), kind="stable")[: self.objects]
        count, n = len(largest), self.objects
        fields: dict[str, np.ndarray] = {
            "image": self.opened(record["image"], "RGB", smooth=True).astype(np.float32) / 255,
            "boxes": np.zeros((n, 4), np.float32),
            "labels": np.zeros(n, np.int32),
            "present": np.arange(n) < count,
            **segments,
            "landmarks": np.zeros((n, 0, 2), np.float32),
            "landmark_present": np.zeros((n, 0), bool),
        }
        fields["boxes"][:count], fields["labels"][:count] = boxes[largest], labels[largest]
        of_one = {name: fields[name][None] for name in ("boxes", "labels", "present")}
        (fields["caption"],), (fields["caption_length"],) = captions(of_one, self.names, self.vocabulary)
        return fields

    def found(self, record: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """(boxes [n, 4], labels [n], the field `segments` if there is one)."""
        boxes = np.asarray(record["objects"]["bbox"], np.float32).reshape(-1, 4)[:, [1, 0, 3, 2]]  # TFDS has y first
        return self.size * boxes, np.asarray(record["objects"]["label"], np.int32).reshape(-1), {}

    def opened(self, image: bytes, mode: str | None, smooth: bool) -> np.ndarray:
        """PNG or JPEG, resized. A mask keeps its numbers."""
        from PIL import Image

        how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
        try:
            with Image.open(io.BytesIO(image)) as opened:
                turned = opened if mode is None else opened.convert(mode)
                return np.asarray(turned.resize((self.size, self.size), how))
        except OSError as error:
            raise InputError(f"an image of the set can't be read ({error}): prepare the set again") from error


class _DecodeMask(_Decode):
    """Of a set with one animal in each image and its mask."""

    def found(self, record: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        animal = self.opened(record["segmentation_mask"], None, smooth=False) != BACKGROUND
        label = int(record["label"])
        segments = {"segments": np.where(animal, 1 + label, 0).astype(np.int32)}
        y, x = np.nonzero(animal)
        if not len(y):
            return np.zeros((0, 4), np.float32), np.zeros(0, np.int32), segments
        box = np.array([[x.min(), y.min(), x.max() + 1, y.max() + 1]], np.float32)
        return box, np.array([label], np.int32), segments


def _decoder(builder: Any, size: int, objects: int) -> _Decode:
    features = builder.info.features
    if "objects" in features and {"bbox", "label"} <= set(features["objects"].feature):
        kind, label = _Decode, features["objects"].feature["label"]
    elif {"segmentation_mask", "label"} <= set(features):
        kind, label, objects = _DecodeMask, features["label"], 1
    else:
        raise InputError(
            f"data set {builder.name!r} has {', '.join(features)}: expected `objects` with `bbox` and `label`, as in "
            "voc and coco, or a `segmentation_mask` and a `label`, as in oxford_iiit_pet"
        )
    names = tuple(name.replace("_", " ").lower() for name in label.names)
    return kind(size, objects, names, vocabulary_of(names))


def _read(builder: Any, decode: _Decode) -> dict[str, Records]:
    """The splits that say what is in their images."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    as_stored = {name: tfds.decode.SkipDecoding() for name in ("image", "segmentation_mask") if name in features}
    whole = {
        name: Records(builder.as_data_source(name, decoders=as_stored), decode) for name in sets.splits_of(builder)
    }
    looked_at = {name: part[np.arange(min(LOOKED_AT, len(part)))]["present"] for name, part in whole.items()}
    if not looked_at["train"].any():
        raise InputError(f"data set {builder.name!r} has no object in its first {LOOKED_AT} training images")
    return {name: part for name, part in whole.items() if looked_at[name].any()}
