"""Rows of small images with a name in front, for a report."""

from collections.abc import Mapping, Sequence

import numpy as np

from jaxdl.report.style import INK, SIZE, Figure, figure, verbatim


def gallery(rows: Mapping[str, Sequence[np.ndarray]], side: int = 56, heads: Sequence[str] = ()) -> Figure:
    """{name: images [h, w, c]} as a row each, every image scaled to its own range; heads name the columns."""
    columns, label = max(map(len, rows.values())), 12 + 7 * max(map(len, rows))
    top = 20 if heads else 0
    width, height = label + columns * side, top + len(rows) * side
    sheet = figure(width, height)
    sheet.set_layout_engine("none")
    for row, (name, images) in enumerate(rows.items()):
        middle = 1 - (top + (row + 0.5) * side) / height
        sheet.text((label - 8) / width, middle, verbatim(name), ha="right", va="center", fontsize=SIZE, color=INK)
        for column, image in enumerate(images):
            place = (label + column * side + 2, height - top - (row + 1) * side + 2, side - 4, side - 4)
            axes = sheet.add_axes(tuple(np.array(place) / (width, height, width, height)))
            axes.set_axis_off()
            axes.imshow(pixels(np.asarray(image, np.float32)), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    for column, head in enumerate(heads):
        at = (label + (column + 0.5) * side) / width
        sheet.text(at, 1 - 4 / height, verbatim(head), ha="center", va="top", fontsize=SIZE, color=INK)
    return sheet


def pixels(image: np.ndarray) -> np.ndarray:
    """(h, w, c) floats to [0, 1]: colour where c is 3, else the mean of the channels."""
    image = image if image.shape[-1] == 3 else image.mean(-1)
    low, high = float(image.min()), float(image.max())
    return (image - low) / (high - low) if high > low else np.zeros_like(image)
