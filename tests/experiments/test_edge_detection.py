"""Edge filters: the worked examples, what they answer to on photographs, and that they can be learned."""

import numpy as np
import pytest

from experiments.vision import edge_detection
from experiments.vision.edge_detection import FILTERS, Config, errors, filtered, main, measure
from jaxdl.errors import InputError

CONFIG = Config(seeds=2)


@pytest.fixture(scope="module")
def measured():
    return measure(CONFIG)


def test_the_worked_edges(measured):
    np.testing.assert_array_equal(measured.worked["light to dark"], np.tile([0, 30, 30, 0], (4, 1)))
    np.testing.assert_array_equal(measured.worked["dark to light"], np.tile([0, -30, -30, 0], (4, 1)))
    middle = [30, 10, -10, -30]
    np.testing.assert_array_equal(measured.worked["quadrants"], [[0] * 4, middle, middle, [0] * 4])


def test_the_filters_are_the_published_ones_and_blind_to_flat_and_to_the_other_direction():
    assert {name: abs(kernel).max() for name, kernel in FILTERS.items()} == {
        "vertical": 1, "horizontal": 1, "Sobel": 2, "Scharr": 10
    }  # fmt: skip
    np.testing.assert_array_equal(FILTERS["Sobel"][:, 0], [1, 2, 1])
    np.testing.assert_array_equal(FILTERS["Scharr"][:, 0], [3, 10, 3])
    stripes = np.repeat([[0.0], [1.0]] * 4, 8, 1)  # edges that lie across
    for name, kernel in FILTERS.items():
        assert not filtered(np.ones((5, 5)), kernel).any()
        assert bool(filtered(np.kron(stripes, np.ones((2, 1))), kernel).any()) == (name == "horizontal")


def test_a_turned_photograph_swaps_the_answers_of_the_vertical_and_the_horizontal_filter(measured):
    image = measured.photographs["china"]
    turned = filtered(image.T, FILTERS["horizontal"]).T
    np.testing.assert_allclose(turned, measured.responses["china"]["vertical"], atol=1e-5)


def test_gradient_descent_recovers_every_filter_from_what_it_does(measured):
    for name, found in errors(measured).items():
        assert found.shape == (2,)
        assert found.max() < 1e-4, name
        assert measured.losses[name][:, -1].max() < 1e-9 < measured.losses[name][:, 0].min()


def test_a_learned_filter_does_the_same_on_the_other_photograph(measured):
    flower = measured.photographs["flower"]
    known = measured.responses["flower"]["Scharr"]
    np.testing.assert_allclose(filtered(flower, measured.learned["Scharr"][0]), known, atol=1e-3)


def test_it_tells_and_draws(measured, monkeypatch):
    monkeypatch.setattr(edge_detection, "measure", lambda config: measured)
    told, figures = main(CONFIG, None)
    assert told[0] == "light to dark, vertical filter: [0, 30, 30, 0]"
    assert len(figures) == 4


def test_pieces_larger_than_the_photograph_are_refused():
    with pytest.raises(InputError, match="--side 428: expected 3 to 427"):
        measure(Config(side=428))
