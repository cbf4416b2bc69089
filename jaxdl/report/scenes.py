"""What is found in images, drawn over them: boxes with words, masks by class, points. All in pixels of the image."""

from collections.abc import Sequence

import numpy as np

from jaxdl.report.style import SIZE, Axes, verbatim

FOUND, TRUE = "#E69F00", "#56B4E9"
"""What a model says, and what is there: both are seen on black and on white."""

SHADES = (
    "#88CCEE", "#CC6677", "#DDCC77", "#117733", "#AA4499", "#44AA99", "#EE8866", "#6699CC", "#999933", "#882255",
)  # fmt: skip
"""Ten that are told apart by most people, none of them black (after Tol, 2021, "Colour schemes")."""
SPECK = 0.05
"""What covers less of all the segments is shaded, but not named."""


def shown(axes: Axes, image: np.ndarray) -> None:
    """An image [H, W, C] in [0, 1], without axes, with (0, 0) in the upper left corner of its first pixel."""
    height, width, channels = image.shape
    axes.set_axis_off()
    axes.imshow(
        np.clip(image if channels == 3 else image.mean(-1), 0, 1), cmap="gray", vmin=0, vmax=1,
        interpolation="nearest", extent=(0, width, height, 0),
    )  # fmt: skip
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)


def boxes(
    axes: Axes, image: np.ndarray | None, boxes: np.ndarray, words: Sequence[str] = (), color: str = FOUND
) -> None:
    """The image [H, W, C], or what the axes show already, and frames for boxes [N, 4] with a word each, if there are.

    A box is (x1, y1, x2, y2). Give only those that are present.
    """
    from matplotlib.patches import Rectangle

    if image is not None:
        shown(axes, image)
    for place, (x1, y1, x2, y2) in enumerate(np.asarray(boxes, np.float64).tolist()):
        axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=color, linewidth=1.3))
        if place < len(words):  # above the box, from its left corner on, where there is room
            below, right = y1 < 0.12 * axes.get_ylim()[0], x1 > 0.6 * axes.get_xlim()[1]
            at = x2 if right else x1, y1
            _written(axes, *at, words[place], color, va="top" if below else "bottom", ha="right" if right else "left")


def masks(axes: Axes, image: np.ndarray, segments: np.ndarray, classes: Sequence[str]) -> None:
    """The image [H, W, C] under the colours of its segments int [H, W], 0 or 1 + class, with their classes' names."""
    from matplotlib.colors import to_rgb

    shown(axes, image)
    segments = np.asarray(segments)
    height, width = segments.shape
    found = np.unique(segments[segments > 0]).tolist()
    shades = np.zeros((height, width, 4))
    for segment in found:
        shades[segments == segment] = (*to_rgb(SHADES[(segment - 1) % len(SHADES)]), 0.65)
    axes.imshow(shades, interpolation="nearest", extent=(0, width, height, 0))
    for segment in found:
        y, x = np.nonzero(segments == segment)
        if len(y) < SPECK * (segments > 0).sum():
            continue
        middle = np.argmin((y - y.mean()) ** 2 + (x - x.mean()) ** 2)  # the mean itself may lie outside
        color = SHADES[(segment - 1) % len(SHADES)]
        _written(axes, x[middle] + 0.5, y[middle] + 0.5, classes[segment - 1], color, va="center", ha="center")


def points(axes: Axes, image: np.ndarray | None, points: np.ndarray, color: str = FOUND, marker: str = "o") -> None:
    """The image [H, W, C], or what the axes show already, and points (x, y) of [N, 2]."""
    if image is not None:
        shown(axes, image)
    axes.plot(*np.asarray(points).reshape(-1, 2).T, marker, color=color, markersize=4.5, markeredgewidth=1.3)


def _written(axes: Axes, x: float, y: float, word: str, color: str, *, va: str, ha: str) -> None:
    """A word in black or white, whichever is read better, on the colour."""
    from matplotlib.colors import to_rgb

    ink = "black" if np.dot(to_rgb(color), (0.299, 0.587, 0.114)) > 0.45 else "white"
    axes.text(
        x, y, verbatim(word), va=va, ha=ha, fontsize=SIZE - 2.5, color=ink, clip_on=True,
        bbox={"facecolor": color, "edgecolor": "none", "pad": 0.8},
    )  # fmt: skip
