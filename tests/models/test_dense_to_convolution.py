"""Dense layers turned into convolutions give the same scores, window by window."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.layers.convolution import convolve
from jaxdl.layers.pooling import max_pool
from jaxdl.models.cost import multiplications
from jaxdl.models.dense_to_convolution import (
    DENSE,
    STRIDE,
    SlidingLeNet5,
    dense_to_convolution,
    map_shape,
    windows,
)
from jaxdl.models.lenet import LeNet5


def noise(*shape, seed=0):
    return jax.random.normal(jax.random.key(seed), shape)


def test_the_example_of_the_notes_14_16_and_28_pixels():
    """14×14×3, conv 5×5×16, pool, dense 400, dense 400, 4 classes: a larger image gives a map of scores."""
    kernels = {
        "conv": noise(5, 5, 3, 16), "a": noise(400, 400, seed=1), "b": noise(400, 400, seed=2),
        "c": noise(400, 4, seed=3),
    }  # fmt: skip
    params = {name: {"kernel": 0.1 * kernel} for name, kernel in kernels.items()}
    converted = dense_to_convolution(params, ("a", "b", "c"), (5, 5, 16))
    assert [converted[name]["kernel"].shape for name in "abc"] == [(5, 5, 16, 400), (1, 1, 400, 400), (1, 1, 400, 4)]

    def features(x):
        return max_pool(convolve(x, params["conv"]["kernel"]))

    def of_window(x):
        return features(x).reshape(-1) @ params["a"]["kernel"] @ params["b"]["kernel"] @ params["c"]["kernel"]

    def of_image(x):
        x = features(x)
        for name in "abc":
            x = convolve(x, converted[name]["kernel"])
        return x

    assert [of_image(noise(side, side, 3)).shape for side in (14, 16, 28)] == [(1, 1, 4), (2, 2, 4), (8, 8, 4)]
    image = noise(16, 16, 3, seed=9)
    scores = of_image(image)
    for i in range(2):
        for j in range(2):
            window = of_window(image[2 * i : 2 * i + 14, 2 * j : 2 * j + 14])
            np.testing.assert_allclose(scores[i, j], window, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("window", "height", "width"), [(32, 44, 40), (32, 47, 33), (17, 24, 25)])
def test_scores_equal_those_of_each_window_cut_out(window, height, width):
    model, sliding = LeNet5(4), SlidingLeNet5(4, window)
    params = model.init(jax.random.key(0), jnp.zeros((window, window, 2)))["params"]
    image = noise(height, width, 2)
    scores = sliding.apply({"params": dense_to_convolution(params, DENSE, map_shape(window))}, image)
    cut = windows(image, window)
    places = (height - window) // STRIDE + 1, (width - window) // STRIDE + 1
    assert scores.shape == (*places, 4)
    assert cut.shape[:2] == places
    np.testing.assert_array_equal(
        cut[-1, -1], image[STRIDE * (places[0] - 1) :, STRIDE * (places[1] - 1) :][:window, :window]
    )
    np.testing.assert_allclose(scores, model.apply({"params": params}, cut), atol=1e-5)


def test_a_batch_of_images_slides_image_by_image():
    sliding = SlidingLeNet5(3, 16)
    images = noise(2, 20, 20, 1)
    variables = sliding.init(jax.random.key(1), images[0])
    together = sliding.apply(variables, images)
    np.testing.assert_allclose(together[1], sliding.apply(variables, images[1]), atol=1e-6)


def test_one_window_costs_the_same_and_many_cost_far_less():
    assert multiplications(SlidingLeNet5(10), (32, 32, 1)) == multiplications(LeNet5(10), (32, 32, 1)) == 416_520
    windows_apart = 81 * multiplications(LeNet5(10), (32, 32, 1))
    by_hand = 60**2 * 25 * 6 + 26**2 * 25 * 6 * 16 + 81 * (400 * 120 + 120 * 84 + 84 * 10)
    assert multiplications(SlidingLeNet5(10), (64, 64, 1)) == by_hand
    assert windows_apart / by_hand > 4


WRONG = {"dense1": {"kernel": noise(9, 2)}}


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: dense_to_convolution(WRONG, ("dense1",), (2, 2, 2)), "dense1 has 9 inputs: expected 2·2·2 = 8"),
        (lambda: dense_to_convolution(WRONG, ("dense",), (3, 3, 1)), "did you mean dense1"),
        (lambda: SlidingLeNet5(10).init(jax.random.key(0), noise(31, 40, 1)), "an image of 31×40: expected 32×32"),
    ],
)
def test_what_does_not_fit_is_refused(act, message):
    with pytest.raises(InputError, match=message):
        act()
