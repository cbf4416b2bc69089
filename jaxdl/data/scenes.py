"""Scenes to find things in: real handwritten digits, enlarged and strewn over a canvas, with all that is known of them.

Made from a seed out of the bundled digits; or, by name, the images of a TFDS set with the same fields.
"""

import numpy as np

from jaxdl.data import images, object_sets
from jaxdl.data.annotations import Scenes, captions, vocabulary_of
from jaxdl.data.collage import Cast, Layout, strewn
from jaxdl.data.philox import generator
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def load(
    counts: tuple[int, int, int] = (1500, 300, 300),
    size: int = 48,
    digits: tuple[int, int] = (1, 3),
    scale: tuple[float, float] = (0.25, 0.55),
    overlap: float = 0.2,
    clutter: int = 0,
    seed: int = 0,
    name: str = "scenes",
    objects: int = 20,
) -> Scenes:
    """`counts` scenes for train, dev and test, each of its own part of the bundled digits, laid out as `Layout` says.

    A box is that of the pixels with `collage.INK` and more; where two digits overlap, the darker is seen. The landmarks
    are the darkest points of the ink's top and bottom row and of its left and right column. InputError for a count
    below 1 and what `Layout` refuses.

    Another name, such as voc, coco or oxford_iiit_pet, is read by `object_sets.load`: `counts` of its images at most,
    with places for `objects` things in each; the layout does not apply.
    """
    if min(counts) < 1:
        raise InputError(f"counts {counts}: expected 1 scene or more for train, dev and test, such as (1500, 300, 300)")
    if name != "scenes":
        return object_sets.load(name, counts, size, objects, seed)
    layout = Layout(size, digits, scale, overlap, clutter)
    scans = images.load("digits", seed=seed)
    vocabulary = vocabulary_of(NAMES)
    parts = []
    for number, (part, count) in enumerate(zip((scans.train, scans.dev, scans.test), counts, strict=True)):
        rng = generator(seed, number)
        digit = part[np.arange(len(part))]
        pictures = np.clip(digit["image"][..., 0] * scans.std + scans.mean, 0, 1)
        cast = Cast(pictures, digit["label"])
        fields = strewn(cast, count, layout, rng)
        fields["caption"], fields["caption_length"] = captions(fields, NAMES, vocabulary)
        parts.append(Arrays(fields))
    train, dev, test = parts
    return Scenes(train, dev, test, len(NAMES), NAMES, size, digits[1], vocabulary)
