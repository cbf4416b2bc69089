"""The worked numbers of convolutions, and what a bottleneck saves when the layer is another."""

import numpy as np

from experiments.vision.convolution_arithmetic import Config, main, measure

MEASURED = measure(Config())


def test_the_worked_examples():
    np.testing.assert_array_equal(MEASURED.valid, [[15, 16], [6, 15]])
    np.testing.assert_array_equal(MEASURED.framed[0], [7, 12, 10, 2])
    np.testing.assert_array_equal(MEASURED.strided, [[15, 17, 15], [17, 15, 17], [15, 17, 15]])
    np.testing.assert_array_equal(MEASURED.turned, [[7, 9, -1], [2, 0, 1], [5, 4, 3]])


def test_only_true_convolution_is_associative():
    assert MEASURED.gap["true convolution"] == 0
    assert MEASURED.gap["cross-correlation"] > 1


def test_sizes_shrink_alike_in_every_dimension():
    assert MEASURED.shapes == {
        "1-D": [(14, 1), (10, 16), (6, 32)],
        "2-D": [(14, 14, 3), (10, 10, 16), (6, 6, 32)],
        "3-D": [(14, 14, 14, 1), (10, 10, 10, 16), (6, 6, 6, 32)],
    }


def test_the_counts():
    assert list(MEASURED.parameters.values()) == [456, 14_455_392, 280, 7_600]
    bottleneck, separable = MEASURED.multiplications.values()
    assert list(bottleneck.values()) == [120_422_400, 12_443_648]
    assert list(separable.values()) == [2_160, 672]


def test_a_bottleneck_as_wide_as_its_input_saves_nothing():
    ways = next(iter(measure(Config(channels=8, bottleneck=8, size=3)).multiplications.values()))
    direct, through = ways.values()
    assert through == direct + 28 * 28 * 8 * 8


def test_it_tells_the_numbers_and_draws_two_figures():
    told, figures = main(Config(), None)
    assert any("120,422,400 directly, 12,443,648 through 16 channels: 0.103 of them" in line for line in told)
    assert len(figures) == 2
