"""Output sizes, parameters and multiplications: worked numbers, and the arrays themselves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.layers.arithmetic import multiplications, output_size, parameters, window
from jaxdl.layers.convolution import Conv


@pytest.mark.parametrize(
    ("n", "f", "p", "s", "places"),
    [
        (6, 3, 0, 1, 4),
        (4, 3, 1, 1, 4),
        (7, 3, 0, 2, 3),
        (14, 5, 0, 1, 10),
        (10, 5, 0, 1, 6),
        (224, 7, 3, 2, 112),
        (8, 3, 0, 3, 2),
    ],
)
def test_output_sizes_worked_by_hand(n, f, p, s, places):
    assert output_size(n, f, p, s) == places


def test_the_output_size_is_the_number_of_places_at_which_the_window_lies_inside():
    for n, f, p, s, d in np.ndindex(9, 4, 3, 3, 2):
        n, f, s, d = n + 1, f + 1, s + 1, d + 1
        reach = d * (f - 1) + 1
        places = sum(start % s == 0 for start in range(n + 2 * p - reach + 1))
        if places:
            assert output_size(n, f, p, s, d) == places
        else:
            with pytest.raises(InputError, match=f"an input of {n} is too small for a window of {f}"):
                output_size(n, f, p, s, d)


@pytest.mark.parametrize(("n", "f", "s", "d"), [(7, 3, 1, 1), (7, 4, 1, 1), (7, 3, 2, 1), (8, 3, 2, 2), (5, 1, 3, 1)])
def test_same_padding_gives_a_place_for_every_stride_begun_and_the_odd_zero_comes_after(n, f, s, d):
    found = window((n,), (f,), s, "SAME", d)
    assert found.places((n,)) == (-(-n // s),)
    before, after = found.pads[0]
    assert after - before in (0, 1)


@pytest.mark.parametrize(
    ("padding", "pads"),
    [("VALID", ((0, 0), (0, 0))), (2, ((2, 2), (2, 2))), ((1, 2), ((1, 1), (2, 2))), (((0, 1), 2), ((0, 1), (2, 2)))],
)
def test_what_can_be_said_of_padding(padding, pads):
    assert window((6, 6), (3, 3), 1, padding).pads == pads


def test_numpy_s_whole_numbers_are_as_good_as_python_s():
    two = np.int64(2)
    expected = window((9, 9), (3, 3), 2, (2, (1, 2)))
    assert window((9, 9), (3, 3), two, (two, (np.int64(1), two))) == expected
    assert window((9, 9), (3, 3), (two, two), two, two) == window((9, 9), (3, 3), 2, 2, 2)
    assert Conv(4, two, two, two).init_with_output(jax.random.key(0), jnp.ones((5, 5, 1)))[0].shape == (4, 4, 4)


def test_the_worked_numbers_of_parameters():
    assert parameters((5, 5), 3, 6) == 456  # the first layer of LeNet-5 on a colour image
    assert parameters((3, 3), 3, 10) == 280
    assert parameters((5, 5), 3, 100) == 7_600
    assert parameters((32, 32), 3, 4_704) == 14_455_392  # a dense layer is a convolution as large as its input


def test_the_worked_numbers_of_multiplications():
    assert multiplications((28, 28), (5, 5), 192, 32) == 120_422_400
    bottleneck = multiplications((28, 28), (1, 1), 192, 16), multiplications((28, 28), (5, 5), 16, 32)
    assert bottleneck == (2_408_448, 10_035_200)
    assert sum(bottleneck) == 12_443_648
    depthwise, pointwise = multiplications((4, 4), (3, 3), 3, 3, groups=3), multiplications((4, 4), (1, 1), 3, 5)
    assert (depthwise, pointwise, depthwise + pointwise) == (432, 240, 672)
    assert multiplications((4, 4), (3, 3), 3, 5) == 2_160


@pytest.mark.parametrize(("size", "groups", "bias"), [((3,), 1, True), ((3, 2), 2, False), ((2, 3, 2), 4, True)])
def test_the_parameters_of_the_layer_are_as_many(size, groups, bias):
    layer, x = Conv(8, size, groups=groups, use_bias=bias), jnp.zeros((6,) * len(size) + (4,))
    shapes = jax.eval_shape(layer.init, jax.random.key(0), x)
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == parameters(size, 4, 8, groups, bias)


@pytest.mark.parametrize("settings", [{"strides": 0}, {"dilation": (1, 1, 1)}, {"padding": "FULL"}, {"padding": 0.5}])
def test_what_does_not_fit_the_space_is_refused(settings):
    with pytest.raises((InputError, TypeError)):
        window((6, 6), (3, 3), **settings)
