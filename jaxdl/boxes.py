"""Box arithmetic. A box is (x1, y1, x2, y2) in pixels, (0, 0) being the upper left corner of the image.

Everything here takes arrays of JAX or of NumPy, gives back the same kind, and broadcasts: iou(a, b) pairs n boxes with
n others, iou(a[:, None], b) makes the n × m table. A box without a width or a height has area 0; so has one whose
corners are the wrong way round, which `check_boxes` refuses where people hand boxes in.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Array, Float, Num, Shaped

from jaxdl.errors import InputError

if TYPE_CHECKING:
    # The kind that was given, which these unions would hide.
    Boxes = Any
    Sizes = Any
    Values = Any
else:
    Boxes = Float[Array, "*#n 4"] | Float[np.ndarray, "*#n 4"]
    Sizes = Float[Array, "*#n 2"] | Float[np.ndarray, "*#n 2"]
    Values = Float[Array, "*#n"] | Float[np.ndarray, "*#n"] | np.floating


class Detections(NamedTuple):
    """What was found in an image, or truly is there: a fixed number of places, those with `valid` taken.

    scores  how sure one is of it, 0 to 1
    """

    boxes: Any  # [*n, 4]
    labels: Any  # [*n], whole numbers from 0
    scores: Any  # [*n]
    valid: Any  # [*n], bool


def area(boxes: Boxes) -> Values:
    """(x2 − x1)·(y2 − y1), and 0 where a side is not above 0; in at least float32, as all that is made of it."""
    boxes = _wide(boxes)
    sides = boxes[..., 2:] - boxes[..., :2]
    sides = _namespace(boxes).where(sides > 0, sides, 0.0)
    return sides[..., 0] * sides[..., 1]


def intersection(a: Boxes, b: Boxes) -> Values:
    """The area that both cover; 0 for boxes that only touch."""
    namespace = _namespace(a)
    low, high = namespace.maximum(a[..., :2], b[..., :2]), namespace.minimum(a[..., 2:], b[..., 2:])
    return area(namespace.concat([low, high], axis=-1))


def hull(a: Boxes, b: Boxes) -> Boxes:
    """The smallest box around both."""
    namespace = _namespace(a)
    low, high = namespace.minimum(a[..., :2], b[..., :2]), namespace.maximum(a[..., 2:], b[..., 2:])
    return namespace.concat([low, high], axis=-1)


def iou(a: Boxes, b: Boxes) -> Values:
    """Intersection over union, |A ∩ B| / |A ∪ B|, from 0 to 1; 0 where both areas are 0."""
    both = intersection(a, b)
    return _ratio(both, area(a) + area(b) - both)


def generalized_iou(a: Boxes, b: Boxes) -> Values:
    """IoU − |C \\ (A ∪ B)| / |C|, C being the `hull` of both; from −1 to 1.

    Unlike IoU it tells how far apart two boxes are that don't meet. Source: Rezatofighi et al. (2019), algorithm 1.
    """
    both = intersection(a, b)
    union, around = area(a) + area(b) - both, area(hull(a, b))
    return _ratio(both, union) - _ratio(around - union, around)


def shape_iou(a: Sizes, b: Sizes) -> Values:
    """The IoU of boxes of these widths and heights that share their centre."""
    a, b = _wide(a), _wide(b)
    width_height = _namespace(a).minimum(a, b)
    both = width_height[..., 0] * width_height[..., 1]
    return _ratio(both, a[..., 0] * a[..., 1] + b[..., 0] * b[..., 1] - both)


def to_centers(boxes: Boxes) -> Boxes:
    """(x1, y1, x2, y2) as (centre x, centre y, width, height)."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return _namespace(boxes).concat([(low + high) / 2, high - low], axis=-1)


def from_centers(boxes: Boxes) -> Boxes:
    """The inverse of `to_centers`."""
    center, half = boxes[..., :2], boxes[..., 2:] / 2
    return _namespace(boxes).concat([center - half, center + half], axis=-1)


def clip(boxes: Boxes, height: float | int, width: float | int) -> Boxes:
    """The part of each box that lies in the image; a box outside it becomes empty, on its edge."""
    namespace = _namespace(boxes)
    return namespace.clip(boxes, 0.0, namespace.asarray([width, height, width, height], dtype=boxes.dtype))


def check_boxes(boxes: Num[np.ndarray, "*n 4"], present: Shaped[np.ndarray, "*n"] | None = None) -> None:
    """InputError that names the first of the boxes, those present, with x2 < x1, y2 < y1, NaN or infinity."""
    wrong = ~(np.isfinite(boxes).all(-1) & (boxes[..., 2:] >= boxes[..., :2]).all(-1))
    places = np.argwhere(wrong if present is None else wrong & (present > 0))
    if len(places):
        place = tuple(places[0].tolist())
        box = ", ".join(f"{value:g}" for value in boxes[place])
        raise InputError(f"box {', '.join(map(str, place))} is ({box}): expected x1 ≤ x2 and y1 ≤ y2, in pixels")


def _ratio(part: Values, whole: Values) -> Values:
    """part / whole, and 0 for nothing of nothing, with a gradient that is finite there too."""
    empty = whole <= 0
    return _namespace(whole).where(empty, 0.0, part / _namespace(whole).where(empty, 1.0, whole))


def _wide(values):
    """In at least float32: float16 ends at 65504, an area of 256 × 256, and bfloat16 has 8 bits."""
    return values.astype(_namespace(values).result_type(values.dtype, np.float32))


def _namespace(values):
    """numpy or jax.numpy."""
    return values.__array_namespace__()
