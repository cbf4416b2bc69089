"""VGG: counts, shapes, other resolutions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.models.vgg import VGG, vgg

TINY = VGG(3, (1, 2), channels=(3, 4), grid=2, dense=(6,))


@pytest.mark.parametrize(("depth", "number"), [(11, 132_863_336), (16, 138_357_544), (19, 143_667_240)])
def test_without_batch_norm_with_biases_for_1000_classes_it_has_so_many_parameters(parameters, depth, number):
    assert parameters(vgg(depth), (224, 224, 3)) == number


def test_it_has_as_many_layers_with_weights_as_its_name_says():
    for depth in (11, 16, 19):
        params = jax.eval_shape(vgg(depth).init, jax.random.key(0), jnp.zeros((32, 32, 3)))["params"]
        assert len(params) == depth


def test_the_stages_of_vgg_16_halve_the_side_from_224_to_14(layers):
    shapes = layers(vgg(16), (224, 224, 3))
    last = [shapes[name] for name in ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3")]
    assert last == [(224, 224, 64), (112, 112, 128), (56, 56, 256), (28, 28, 512), (14, 14, 512)]


@pytest.mark.parametrize("side", [32, 100, 224, 260])
def test_the_dense_layers_see_7_by_7_places_at_every_resolution(side):
    params = jax.eval_shape(vgg(11).init, jax.random.key(0), jnp.zeros((side, side, 3)))["params"]
    assert params["dense1"]["kernel"].shape == (7 * 7 * 512, 4096)


def test_an_image_that_the_poolings_leave_nothing_of_is_refused():
    with pytest.raises(InputError, match="too small"):
        jax.eval_shape(vgg(11).init, jax.random.key(0), jnp.zeros((32, 31, 3)))


def test_a_grid_of_2_over_4_by_4_places_is_the_mean_of_each_quarter():
    """A network that only pools and reads: no stage, and an output that picks one value of the grid each."""
    x = jnp.arange(16.0).reshape(4, 4, 1)
    model = VGG(4, (), channels=(), grid=2, dense=())
    params = {"output": {"kernel": jnp.eye(4), "bias": jnp.zeros(4)}}
    np.testing.assert_allclose(model.apply({"params": params}, x), [2.5, 4.5, 10.5, 12.5])


def test_a_depth_that_was_not_published_is_refused():
    with pytest.raises(InputError, match="VGG-13: expected one of 11, 16, 19"):
        vgg(13)


def test_an_example_and_a_batch_of_one_have_the_same_logits_at_any_resolution(logits):
    for batch, alone in logits(TINY, [(4, 4, 1), (9, 6, 1)]):
        assert batch.shape == (1, 3)
        np.testing.assert_allclose(batch[0], alone, rtol=1e-4, atol=1e-5)


def test_dropout_drops_in_training_alone():
    image = jax.random.normal(jax.random.key(0), (8, 8, 1))
    variables = jax.jit(TINY.init)(jax.random.key(1), image)
    apply = jax.jit(TINY.apply, static_argnums=3)
    trained = [apply(variables, image, 1.0, True, rngs={"dropout": jax.random.key(k)}) for k in range(8)]
    assert len({tuple(logits.tolist()) for logits in trained}) > 2
    np.testing.assert_array_equal(apply(variables, image, 1.0, False), apply(variables, image, 0.0, False))


def test_its_gradient_is_the_numerical_one_through_pooling_and_dropout(gradient_check):
    report = gradient_check(TINY, (9, 9, 1))
    assert report.ok, report
