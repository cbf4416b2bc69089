"""Pictures of vectors with names."""

import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.report.embedding import labelled, tsne

RANDOM = np.random.default_rng(0)


def test_vectors_of_one_direction_stay_together_however_long_they_are():
    directions = RANDOM.normal(size=(3, 20)).repeat(8, 0)
    vectors = directions + 0.1 * RANDOM.normal(size=(24, 20))
    places = tsne(vectors, seed=1)
    apart = np.linalg.norm(places[:, None] - places, axis=-1) + np.diag(np.full(24, np.inf))
    cluster = np.arange(24) // 8
    assert (cluster[apart.argmin(1)] == cluster).all()
    lengths = 2.0 ** RANDOM.integers(-4, 5, (24, 1))
    np.testing.assert_array_equal(tsne(vectors * lengths, seed=1), places)


def test_few_vectors_can_be_placed_and_fewer_than_four_are_refused():
    assert tsne(RANDOM.normal(size=(4, 3))).shape == (4, 2)
    with pytest.raises(InputError, match="3 vectors: expected 4 or more"):
        tsne(RANDOM.normal(size=(3, 3)))


def test_every_point_has_its_name_beside_it_and_every_group_its_colour():
    points = np.array([[0.0, 1], [2, 3], [4, 5]])
    sheet = labelled(points, ["a", "$b$", "c"], ["one", "two", "one"])
    [axes] = sheet.axes
    assert [(text.get_text(), text.xy) for text in axes.texts] == [("a", (0, 1)), (r"\$b\$", (2, 3)), ("c", (4, 5))]
    one, two = axes.lines
    np.testing.assert_array_equal(one.get_xydata(), points[[0, 2]])
    np.testing.assert_array_equal(two.get_xydata(), points[[1]])
    assert one.get_color() != two.get_color()
    assert [text.get_text() for text in sheet.legends[0].get_texts()] == ["one", "two"]
    assert not labelled(points, ["a", "b", "c"]).legends


def test_a_point_without_a_name_is_refused():
    with pytest.raises(InputError, match="3 points, 2 names, 2 groups: expected as many of each"):
        labelled(np.zeros((3, 2)), ["a", "b"])
