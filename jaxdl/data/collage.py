"""Digits strewn over canvases: enlarged, placed one after the other, and measured; where their ink is, and whose."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from jaxdl.errors import InputError

LANDMARKS = ("top", "bottom", "left", "right")
INK = 0.3
"""A pixel as dark as this belongs to its digit; full ink is 1."""

TRIES = 50


@dataclass(frozen=True)
class Layout:
    """How digits lie on a canvas of size × size pixels.

    digits   in a scene, from … to; one that finds no place in fifty tries is left out
    scale    the height of a digit, as a share of the canvas's side, from … to; its ink is up to a twentieth higher
    overlap  how much of the smaller of two boxes may lie in the other
    clutter  quarters of digits in a scene, which are nobody's

    InputError for scenes that can't be drawn.
    """

    size: int = 48
    digits: tuple[int, int] = (1, 3)
    scale: tuple[float, float] = (0.25, 0.55)
    overlap: float = 0.2
    clutter: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.digits[0] <= self.digits[1] or self.digits[1] < 1:
            raise InputError(f"digits {self.digits}: expected how many are in a scene, from … to, such as (1, 3)")
        in_order = self.scale[0] <= self.scale[1] <= 1 and self.size * self.scale[0] >= 8
        if not in_order or _most_ink(round(self.size * self.scale[1])) > self.size:
            raise InputError(
                f"scale {self.scale} of {self.size} pixels: expected from … to, at least 8 pixels and at most about "
                "0.95, with room for the ink of its edge, such as (0.25, 0.55)"
            )
        if not 0 <= self.overlap <= 1 or self.clutter < 0:
            raise InputError(
                f"overlap {self.overlap} and clutter {self.clutter}: expected 0 to 1, and 0 pieces or more"
            )


class Cast(NamedTuple):
    """The digits of a part: pictures [M, 8, 8], ink in [0, 1], and what they are [M]."""

    pictures: np.ndarray
    labels: np.ndarray


def strewn(cast: Cast, count: int, layout: Layout, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """All fields of `count` scenes but the caption; see `data.scenes.Scenes`."""
    most = layout.digits[1]
    chosen = rng.integers(len(cast.labels), size=(count, most))
    glyphs = _enlarged(cast.pictures[chosen], _sides(chosen.shape, layout, rng))
    tight, landmarks = _measured(glyphs)
    wanted = np.arange(most) < rng.integers(layout.digits[0], most + 1, size=(count, 1))
    corners, present = _placed(tight[..., 2:] - tight[..., :2], wanted, layout, rng)
    labels = np.where(present, cast.labels[chosen], 0)
    shift = corners - tight[..., :2]  # of the whole glyph, which is larger than its ink

    canvas = _Canvas(count, layout.size, glyphs.shape[-1])
    for scene, glyph, place in _clutter(cast, count, layout, rng):
        canvas.draw(scene, glyph, place, 0)
    for scene, k in np.argwhere(present).tolist():
        canvas.draw(scene, glyphs[scene, k], shift[scene, k], int(labels[scene, k]) + 1)
    image, segments = canvas.within()
    there = present[..., None]
    return {
        "image": image[..., None],
        "boxes": np.where(there, tight + np.tile(shift, 2), 0).astype(np.float32),
        "labels": labels.astype(np.int32),
        "present": present,
        "segments": segments,
        "landmarks": np.where(there[..., None], landmarks + shift[..., None, :], 0).astype(np.float32),
        "landmark_present": np.repeat(there, len(LANDMARKS), -1),
    }


class _Canvas:
    """Scenes with a margin, so that a glyph's faint edge may hang over."""

    def __init__(self, count: int, size: int, margin: int):
        self.size, self.margin = size, margin
        self.image = np.zeros((count, size + 2 * margin, size + 2 * margin), np.float32)
        self.segments = np.zeros(self.image.shape, np.int32)

    def draw(self, scene: int, glyph: np.ndarray, place: np.ndarray, segment: int) -> None:
        """Lay a glyph [G, G] with its upper left corner at `place` (x, y); what is darker is seen."""
        x, y = (place + self.margin).tolist()
        here = scene, slice(y, y + len(glyph)), slice(x, x + len(glyph))
        image, segments = self.image[here], self.segments[here]
        darker = glyph > image
        np.copyto(segments, segment, where=darker & (glyph >= INK), casting="same_kind")
        np.copyto(image, glyph, where=darker)

    def within(self) -> tuple[np.ndarray, np.ndarray]:
        """(images, segments) without the margin."""
        inside = slice(self.margin, self.margin + self.size)
        return self.image[:, inside, inside].copy(), self.segments[:, inside, inside].copy()


def _clutter(
    cast: Cast, count: int, layout: Layout, rng: np.random.Generator
) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """(scene, glyph, place) of quarters of digits: four rows by four columns of the scan, anywhere in the scene."""
    pictures = cast.pictures[rng.integers(len(cast.labels), size=(count, layout.clutter))]
    first = rng.integers(5, size=(2, *pictures.shape[:2], 1))
    down, across = ((first <= np.arange(8)) & (np.arange(8) < first + 4)).astype(np.float32)
    quarters = pictures * down[..., :, None] * across[..., None, :]
    sides = _sides(pictures.shape[:2], layout, rng)
    glyphs = _enlarged(quarters, sides)
    middle = (first[::-1, ..., 0] + 2) * sides / 8  # (x, y) of the quarter's middle in its glyph, but for the edge
    places = np.floor(rng.random((*sides.shape, 2)) * layout.size - np.moveaxis(middle, 0, -1)).astype(int)
    return [(scene, glyphs[scene, k], places[scene, k]) for scene in range(count) for k in range(layout.clutter)]


def _sides(shape: tuple[int, ...], layout: Layout, rng: np.random.Generator) -> np.ndarray:
    return np.round(layout.size * rng.uniform(*layout.scale, size=shape)).astype(int)


def _most_ink(side: int) -> int:
    """The pixels across the ink of a digit: `INK` reaches .2 of the scan's 8 pixels beyond an edge that is full."""
    return side + 2 * int(side / 40 + 0.5)


def _enlarged(pictures: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Pictures [..., 8, 8] enlarged bilinearly to their sides [...]: glyphs [..., G, G], with room for fading edges."""
    largest = int(sides.max(initial=8))
    room = largest + 2 * -(-largest // 16)
    glyphs = np.zeros((*sides.shape, room, room), np.float32)
    for side in np.unique(sides):
        # Pixel i lies at (i + ½)·8/side − ½ in the scan; nothing is left of an edge half a scan pixel beyond it.
        at = (np.arange(room) - -(-int(side) // 16) + 0.5) * 8 / side - 0.5
        weights = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(8))).astype(np.float32)
        same = sides == side
        glyphs[same] = weights @ pictures[same] @ weights.T
    return glyphs


def _measured(glyphs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes [..., 4] around the ink of glyphs [..., G, G], and the four landmarks [..., 4, 2]."""
    ink = np.asarray(glyphs >= INK)
    (x1, x2), (y1, y2) = (_ends(np.any(ink, axis)) for axis in (-2, -1))

    def darkest(line: np.ndarray, axis: int) -> np.ndarray:
        """Where along row or column `line` of each glyph it is darkest."""
        index = np.expand_dims(line, (-1, -2))
        return np.take_along_axis(glyphs, index, axis).squeeze(axis).argmax(-1)

    points = [
        (darkest(y1, -2), y1),
        (darkest(y2 - 1, -2), y2 - 1),
        (x1, darkest(x1, -1)),
        (x2 - 1, darkest(x2 - 1, -1)),
    ]
    return np.stack([x1, y1, x2, y2], -1), np.stack([np.stack(point, -1) for point in points], -2) + 0.5


def _ends(line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first True of lines [..., G], and the place behind the last."""
    return line.argmax(-1), line.shape[-1] - line[..., ::-1].argmax(-1)


def _placed(
    extent: np.ndarray, wanted: np.ndarray, layout: Layout, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Corners [S, N, 2] for boxes of extent [S, N, 2], and which of the wanted [S, N] have found a place.

    One after the other takes the first of its tries whose overlap with those before is allowed.
    """
    scenes, most = wanted.shape
    corners, present = np.zeros((scenes, most, 2), int), np.zeros((scenes, most), bool)
    area = extent.prod(-1)
    for k in range(most):
        tries = np.floor(rng.random((scenes, TRIES, 2)) * (layout.size - extent[:, k, None] + 1)).astype(int)
        fits = np.ones((scenes, TRIES), bool)
        for other in range(k):
            high = np.minimum(tries + extent[:, k, None], (corners + extent)[:, other, None])
            common = np.maximum(high - np.maximum(tries, corners[:, other, None]), 0).prod(-1)
            allowed = layout.overlap * np.minimum(area[:, k], area[:, other])[:, None]
            fits &= (common <= allowed) | ~present[:, other, None]
        corners[:, k] = tries[np.arange(scenes), fits.argmax(1)]
        present[:, k] = wanted[:, k] & fits.any(1)
    return corners, present
