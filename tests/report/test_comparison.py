"""Figures that compare: what they draw is what they were given."""

import numpy as np
import pytest

from jaxdl.report.comparison import boundaries, curves, dots, histograms, panels, spread


def test_spread_is_the_mean_and_the_standard_deviation_over_seeds():
    assert spread(np.array([1.0, 2.0, 3.0]), 1) == "2.0 ± 1.0"
    assert spread(np.array([0.5])) == "0.500"


def test_a_curve_of_several_seeds_is_their_mean_within_their_range():
    x, y = np.arange(3), np.array([[1.0, 2, 3], [3, 4, 7]])
    sheet = curves({"a": (x, y), "b": (x, y[0])}, "step", "loss", log="y")
    [axes] = sheet.axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [2, 3, 5])
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [1, 2, 3])
    [band] = axes.collections
    edge = band.get_paths()[0].vertices
    for at, (low, high) in enumerate(((1, 3), (2, 4), (3, 7))):
        assert {low, high} == set(edge[edge[:, 0] == at, 1])
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("step", "loss", "log")
    assert [text.get_text() for text in sheet.legends[0].get_texts()] == ["a", "b"]


def test_every_line_can_be_told_from_the_others():
    lines = {str(n): (np.arange(2), np.arange(2)) for n in range(12)}
    drawn = curves(lines, "x", "y").axes[0].lines
    assert len({(line.get_color(), line.get_linestyle()) for line in drawn}) == 12


def test_each_seed_is_a_dot_and_the_mean_is_written_beside():
    [axes] = dots({"he": np.array([0.9, 1.0]), "zeros": np.array([0.1, 0.1])}, "accuracy").axes
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [0.9, 1.0])
    assert axes.texts[0].get_text() == spread(np.array([0.9, 1.0]))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["he", "zeros"]


@pytest.mark.parametrize("whole", [False, True])
def test_a_boundary_lies_where_the_prediction_changes(whole):
    x = np.array([[-1.0, 0], [1, 0], [-1, 1], [1, 1]])
    label = np.array([0, 1, 0, 1])

    def predict(points):
        right = points[:, 0] > 0.25
        return right.astype(np.int32) if whole else 1 / (1 + np.exp(-20 * (points[:, 0] - 0.25)))

    [axes] = boundaries({"cut at .25": predict}, x, label).axes
    assert axes.get_title() == "cut at .25"
    if not whole:
        line = axes.collections[1].get_paths()[0].vertices
        np.testing.assert_allclose(line[:, 0], 0.25, atol=0.01)
    else:
        plane = axes.collections[0].get_array()
        assert set(np.unique(plane)) == {0, 1}


def test_a_histogram_shows_shares_that_sum_to_one():
    sheet = histograms({"he": {"layer 1": np.arange(10.0), "layer 2": np.ones(4)}}, "activation", bins=5)
    assert [axes.get_title() for axes in sheet.axes] == ["layer 1", "layer 2"]
    for axes in sheet.axes:
        assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(1)


def test_panels_are_as_many_as_titles():
    sheet, found = panels(["a", "b", "c", "d"], "x", "y", columns=3)
    assert len(found) == 4
    assert sum(axes.axison for axes in sheet.axes) == 4
