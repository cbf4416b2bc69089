"""Boxes, masks and points drawn over images."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from jaxdl.report import scenes
from jaxdl.report.style import figure

IMAGE = np.zeros((6, 8, 1))


@pytest.fixture
def axes():
    return figure(100, 100).add_subplot()


def test_a_frame_lies_where_the_box_is_with_its_word_at_an_upper_corner_and_in_the_image(axes):
    given = np.array([[1.0, 2.0, 4.0, 5.5], [0.0, 0.0, 8.0, 6.0], [6.0, 3.0, 7.5, 4.0]])
    scenes.boxes(axes, IMAGE, given, ["a $5 three", "all", "right"], "#009E73")
    frames = [patch.get_bbox().extents.tolist() for patch in axes.patches]
    assert frames == given.tolist()
    assert {to_hex(patch.get_edgecolor()) for patch in axes.patches} == {"#009e73"}
    assert [(word.get_text(), word.get_position(), word.get_ha(), word.get_va()) for word in axes.texts] == [
        (r"a \$5 three", (1, 2), "left", "bottom"),
        ("all", (0, 0), "left", "top"),
        ("right", (7.5, 3), "right", "bottom"),
    ]


def test_the_first_pixel_spans_0_to_1_and_rows_go_down(axes):
    scenes.shown(axes, IMAGE)
    (picture,) = axes.images
    assert picture.get_extent() == [0, 8, 6, 0]
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 8), (6, 0))


def test_boxes_are_drawn_over_what_is_there_where_no_image_is_given(axes):
    scenes.boxes(axes, IMAGE, np.zeros((0, 4)))
    scenes.boxes(axes, None, np.array([[1.0, 1.0, 2.0, 2.0]]))
    assert (len(axes.images), len(axes.patches), len(axes.texts)) == (1, 1, 0)


def test_a_mask_has_its_class_colour_and_name_and_the_background_neither(axes):
    segments = np.zeros((6, 8), int)
    segments[1:4, 1:4] = 3
    segments[2, 2] = 0  # a ring, whose middle is not in it
    segments[5, 7] = 1
    scenes.masks(axes, IMAGE, segments, ["cat", "dog", "owl"])
    shades = axes.images[-1].get_array()
    assert to_hex(shades[1, 1]) == scenes.SHADES[2].lower()
    assert to_hex(shades[5, 7]) == scenes.SHADES[0].lower()
    np.testing.assert_array_equal(shades[..., 3] > 0, segments > 0)
    assert [word.get_text() for word in axes.texts] == ["cat", "owl"]
    x, y = (int(place) for place in axes.texts[1].get_position())
    assert segments[y, x] == 3


def test_a_speck_is_shaded_and_not_named(axes):
    segments = np.full((6, 8), 1)
    segments[0, 0] = 2
    scenes.masks(axes, IMAGE, segments, ["cat", "dog"])
    assert to_hex(axes.images[-1].get_array()[0, 0]) == scenes.SHADES[1].lower()
    assert [word.get_text() for word in axes.texts] == ["cat"]


def test_points_lie_where_they_are(axes):
    scenes.points(axes, IMAGE, np.array([[1.5, 2.0], [3.0, 4.0]]))
    (line,) = axes.lines
    np.testing.assert_array_equal(line.get_xydata(), [[1.5, 2], [3, 4]])
