import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.data.augment import random_shift

IMAGE = jnp.arange(6 * 5 * 2, dtype=jnp.float32).reshape(6, 5, 2)


def slices(image, max_shift):
    """All shifts of an image, by (dy, dx), as windows of the image padded with its border."""
    height, width, _ = image.shape
    padded = np.pad(image, ((max_shift, max_shift), (max_shift, max_shift), (0, 0)), mode="edge")
    steps = range(-max_shift, max_shift + 1)
    return {
        (dy, dx): padded[max_shift - dy : max_shift - dy + height, max_shift - dx : max_shift - dx + width]
        for dy in steps
        for dx in steps
    }


def test_every_shift_is_a_window_of_the_edge_padded_image_and_all_are_equally_likely():
    keys = jax.random.split(jax.random.key(0), 2500)
    shifted = np.asarray(jax.jit(jax.vmap(lambda key: random_shift(key, IMAGE, 2)))(keys))
    matches = np.array([(shifted == window).all((1, 2, 3)) for window in slices(IMAGE, 2).values()])
    np.testing.assert_array_equal(matches.sum(0), np.ones(2500))
    counts = matches.sum(1)  # binomial(2500, 1/25): mean 100, standard deviation 9.8
    assert counts.shape == (25,)
    assert counts.min() > 55
    assert counts.max() < 145


def test_a_shift_of_zero_is_the_identity():
    np.testing.assert_array_equal(random_shift(jax.random.key(1), IMAGE, 0), IMAGE)


def test_the_shift_is_a_function_of_the_key_also_under_vmap_and_jit():
    keys = jax.random.split(jax.random.key(7), 8)
    images = IMAGE + jnp.arange(8.0)[:, None, None, None]
    mapped = jax.jit(jax.vmap(random_shift, in_axes=(0, 0, None)), static_argnums=2)(keys, images, 3)
    one_by_one = [random_shift(key, image, 3) for key, image in zip(keys, images, strict=True)]
    np.testing.assert_array_equal(mapped, np.stack(one_by_one))


@pytest.mark.parametrize("value", [0.0, -0.94])
def test_a_uniform_image_has_nowhere_to_move(value):
    image = jnp.full((4, 4, 1), value)
    np.testing.assert_array_equal(random_shift(jax.random.key(3), image, 3), image)
