"""RoI align: what interpolation must do to constants, ramps and whole images, and against a loop over samples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.layers.roi import roi_align

BOXES = jnp.array([[4.0, 8.0, 20.0, 12.0], [1.0, 3.0, 30.0, 25.0], [7.5, 7.5, 9.0, 30.0]])


def features(height=8, width=10, channels=3):
    return jax.random.normal(jax.random.key(0), (height, width, channels))


def by_loops(image, box, size, stride, samples):
    """One sample after the other, interpolated between the four places around it."""
    image, (x1, y1, x2, y2) = np.asarray(image), np.asarray(box) / stride
    height, width, _ = image.shape
    out = np.zeros((size, size, image.shape[-1]))
    for i, j, a, b in np.ndindex(size, size, samples, samples):
        y = np.clip(y1 + (i + (a + 0.5) / samples) * (y2 - y1) / size - 0.5, 0, height - 1)
        x = np.clip(x1 + (j + (b + 0.5) / samples) * (x2 - x1) / size - 0.5, 0, width - 1)
        top, left = min(int(y), height - 2), min(int(x), width - 2)
        v, u = y - top, x - left
        above = (1 - u) * image[top, left] + u * image[top, left + 1]
        below = (1 - u) * image[top + 1, left] + u * image[top + 1, left + 1]
        out[i, j] += ((1 - v) * above + v * below) / samples**2
    return out


def test_it_is_bilinear_interpolation():
    image = features()
    found = jax.jit(roi_align, static_argnums=(2, 3, 4))(image, BOXES, 3, 4, 2)
    for box, crop in zip(BOXES, found, strict=True):
        np.testing.assert_allclose(crop, by_loops(image, box, 3, 4, 2), atol=1e-5)


def test_a_constant_stays_and_a_ramp_gives_the_middles_of_the_bins():
    x, y = jnp.meshgrid(jnp.arange(10.0), jnp.arange(8.0))
    ramp = jnp.stack([4 * x + 2, 4 * y + 2, jnp.ones_like(x)], -1)  # where the middle of each place lies, in pixels
    found = roi_align(ramp, BOXES, 2, 4)
    x1, y1, x2, y2 = BOXES.T
    np.testing.assert_allclose(found[:, :, 0, 0], jnp.stack([x1 + (x2 - x1) / 4] * 2, -1), atol=1e-4)
    np.testing.assert_allclose(found[:, 1, :, 1], jnp.stack([y2 - (y2 - y1) / 4] * 2, -1), atol=1e-4)
    np.testing.assert_allclose(found[..., 2], 1, atol=1e-6)


def test_the_whole_image_at_its_own_size_is_the_image():
    image = features(8, 8)
    np.testing.assert_allclose(roi_align(image, jnp.array([[0.0, 0, 32, 32]]), 8, 4, 1)[0], image, atol=1e-5)


def test_a_shift_by_whole_places_moves_nothing_within_the_box():
    image = features(12, 12)
    box = jnp.array([[9.0, 10.0, 21.0, 26.0]])
    moved = roi_align(jnp.roll(image, (1, 2), (0, 1)), box + jnp.array([8.0, 4.0, 8.0, 4.0]), 3, 4)
    np.testing.assert_allclose(moved, roi_align(image, box, 3, 4), atol=1e-5)


def test_a_box_beyond_the_edge_sees_the_edge_and_a_point_sees_one_value():
    image = features()
    beyond = roi_align(image, jnp.array([[-20.0, -20, -10, -10], [6.0, 2, 6, 2]]), 2, 4)
    np.testing.assert_allclose(beyond[0], jnp.broadcast_to(image[0, 0], (2, 2, 3)), atol=1e-6)
    np.testing.assert_allclose(beyond[1], jnp.broadcast_to(image[0, 1], (2, 2, 3)), atol=1e-6)


def test_gradients_reach_features_and_boxes():
    image = features()
    d_image, d_boxes = jax.grad(lambda *of: (roi_align(*of, 3, 4) ** 2).sum(), (0, 1))(image, BOXES)
    assert d_image.any()
    assert (d_boxes != 0).any(0).all()


def test_in_bfloat16_the_places_are_still_those_of_float32():
    """Near 37 its numbers are 1/4 apart: of a ramp that is 0 there the values say where the samples lay."""
    ramp = jnp.arange(-37.0, 27)[None, :, None] * jnp.ones((64, 1, 1))
    box = jnp.array([[302.0, 10, 334, 200]])
    found = roi_align(ramp.astype(jnp.bfloat16), box.astype(jnp.bfloat16), 6, 8)
    assert found.dtype == jnp.bfloat16
    np.testing.assert_allclose(found.astype(jnp.float32), roi_align(ramp, box, 6, 8), rtol=2**-8)


def test_no_bins_are_refused():
    with pytest.raises(InputError, match="0 bins and 2 samples"):
        roi_align(features(), BOXES, 0, 4)
