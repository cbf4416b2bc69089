"""What a network sees: linear and planted networks, whose answer is known."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.layers.convolution import Conv
from jaxdl.layers.pooling import max_pool
from jaxdl.models.inspection import (
    activations,
    layers,
    maximise,
    receptive_field,
    saliency,
    top_patches,
)
from jaxdl.models.lenet import LeNet5
from jaxdl.models.resnet import cifar_resnet

SHAPE = (12, 12, 1)


class Linear(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(3, name="output")(x.reshape(*x.shape[:-3], -1))


class Stack(nn.Module):
    """3×3, 3×3, a pool of two, 3×3: fields of 3, 5, 6 and 10 pixels."""

    @nn.compact
    def __call__(self, x):
        x = nn.relu(Conv(4, 3, padding=1, name="conv1")(x))
        x = nn.relu(Conv(4, 3, padding=1, name="conv2")(x))
        x = Conv(4, 3, padding=1, name="conv3")(max_pool(x))
        return nn.Dense(2, name="output")(x.mean((-3, -2)))


def made(model, shape=SHAPE):
    return model, model.init(jax.random.key(0), jnp.zeros(shape))


def test_the_saliency_of_a_linear_network_is_the_size_of_its_weights():
    model, variables = made(Linear())
    expected = np.abs(variables["params"]["output"]["kernel"][:, 2]).reshape(12, 12)
    image = jax.random.normal(jax.random.key(1), SHAPE)
    np.testing.assert_allclose(saliency(model, variables, image, 2), expected, rtol=1e-6)


def test_of_a_colour_image_the_saliency_is_that_of_the_strongest_channel():
    model, variables = made(Linear(), (4, 4, 3))
    kernel = variables["params"]["output"]["kernel"][:, 0].reshape(4, 4, 3)
    np.testing.assert_allclose(saliency(model, variables, jnp.ones((4, 4, 3)), 0), np.abs(kernel).max(-1), rtol=1e-6)


def test_a_climb_that_is_shifted_spreads_over_the_neighbours_each_image_by_its_own_draws():
    """The objective is one pixel: without shifts it stays the only one."""

    def climbed(max_shift):
        found = maximise(lambda x: x[:, 3, 3, 0], (2, 7, 7, 1), jax.random.key(0), 60, max_shift=max_shift, l2=0.1)
        return np.asarray(found[..., 0])

    still, moved = climbed(0), climbed(1)
    assert np.abs(np.delete(still.reshape(2, -1), 24, 1)).max() < 0.1
    assert moved[:, 2:5, 2:5].min() > 0.2
    assert np.abs(moved[0] - moved[1]).max() > 0.1


def test_of_a_linear_unit_the_climb_ends_at_its_weights_over_twice_the_penalty():
    """The gradient of w·x − λ‖x‖² is zero at w / 2λ."""
    model, variables = made(Linear())
    kernel = variables["params"]["output"]["kernel"]
    found = maximise(
        lambda x: model.apply(variables, x)[:, 1], (2, *SHAPE), jax.random.key(0), 400, l2=0.5, max_shift=0
    )
    np.testing.assert_allclose(found, np.tile(kernel[:, 1].reshape(1, *SHAPE), (2, 1, 1, 1)), atol=1e-3)


@pytest.mark.parametrize(
    ("layer", "place", "box"),
    [
        ("conv1", (5, 6), (4, 7, 5, 8)),
        ("conv2", (5, 6), (3, 8, 4, 9)),
        ("conv3", (3, 2), (2, 12, 0, 10)),
        ("conv1", (0, 11), (0, 2, 10, 12)),
        ("output", (), (0, 12, 0, 12)),
    ],
)
def test_a_receptive_field_is_what_the_arithmetic_of_the_windows_says(layer, place, box):
    assert receptive_field(*made(Stack()), SHAPE, layer, place) == box


class Largest(nn.Module):
    @nn.compact
    def __call__(self, x):
        return max_pool(x)


class Pooled(nn.Module):
    @nn.compact
    def __call__(self, x):
        return Largest(name="pool")(x)


def test_what_a_maximum_hides_in_one_image_another_shows():
    """One image's gradient reaches one of the four pixels under the window."""
    assert receptive_field(Pooled(), {}, (6, 6, 1), "pool", (1, 2)) == (2, 4, 4, 6)


class Twice(nn.Module):
    @nn.compact
    def __call__(self, x):
        layer = nn.Dense(3, name="layer")
        return layer(layer(x))


def test_of_a_layer_that_is_used_twice_the_first_output_is_shown():
    model, variables = made(Twice(), (3,))
    x = jnp.array([1.0, -2.0, 0.5])
    layer = variables["params"]["layer"]
    np.testing.assert_allclose(
        activations(model, variables, x)["layer"], x @ layer["kernel"] + layer["bias"], rtol=1e-6
    )


def test_the_best_patch_of_a_dense_unit_is_the_whole_image_and_all_units_are_asked():
    model, variables = made(Linear())
    images = np.asarray(jax.random.normal(jax.random.key(2), (4, *SHAPE)))
    answers = np.asarray(model.apply(variables, jnp.asarray(images)))
    found = top_patches(model, variables, images, "output", count=1)
    assert {unit: patches[0].image for unit, patches in found.items()} == dict(enumerate(answers.argmax(0).tolist()))
    assert all(patches[0].box == (0, 12, 0, 12) for patches in found.values())


def test_the_best_patch_of_a_planted_filter_is_where_its_pattern_was_planted():
    model, variables = made(Stack())
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0.0]])
    kernel = variables["params"]["conv1"]["kernel"].at[:, :, 0, 2].set(cross - 0.5)
    variables = {"params": {**variables["params"], "conv1": {"kernel": kernel, "bias": jnp.zeros(4)}}}
    images = np.zeros((5, *SHAPE), np.float32)
    images[3, 4:7, 7:10, 0] = cross
    images[1, 1:4, 1:4, 0] = cross / 2
    found = top_patches(model, variables, images, "conv1", [2], count=2, chunk=2)[2]
    assert [(patch.image, patch.box) for patch in found] == [(3, (4, 7, 7, 10)), (1, (1, 4, 1, 4))]
    assert found[0].activation == pytest.approx(2.5)


@pytest.mark.parametrize(("model", "shape"), [(LeNet5(), (32, 32, 1)), (cifar_resnet(8, width=4), (16, 16, 3))])
def test_the_layers_are_those_with_parameters_and_their_outputs_have_the_shapes_promised(model, shape):
    model, variables = made(model, shape)
    found = layers(model, variables, shape)
    paths = jax.tree_util.tree_leaves_with_path(variables["params"])
    assert {"/".join(part.key for part in path[:-1]) for path, _ in paths} <= set(found)
    outputs = activations(model, variables, jnp.ones((2, *shape)))
    assert {name: value.shape[1:] for name, value in outputs.items() if name} == found
    np.testing.assert_array_equal(outputs[""], model.apply(variables, jnp.ones((2, *shape))))


def test_what_is_not_there_is_refused_and_the_nearest_layer_named():
    model, variables = made(Stack())
    images = np.zeros((2, *SHAPE), np.float32)
    with pytest.raises(InputError, match="conv1"):
        top_patches(model, variables, images, "conv11")
    with pytest.raises(InputError, match="unit 4 of conv1: expected 0 to 3"):
        top_patches(model, variables, images, "conv1", [4])
    with pytest.raises(InputError, match=r"place \(12, 0\) of conv1"):
        receptive_field(model, variables, SHAPE, "conv1", (12, 0))
    zero = jax.tree.map(jnp.zeros_like, variables)
    with pytest.raises(InputError, match="no pixel reaches conv2"):
        receptive_field(model, zero, SHAPE, "conv2", (3, 3))
