"""U-Net: counts, shapes, and what its way up is made of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.layers.convolution import convolve, transpose_convolve
from jaxdl.models.unet import UNet, UpConv, middle, to_channels, to_pixels

SMALL = UNet(3, (2, 3), padding="SAME", batch_norm=True)


@pytest.mark.parametrize(
    ("model", "channels", "number"),
    [(UNet(), 1, 31_030_658), (UNet(batch_norm=True), 1, 31_036_546), (UNet(batch_norm=True), 3, 31_037_698)],
)
def test_with_the_paper_s_widths_it_has_so_many_parameters(parameters, model, channels, number):
    assert parameters(model, (572, 572, channels)) == number


def test_its_layers_have_the_shapes_of_the_paper_s_figure_1(layers):
    shapes = layers(UNet(), (572, 572, 1))
    sides = {"down1": 568, "down2": 280, "down3": 136, "down4": 64, "bottom": 28, "merge4": 52, "merge3": 100}
    for name, side in (sides | {"merge2": 196, "merge1": 388}).items():
        assert shapes[f"{name}_conv2"][:2] == (side, side), name
    assert shapes["up4"] == (56, 56, 512)
    assert shapes["output"] == (388, 388, 2)


def test_padded_it_gives_the_logits_of_every_pixel_of_any_image_whose_sides_can_be_halved():
    image = jnp.zeros((8, 12, 1))
    model = UNet(3, (2, 3, 4), "SAME")
    found, _ = jax.eval_shape(model.init_with_output, jax.random.key(0), image)
    assert found.shape == (8, 12, 3)


def test_up_it_goes_by_the_transpose_of_a_2_by_2_convolution_with_strides_of_2():
    """⟨convolve(z), y⟩ = ⟨z, up(y)⟩ for all z and y; and it is the library's own transpose convolution."""
    y, z = (jax.random.normal(jax.random.key(n), shape) for n, shape in enumerate([(3, 4, 5), (6, 8, 2)]))
    kernel = jax.random.normal(jax.random.key(2), (2, 2, 2, 5))
    up = UpConv(2).apply({"params": {"kernel": kernel, "bias": jnp.zeros(2)}}, y)
    np.testing.assert_allclose(up, transpose_convolve(y, kernel, 2), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose((convolve(z, kernel, 2) * y).sum(), (z * up).sum(), rtol=1e-4)


def test_what_is_kept_of_a_larger_image_is_its_middle():
    image = jnp.arange(30.0).reshape(5, 6, 1)
    np.testing.assert_array_equal(middle(image, 3, 4)[..., 0], image[1:4, 1:5, 0])


def test_patches_are_places_and_their_channels_pixels_again():
    image = jnp.arange(48.0).reshape(4, 6, 2)
    tiles = to_channels(image, 2)
    assert tiles.shape == (2, 3, 8)
    np.testing.assert_array_equal(tiles[1, 2], image[2:4, 4:6].ravel())
    np.testing.assert_array_equal(to_pixels(tiles, 2), image)


def test_in_patches_of_2_by_2_pixels_it_still_gives_the_logits_of_every_pixel(parameters):
    model, image = UNet(3, (2, 3), "SAME", patch=2), jax.ShapeDtypeStruct((8, 12, 1), jnp.float32)
    found, _ = jax.eval_shape(model.init_with_output, jax.random.key(0), image)
    assert found.shape == (8, 12, 3)
    # Four pixels to look at in the first convolution, 3 · 4 logits to give in the last.
    plain = parameters(UNet(3, (2, 3), "SAME"), (8, 12, 1))
    assert parameters(model, (8, 12, 1)) == plain + 3 * (9 * 2) + 3 * (2 * 3 + 3)


def test_a_pixel_of_the_valid_form_sees_what_the_padded_form_sees_there():
    """Far from the border zeros outside the image are out of sight: both have the same logits from the same weights."""
    image, key = jax.random.normal(jax.random.key(0), (24, 24, 1)), jax.random.key(1)
    valid, same = UNet(2, (2, 3)), UNet(2, (2, 3), "SAME")
    variables = jax.jit(valid.init)(key, image)
    found, around = (jax.jit(model.apply)(variables, image) for model in (valid, same))
    assert found.shape == (8, 8, 2)
    np.testing.assert_allclose(found, middle(around, 8, 8), rtol=1e-4, atol=1e-5)


def test_an_example_and_a_batch_of_one_have_the_same_logits(logits):
    for batch, alone in logits(SMALL, [(4, 6, 1)]):
        np.testing.assert_allclose(batch[0], alone, rtol=1e-4, atol=1e-5)


def test_its_gradient_is_the_numerical_one(gradient_check):
    report = gradient_check(SMALL, (4, 4, 1), method=lambda model, *inputs: model(*inputs).ravel())
    assert report.ok, report


@pytest.mark.parametrize(
    ("model", "side", "fitting"),
    [
        (UNet(), 570, 572),
        (UNet(), 512, 524),
        (UNet(), 100, 188),
        (UNet(padding="SAME"), 40, 48),
        (UNet(padding="SAME"), 0, 16),
        (UNet(padding="SAME", patch=2), 48, 64),
    ],
)
def test_a_side_that_cannot_be_halved_is_refused_and_one_that_can_is_named(model, side, fitting):
    with pytest.raises(InputError, match=f"a side of {side}: .* 4 poolings .*, such as {fitting}"):
        jax.eval_shape(model.init, jax.random.key(0), jax.ShapeDtypeStruct((side, side, 1), jnp.float32))
    image = jax.ShapeDtypeStruct((fitting, fitting, 1), jnp.float32)
    assert jax.eval_shape(model.init_with_output, jax.random.key(0), image)[0].shape[0] > 0
