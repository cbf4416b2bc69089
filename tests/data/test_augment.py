from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.data import augment
from jaxdl.data.augment import random_shift
from jaxdl.errors import InputError

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


@pytest.mark.parametrize("max_shift", [-1, 5])
def test_a_shift_that_is_negative_or_leaves_the_image_is_refused(max_shift):
    with pytest.raises(InputError, match=f"max_shift {max_shift} of 6×5 pixels: expected 0 to 4"):
        random_shift(jax.random.key(0), IMAGE, max_shift)


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


def mapped(augmentation, count, image=IMAGE):
    """What `count` keys make of one image, under vmap and jit."""
    keys = jax.random.split(jax.random.key(0), count)
    return np.asarray(jax.jit(jax.vmap(lambda key: augmentation(key, image)))(keys))


def delta(at=(3, 2)):
    return jnp.zeros((6, 5, 1)).at[at].set(1.0)


COLORS = np.random.default_rng(0).normal(size=(20, 4, 4, 3)) @ np.array([[3.0, 2, 0], [0, 1, 1], [0.5, 0, 0.3]])
COMPONENTS = augment.color_components(COLORS)
RANDOM = {
    "horizontal_flip": augment.random_horizontal_flip,
    "vertical_flip": augment.random_vertical_flip,
    "shift": partial(augment.random_shift, max_shift=2),
    "rotation": partial(augment.random_rotation, max_degrees=30.0),
    "zoom": partial(augment.random_zoom, max_factor=1.5),
    "crop": partial(augment.random_crop, share=0.7),
    "gaussian_noise": partial(augment.gaussian_noise, std=0.1),
    "color_shift": partial(augment.color_shift, std=0.1),
    "pca_color": partial(augment.pca_color, eigenvalues=COMPONENTS[0], eigenvectors=COMPONENTS[1]),
    "chain": augment.chain(
        augment.random_horizontal_flip,
        partial(augment.random_rotation, max_degrees=30.0),
        partial(augment.gaussian_noise, std=0.1),
    ),
}


@pytest.mark.parametrize("name", RANDOM)
def test_every_augmentation_is_a_function_of_its_key_one_at_a_time_and_mapped(name):
    images = jax.random.normal(jax.random.key(5), (8, 6, 5, 3))
    keys = jax.random.split(jax.random.key(7), 8)
    together = jax.jit(jax.vmap(RANDOM[name]))(keys, images)
    assert together.shape == images.shape
    alone = jax.jit(RANDOM[name])
    one_by_one = np.stack([alone(key, image) for key, image in zip(keys, images, strict=True)])
    np.testing.assert_allclose(together, one_by_one, atol=1e-5)
    np.testing.assert_array_equal(one_by_one[0], alone(keys[0], images[0]))
    of_one_image = np.stack([alone(key, images[0]) for key in keys])
    assert len(np.unique(of_one_image, axis=0)) > 1


@pytest.mark.parametrize("flip", [augment.random_horizontal_flip, augment.random_vertical_flip])
def test_a_flip_mirrors_half_of_the_images_and_twice_is_the_identity(flip):
    always = partial(flip, probability=1.0)
    key = jax.random.key(0)
    np.testing.assert_array_equal(always(key, always(key, IMAGE)), IMAGE)
    axis = 1 if flip is augment.random_horizontal_flip else 0
    np.testing.assert_array_equal(always(key, IMAGE), np.flip(IMAGE, axis))
    share = (mapped(flip, 1000) != np.asarray(IMAGE)).any((1, 2, 3)).mean()
    assert abs(share - 0.5) < 0.08  # five standard errors


def test_a_shift_moves_a_delta_by_dy_down_and_dx_to_the_right():
    np.testing.assert_array_equal(augment.shift(delta((3, 2)), -2, 1), delta((1, 3)))
    np.testing.assert_array_equal(augment.shift(delta((3, 2)), 1, -2), delta((4, 0)))


@pytest.mark.parametrize("degrees", [0.0, 360.0, -360.0])
def test_a_whole_turn_is_the_identity(degrees):
    np.testing.assert_allclose(augment.rotate(IMAGE, degrees), IMAGE, atol=1e-4)


@pytest.mark.parametrize("turns", [1, 2, 3, -1])
@pytest.mark.parametrize("size", [5, 6])
def test_a_quarter_turn_is_rot90(turns, size):
    square = jax.random.normal(jax.random.key(0), (size, size, 2))
    np.testing.assert_allclose(augment.rotate(square, 90.0 * turns), jnp.rot90(square, turns), atol=1e-5)


def test_random_rotations_stay_within_their_bound_and_reach_it():
    ramp = jnp.broadcast_to(jnp.arange(9.0)[:, None, None] - 4, (9, 9, 1))  # rises downwards: 1 a pixel
    inside = mapped(partial(augment.random_rotation, max_degrees=20.0), 500, ramp)[:, 3:6, 3:6, 0]
    degrees = np.rad2deg(np.arcsin((inside[:, 1, 2] - inside[:, 1, 0]) / 2))
    assert 19 < np.abs(degrees).max() <= 20.001
    assert abs(degrees.mean()) < 5 * 20 / np.sqrt(3 * 500)


def test_a_zoom_of_one_is_the_identity_and_a_zoom_of_two_halves_every_slope():
    np.testing.assert_allclose(augment.zoom(IMAGE, 1.0), IMAGE, atol=1e-5)
    ramp = jnp.broadcast_to(jnp.arange(9.0)[None, :, None], (5, 9, 1))
    np.testing.assert_allclose(augment.zoom(ramp, 2.0)[2, :, 0], 4 + (np.arange(9) - 4) / 2, atol=1e-5)
    shrunk = augment.zoom(ramp, 0.5)[2, :, 0]
    np.testing.assert_allclose(shrunk, [0, 0, 0, 2, 4, 6, 8, 8, 8], atol=1e-5)  # the border is repeated


def test_random_zooms_enlarge_and_shrink_alike():
    ramp = jnp.broadcast_to(jnp.arange(9.0)[None, :, None], (3, 9, 1))
    zoomed = mapped(partial(augment.random_zoom, max_factor=1.6), 500, ramp)
    logarithm = -np.log((zoomed[:, 1, 5, 0] - zoomed[:, 1, 3, 0]) / 2)
    bound = np.log(1.6)
    assert 0.95 * bound < np.abs(logarithm).max() <= bound + 1e-4
    assert abs(logarithm.mean()) < 5 * bound / np.sqrt(3 * 500)


def test_a_crop_is_a_window_inside_the_image_stretched_over_it():
    plane = jnp.stack(jnp.meshgrid(jnp.arange(9.0), jnp.arange(7.0), indexing="ij"), axis=-1)
    crops = mapped(partial(augment.random_crop, share=0.5), 300, plane)
    np.testing.assert_allclose(np.diff(crops[..., 0], axis=1), 0.5, atol=1e-5)
    np.testing.assert_allclose(np.diff(crops[..., 1], axis=2), 0.5, atol=1e-5)
    first = crops[:, 0, 0]  # uniform over the half of each side where a window may begin
    assert (first.min(0) >= 0).all()
    assert (first.max(0) <= [4, 3]).all()
    np.testing.assert_allclose(first.mean(0), [2, 1.5], rtol=0.15)
    assert abs(np.corrcoef(first.T)[0, 1]) < 0.3  # five standard errors: down and across are drawn apart
    np.testing.assert_allclose(augment.random_crop(jax.random.key(0), plane, 1.0), plane, atol=1e-5)


def test_gaussian_noise_has_mean_zero_and_the_stated_std_in_every_pixel_alone():
    noise = mapped(partial(augment.gaussian_noise, std=0.3), 4000) - np.asarray(IMAGE)
    assert abs(noise.mean()) < 5 * 0.3 / np.sqrt(noise.size)
    np.testing.assert_allclose(noise.std(0), 0.3, rtol=0.07)
    between = np.corrcoef(noise[:, 0, 0, 0], noise[:, 0, 1, 0])[0, 1]
    assert abs(between) < 0.1


def test_a_color_shift_moves_whole_channels_each_by_its_own_draw():
    moved = mapped(partial(augment.color_shift, std=0.3), 4000) - np.asarray(IMAGE)
    np.testing.assert_allclose(np.ptp(moved, axis=(1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(moved[:, 0, 0].std(0), 0.3, rtol=0.07)
    assert abs(np.corrcoef(*moved[:, 0, 0].T)[0, 1]) < 0.1


def test_color_components_diagonalise_the_covariance_of_the_pixels():
    values, vectors = COMPONENTS
    covariance = np.cov(COLORS.reshape(-1, 3).T)
    np.testing.assert_allclose(vectors @ np.diag(values) @ vectors.T, covariance, rtol=1e-4, atol=1e-4)
    assert (np.diff(values) < 0).all()
    grey = np.arange(8.0).reshape(2, 2, 2, 1)
    values, vectors = augment.color_components(grey)
    np.testing.assert_allclose([values[0], abs(vectors[0, 0])], [6, 1])  # Σ (i − 3.5)² / 7 of 0 … 7


def test_pca_color_moves_along_the_eigenvectors_by_their_eigenvalues():
    values, vectors = COMPONENTS
    image = jnp.zeros((2, 2, 3))
    moved = mapped(partial(augment.pca_color, eigenvalues=values, eigenvectors=vectors, std=0.1), 5000, image)
    np.testing.assert_allclose(np.ptp(moved, axis=(1, 2)), 0, atol=1e-6)
    along = moved[:, 0, 0] @ vectors
    np.testing.assert_allclose(along.std(0), 0.1 * values, rtol=0.07)
    assert np.abs(np.corrcoef(along.T) - np.eye(3)).max() < 0.08


@pytest.mark.parametrize("name", ["shift", "rotation", "zoom", "crop"])
def test_what_moves_pixels_leaves_a_uniform_image_uniform(name):
    image = jnp.full((4, 6, 3), -0.94)
    np.testing.assert_allclose(mapped(RANDOM[name], 20, image), -0.94, rtol=1e-5)


def test_a_chain_applies_its_steps_in_order_with_keys_of_their_own():
    key = jax.random.key(3)
    first, second = jax.random.split(key)
    turn, noise = RANDOM["rotation"], RANDOM["gaussian_noise"]
    expected = noise(second, turn(first, IMAGE))
    np.testing.assert_array_equal(augment.chain(turn, noise)(key, IMAGE), expected)
    np.testing.assert_array_equal(augment.chain()(key, IMAGE), IMAGE)
    both = mapped(augment.chain(noise, noise), 4000) - np.asarray(IMAGE)
    np.testing.assert_allclose(both.std(), 0.1 * np.sqrt(2), rtol=0.02)  # independent draws


@pytest.mark.parametrize("dataset", ["digits", "mnist", "mnist:3.0.1", "emnist/digits"])
def test_what_changes_a_digit_is_refused_unless_forced(dataset):
    with pytest.raises(InputError, match=r"horizontal_flip would change what the digits of .* --force to see it hurt"):
        augment.check_allowed(["random_shift", "horizontal_flip"], dataset)
    with pytest.raises(InputError, match="vertical_flip and rotation by up to 180 degrees would"):
        augment.check_allowed(["vertical_flip", "rotation"], dataset, max_degrees=180.0)
    augment.check_allowed(["horizontal_flip"], dataset, force=True)
    augment.check_allowed(["shift", "zoom", "rotation"], dataset, max_degrees=15.0)


def test_any_augmentation_is_allowed_where_the_images_are_no_digits():
    augment.check_allowed(["horizontal_flip", "vertical_flip"], "cifar10", max_degrees=180.0)


def test_bounds_without_meaning_are_refused():
    with pytest.raises(InputError, match="give 1 or more"):
        augment.random_zoom(jax.random.key(0), IMAGE, 0.5)
    with pytest.raises(InputError, match=r"share in \(0, 1\]"):
        augment.random_crop(jax.random.key(0), IMAGE, 1.5)


def test_five_crops_are_the_corners_and_the_centre_and_ten_are_they_and_their_mirrors():
    """Of an image whose pixels are linear in their place, bilinear interpolation is exact: (i, j) of a window is
    (top + share·i, left + share·j)."""
    i, j = np.meshgrid(np.arange(5.0), np.arange(9.0), indexing="ij")
    image = jnp.stack([i, j], -1)
    crops = augment.ten_crops(image, 0.75)
    for at, (top, left) in enumerate([(0, 0), (0, 2), (1, 0), (1, 2), (0.5, 1)]):
        np.testing.assert_allclose(crops[at], np.stack([top + 0.75 * i, left + 0.75 * j], -1), atol=1e-6)
    np.testing.assert_array_equal(crops[5:], crops[:5, :, ::-1])
    np.testing.assert_array_equal(crops[:5], augment.five_crops(image, 0.75))


def test_a_crop_of_everything_is_the_image_and_a_share_out_of_range_is_refused():
    np.testing.assert_allclose(augment.crop(IMAGE, 1.0, 0.0, 0.0), IMAGE)
    with pytest.raises(InputError, match="a share in"):
        augment.five_crops(IMAGE, 1.2)
    with pytest.raises(InputError, match="a share in"):
        augment.crop(IMAGE, 0.0, 0.0, 0.0)
