"""Rotation and zoom in SciPy: linear interpolation, the border repeated."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from jaxdl.data import augment

IMAGE = np.random.default_rng(0).normal(size=(7, 10, 3)).astype(np.float32)


@pytest.mark.parametrize("degrees", [-170.0, -33.0, 0.5, 20.0, 90.0, 145.0])
def test_rotation_is_scipys(degrees):
    expected = ndimage.rotate(IMAGE, degrees, reshape=False, order=1, mode="nearest")
    np.testing.assert_allclose(augment.rotate(jnp.asarray(IMAGE), degrees), expected, atol=1e-4)


@pytest.mark.parametrize("factor", [0.4, 0.9, 1.0, 1.3, 3.0])
def test_zoom_is_scipys_affine_map_about_the_centre(factor):
    centre = (np.array(IMAGE.shape) - 1) / 2
    scale = np.array([1 / factor, 1 / factor, 1])
    expected = ndimage.affine_transform(IMAGE, scale, centre * (1 - scale), order=1, mode="nearest")
    np.testing.assert_allclose(augment.zoom(jnp.asarray(IMAGE), factor), expected, atol=1e-5)


@pytest.mark.parametrize(("dy", "dx"), [(0, 0), (2, -3), (-6, 9)])
def test_shift_is_scipys(dy, dx):
    expected = ndimage.shift(IMAGE, (dy, dx, 0), order=0, mode="nearest")
    np.testing.assert_allclose(augment.shift(jnp.asarray(IMAGE), dy, dx), expected)
