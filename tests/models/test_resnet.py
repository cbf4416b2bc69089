"""Residual networks: counts, shapes, and what a block is when it has learned nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.models.resnet import Block, ResNet, cifar_resnet, resnet

SMALL = cifar_resnet(8, classes=3, width=2)
BOTTLENECK = ResNet(3, (1, 1), width=2, bottleneck=True, shortcut="projection")


@pytest.mark.parametrize(("depth", "number"), [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032)])
def test_with_projections_and_batch_norm_s_scales_and_biases_it_has_so_many_parameters(parameters, depth, number):
    assert parameters(resnet(depth), (224, 224, 3)) == number


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize(("depth", "number"), [(20, 269_722), (56, 853_018)])
def test_for_small_images_option_a_has_as_many_parameters_as_the_plain_network(parameters, depth, number, residual):
    assert parameters(cifar_resnet(depth, residual=residual), (32, 32, 3)) == number


@pytest.mark.parametrize(
    ("depth", "widening", "blocks"), [(18, 1, (2, 2, 2, 2)), (34, 1, (3, 4, 6, 3)), (50, 4, (3, 4, 6, 3))]
)
def test_the_stages_have_the_shapes_of_table_1(layers, depth, widening, blocks):
    shapes = layers(resnet(depth), (224, 224, 3))
    assert shapes["conv1"] == (112, 112, 64)
    for stage, (count, side) in enumerate(zip(blocks, (56, 28, 14, 7), strict=True)):
        for block in range(count):
            assert shapes[f"layer{stage + 1}_{block}"] == (side, side, widening * 64 * 2**stage)
        assert f"layer{stage + 1}_{count}" not in shapes


def test_the_three_stages_for_small_images_have_sides_32_16_8_and_channels_16_32_64(layers):
    shapes = layers(cifar_resnet(20), (32, 32, 3))
    for stage, (side, channels) in enumerate(((32, 16), (16, 32), (8, 64)), 1):
        assert {shapes[f"layer{stage}_{block}"] for block in range(3)} == {(side, side, channels)}


def nothing_learned(block, x):
    """The block with zero weights, as evaluated."""
    variables = dict(jax.jit(lambda: block.init(jax.random.key(0), x, 1.0, False))())
    variables["params"] = jax.tree.map(jnp.zeros_like, variables["params"])
    return jax.jit(block.apply, static_argnums=3)(variables, x, 1.0, False)


@pytest.mark.parametrize("block", [Block(4), Block(4, shortcut="padding"), Block(1, bottleneck=True)])
def test_a_block_with_zero_weights_is_the_identity_for_inputs_of_0_and_more(block):
    x = jax.random.uniform(jax.random.key(1), (2, 5, 6, 4))
    np.testing.assert_array_equal(nothing_learned(block, x), x)
    np.testing.assert_array_equal(nothing_learned(block, -x), 0 * x)


def test_without_a_shortcut_a_block_with_zero_weights_is_zero():
    assert not np.any(nothing_learned(Block(4, shortcut="none"), jnp.ones((4, 4, 4))))


def test_a_padding_shortcut_takes_every_second_place_and_puts_zero_channels_on_both_sides():
    x = jnp.arange(1.0, 33.0).reshape(4, 4, 2)
    y = nothing_learned(Block(4, strides=2, shortcut="padding"), x)
    np.testing.assert_array_equal(y, np.pad(x[::2, ::2], ((0, 0), (0, 0), (1, 1))))


def test_a_projection_shortcut_is_a_strided_1_by_1_convolution():
    """With the rest zero and the kernel (1, 2) from one channel, y is x and 2x at every second place."""
    x, block = jnp.arange(1.0, 17.0).reshape(4, 4, 1), Block(2, strides=2)
    variables = dict(jax.jit(lambda: block.init(jax.random.key(0), x, 1.0, False))())
    params = jax.tree.map(jnp.zeros_like, variables["params"])
    params["downsample_conv"]["kernel"] = jnp.array([1.0, 2.0]).reshape(1, 1, 1, 2)
    params["downsample_bn"]["scale"] = jnp.ones(2)
    y = block.apply({**variables, "params": params}, x, 1.0, False)
    np.testing.assert_allclose(y, np.concatenate([x[::2, ::2], 2 * x[::2, ::2]], -1), rtol=1e-4)


@pytest.mark.parametrize("depth", [2, 7, 19, 21])
def test_a_depth_for_small_images_that_is_not_6n_plus_2_is_refused(depth):
    with pytest.raises(InputError, match=rf"ResNet-{depth} for small images: expected 8, 14, 20, .* 6n \+ 2"):
        cifar_resnet(depth)


def test_a_depth_for_large_images_that_was_not_published_is_refused():
    with pytest.raises(InputError, match="ResNet-20: expected one of 18, 34, 50, or cifar_resnet"):
        resnet(20)


@pytest.mark.parametrize("model", [SMALL, BOTTLENECK])
def test_an_example_and_a_batch_of_one_have_the_same_logits_at_any_resolution(model, logits):
    for batch, alone in logits(model, [(1, 1, 1), (5, 6, 1)]):
        assert batch.shape == (1, 3)
        np.testing.assert_allclose(batch[0], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("model", [SMALL, BOTTLENECK])
def test_its_gradient_is_the_numerical_one_through_batch_norm_and_shortcuts(model, gradient_check):
    report = gradient_check(model, (4, 4, 1))
    assert report.ok, report
