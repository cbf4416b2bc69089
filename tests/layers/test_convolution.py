"""Convolution: worked numbers, and every form the same."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.layers.convolution import FEW_CHANNELS, Conv, by_library, by_rows, convolve

FORMS = [by_rows, by_library, convolve]


@pytest.mark.parametrize("form", FORMS)
def test_the_worked_example(form):
    image = jnp.array([[1.0, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1]])[..., None]
    kernel = jnp.array([[2.0, 0, 1], [0, 1, 2], [1, 0, 2]])[..., None, None]
    np.testing.assert_allclose(form(image, kernel)[..., 0], [[15, 16], [6, 15]])


def by_loops(x, kernel):
    k, size = kernel.shape[:2]
    high, wide = x.shape[-3] - k + 1, x.shape[-2] - size + 1
    windows = [[x[..., i : i + k, j : j + size, :] for j in range(wide)] for i in range(high)]
    return np.stack([np.stack([np.tensordot(w, kernel, 3) for w in row], -2) for row in windows], -3)


SHAPES = [
    ((2, 3, 7, 6, 2), (3, 2, 2, 4)),
    ((5, 5, 1), (5, 5, 1, 3)),
    ((4, 9, 9, 3), (1, 1, 3, 2)),
    ((1, 4, 8, 1), (2, 5, 1, 1)),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("image", "kernel"), SHAPES)
def test_every_form_is_the_sum_over_windows(form, image, kernel):
    random = np.random.default_rng(0)
    x, w = random.normal(size=image), random.normal(size=kernel)
    with jax.enable_x64():
        np.testing.assert_allclose(form(jnp.asarray(x), jnp.asarray(w)), by_loops(x, w), atol=1e-12)


def test_the_forms_have_the_same_gradients():
    with jax.enable_x64():
        k_x, k_w, k_y = jax.random.split(jax.random.key(0), 3)
        x, w = jax.random.normal(k_x, (3, 8, 7, 2)), jax.random.normal(k_w, (3, 3, 2, 5))
        y = jax.random.normal(k_y, (3, 6, 5, 5))
        ours, theirs = (jax.vjp(form, x, w)[1](y) for form in (by_rows, by_library))
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12)
        check_grads(lambda x, w: by_rows(jnp.asarray(x), jnp.asarray(w)), (x[0], w), order=2)


def test_many_channels_are_left_to_the_library():
    x, w = jnp.zeros((8, 8, 16)), jnp.zeros((3, 3, 16, 16))
    assert FEW_CHANNELS < 16 * 16
    assert "conv_general_dilated" in str(jax.make_jaxpr(convolve)(x, w))
    assert "conv_general_dilated" not in str(jax.make_jaxpr(convolve)(x[..., :2], w[:, :, :2]))


def test_the_layer_is_the_library_s_with_the_same_parameters():
    x = jax.random.normal(jax.random.key(0), (2, 6, 6, 3))
    ours, theirs = Conv(4, 3), nn.Conv(4, (3, 3), padding="VALID")
    variables = ours.init(jax.random.key(1), x)
    variables["params"]["bias"] = jnp.arange(4.0)
    assert jax.tree.map(jnp.shape, variables) == jax.tree.map(jnp.shape, theirs.init(jax.random.key(1), x))
    np.testing.assert_allclose(ours.apply(variables, x), theirs.apply(variables, x), atol=1e-5)
