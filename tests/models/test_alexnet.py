"""AlexNet in one tower and in the two groups of 2012."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.models.alexnet import AlexNet, Stage, alexnet, alexnet_2012, small_alexnet, smallest_side

TINY = AlexNet(3, (Stage(6, normalize=True, pool=True), Stage(6, groups=2, pool=True)), grid=2, dense=(8,))


def test_one_tower_with_biases_for_1000_classes_has_61_100_840_parameters(parameters):
    assert parameters(alexnet(), (224, 224, 3)) == 61_100_840


def test_two_groups_with_biases_for_1000_classes_have_60_965_224_parameters(parameters):
    assert parameters(alexnet_2012(), (224, 224, 3)) == 60_965_224


def test_the_convolutions_of_2012_have_the_shapes_of_figure_2(layers):
    shapes = layers(alexnet_2012(), (224, 224, 3))
    assert [shapes[f"conv{n}"] for n in range(1, 6)] == [
        (55, 55, 96), (27, 27, 256), (13, 13, 384), (13, 13, 384), (13, 13, 256),
    ]  # fmt: skip


def test_a_dense_layer_of_2012_sees_6_by_6_places_at_every_resolution():
    for side in (224, 131, 63):
        params = jax.eval_shape(alexnet_2012().init, jax.random.key(0), jnp.zeros((side, side, 3)))["params"]
        assert params["dense1"]["kernel"].shape == (6 * 6 * 256, 4096)


@pytest.mark.parametrize("normalize", [False, True])
def test_only_normalisation_can_tell_an_image_from_a_hundred_times_louder_one(normalize):
    """Without biases convolution, ReLU and pooling are homogeneous: the logits grow a hundredfold too."""
    model = AlexNet(4, (Stage(8, normalize=normalize, pool=True),), grid=1, dense=())
    x = 100 * jax.random.normal(jax.random.key(0), (3, 3, 1))
    variables = jax.jit(model.init)(jax.random.key(1), x)
    ratio = model.apply(variables, 100 * x) / model.apply(variables, x)
    assert np.allclose(ratio, 100, rtol=1e-4) is not normalize


@pytest.mark.parametrize(("model", "least"), [(alexnet(), 63), (alexnet_2012(), 63), (small_alexnet(), 7)])
def test_the_smallest_image_leaves_one_place_and_a_smaller_one_is_refused(model, least):
    assert smallest_side(model.stages) == least
    assert jax.eval_shape(model.init_with_output, jax.random.key(0), jnp.zeros((least, least, 3)))[0].shape[-1] > 1
    with pytest.raises(InputError, match=rf"an image of {least}×{least - 1}: this AlexNet takes {least}×{least}"):
        jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((least, least - 1, 3)))


def test_an_example_and_a_batch_of_one_have_the_same_logits_at_any_resolution(logits):
    for batch, alone in logits(TINY, [(7, 7, 2), (12, 9, 2)]):
        assert batch.shape == (1, 3)
        np.testing.assert_allclose(batch[0], alone, rtol=1e-4, atol=1e-5)


def test_dropout_drops_in_training_alone():
    image = jax.random.normal(jax.random.key(0), (7, 7, 2))
    variables = TINY.init(jax.random.key(1), image)
    apply = jax.jit(TINY.apply, static_argnums=3)
    trained = [apply(variables, image, 1.0, True, rngs={"dropout": jax.random.key(k)}) for k in range(8)]
    assert len({tuple(logits.tolist()) for logits in trained}) > 2
    np.testing.assert_array_equal(apply(variables, image, 1.0, False), apply(variables, image, 0.0, False))


def test_its_gradient_is_the_numerical_one_through_groups_normalisation_and_dropout(gradient_check):
    report = gradient_check(TINY, (7, 7, 2))
    assert report.ok, report
