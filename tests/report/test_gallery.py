"""Rows of images."""

import numpy as np
import pytest

from jaxdl.report.gallery import gallery, pixels
from jaxdl.report.style import SIZE


def test_every_image_has_its_place_and_its_own_range():
    rows = {"a": [np.full((3, 4, 1), 7.0), np.arange(12.0).reshape(3, 4, 1)], "b": [np.arange(36.0).reshape(3, 4, 3)]}
    sheet = gallery(rows, heads=["x", "y"])
    shown = [axes.images[0].get_array() for axes in sheet.axes]
    assert [image.shape for image in shown] == [(3, 4), (3, 4), (3, 4, 3)]
    assert [(image.min(), image.max()) for image in shown] == [(0, 0), (0, 1), (0, 1)]
    assert [text.get_text() for text in sheet.texts] == ["a", "b", "x", "y"]
    lefts = [round(axes.get_position().x0, 3) for axes in sheet.axes]
    assert lefts[0] == lefts[2] < lefts[1]
    tops = [axes.get_position().y1 for axes in sheet.axes]
    assert tops[0] == pytest.approx(tops[1])
    assert tops[1] > tops[2]
    names, heads = sheet.texts[:2], sheet.texts[2:]
    for name, axes in zip(names, sheet.axes[::2], strict=True):
        assert axes.get_position().y0 < name.get_position()[1] < axes.get_position().y1
    letters = SIZE * 96 / 72 / (sheet.get_figheight() * 96)  # the height of a line, as a share of the sheet's
    assert all(head.get_position()[1] - letters > tops[0] for head in heads)


def test_channels_that_are_no_colours_are_averaged():
    image = np.stack([np.zeros((2, 2)), np.array([[0.0, 2], [4, 8]])], -1)
    np.testing.assert_allclose(pixels(image), [[0, 0.25], [0.5, 1]])
