"""MobileNet v1 and v2: counts, width multipliers and the inverted residual."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.models.mobilenet import (
    Bottlenecks,
    InvertedResidual,
    MobileNetV1,
    MobileNetV2,
    mobilenet_v1,
    mobilenet_v2,
    rounded,
    small_mobilenet_v1,
    small_mobilenet_v2,
)
from jaxdl.typing import path_name

V1 = MobileNetV1(3, ((6, 2), (8, 1)), stem=4, stem_strides=1)
V2 = MobileNetV2(3, (Bottlenecks(1, 8, 1, 1), Bottlenecks(2, 16, 2, 2)), stem=8, head=8, stem_strides=1)


def params_of(model, side=32):
    return jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((side, side, 3)))["params"]


@pytest.mark.parametrize(("width", "number"), [(1.0, 4_231_976), (0.75, 2_585_560), (0.5, 1_331_592), (0.25, 470_072)])
def test_v1_with_batch_norm_s_scales_and_biases_for_1000_classes_has_so_many_parameters(parameters, width, number):
    assert parameters(mobilenet_v1(width=width), (224, 224, 3)) == number


def test_v2_with_batch_norm_s_scales_and_biases_for_1000_classes_has_3_504_872_parameters(parameters):
    assert parameters(mobilenet_v2(), (224, 224, 3)) == 3_504_872


def test_half_the_width_leaves_a_quarter_of_the_pointwise_and_half_of_the_depthwise_weights():
    whole, half = params_of(mobilenet_v1()), params_of(mobilenet_v1(width=0.5))
    for number in range(1, 14):
        for name, share in (("pointwise", 4), ("depthwise", 2)):
            kernels = [params[f"{name}{number}"]["conv"]["kernel"] for params in (whole, half)]
            assert kernels[0].size == share * kernels[1].size


@pytest.mark.parametrize("width", [0.35, 1.4])
def test_every_channel_of_v2_comes_in_eights_and_only_a_wider_network_has_a_wider_head(width):
    params = params_of(mobilenet_v2(width=width))
    assert params["head"]["conv"]["kernel"].shape[-1] == {0.35: 1280, 1.4: 1792}[width]
    channels = [
        leaf.shape[0] for path, leaf in jax.tree_util.tree_leaves_with_path(params) if "bn/scale" in path_name(path)
    ]
    assert len(channels) == 2 + 2 + 16 * 3
    assert not any(number % 8 for number in channels)


@pytest.mark.parametrize(
    ("channels", "near"), [(24.0, 24), (8.4, 8), (5.6, 8), (11.0, 16), (12.0, 16), (134.4, 136), (1.0, 8)]
)
def test_channels_go_to_the_nearest_eight_but_never_a_tenth_down(channels, near):
    """11 is nearer to 8, which would be less than nine tenths of it."""
    assert rounded(channels) == near


def test_the_layers_of_v1_have_the_shapes_of_table_1(layers):
    shapes = layers(mobilenet_v1(), (224, 224, 3))
    assert shapes["stem"] == (112, 112, 32)
    pointwise = [shapes[f"pointwise{n}"] for n in (1, 2, 3, 4, 5, 6, 11, 12, 13)]
    sides, channels = (112, 56, 56, 28, 28, 14, 14, 7, 7), (64, 128, 128, 256, 256, 512, 512, 1024, 1024)
    assert pointwise == [(n, n, c) for n, c in zip(sides, channels, strict=True)]
    assert shapes["depthwise12"] == (7, 7, 512)


def test_the_layers_of_v2_have_the_shapes_of_table_2(layers):
    shapes = layers(mobilenet_v2(), (224, 224, 3))
    last = ("stem", "stage1_0", "stage2_1", "stage3_2", "stage4_3", "stage5_2", "stage6_2", "stage7_0", "head")
    sides, channels = (112, 112, 56, 28, 14, 14, 7, 7, 7), (32, 16, 24, 32, 64, 96, 160, 320, 1280)
    assert [shapes[name] for name in last] == [(n, n, c) for n, c in zip(sides, channels, strict=True)]
    assert shapes["stage2_0/expand"] == (112, 112, 6 * 16)


def inverted(block, x, change=lambda params: params):
    variables = dict(jax.jit(lambda: block.init(jax.random.key(0), x, 1.0, False))())
    variables["params"] = change(variables["params"])
    return jax.jit(lambda: block.apply(variables, x, 1.0, False))()


def test_an_inverted_residual_with_zero_weights_is_the_identity_for_either_sign():
    x = jax.random.normal(jax.random.key(1), (4, 4, 8))
    zero = partial(jax.tree.map, jnp.zeros_like)
    np.testing.assert_array_equal(inverted(InvertedResidual(8, 6), x, zero), x)
    for block in (InvertedResidual(16, 6), InvertedResidual(8, 6, strides=2)):
        assert not np.any(inverted(block, x, zero))
    assert not np.any(inverted(InvertedResidual(8, 6, strides=2), x[:1, :1], zero))


def test_no_activation_follows_the_last_1_by_1():
    """Twice the last scale is twice what the block adds, and minus the scale is minus it."""

    def scaled(factor):
        def change(params):
            return params | {
                "project": params["project"] | {"bn": {"scale": factor * jnp.ones(8), "bias": jnp.zeros(8)}}
            }

        return inverted(InvertedResidual(8, 2), x, change) - x

    x = jax.random.normal(jax.random.key(1), (4, 4, 8))
    assert np.abs(scaled(1.0)).max() > 0.1
    np.testing.assert_allclose(scaled(2.0), 2 * scaled(1.0), atol=1e-5)
    np.testing.assert_allclose(scaled(-1.0), -scaled(1.0), atol=1e-5)


@pytest.mark.parametrize("model", [V1, V2])
def test_an_example_and_a_batch_of_one_have_the_same_logits_at_any_resolution(model, logits):
    for batch, alone in logits(model, [(1, 1, 1), (5, 6, 1)]):
        assert batch.shape == (1, 3)
        np.testing.assert_allclose(batch[0], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("side", [8, 16, 32])
@pytest.mark.parametrize("small", [small_mobilenet_v1, small_mobilenet_v2])
def test_the_small_ones_halve_the_side_twice_and_have_fewer_than_50_000_parameters(small, side, layers, parameters):
    last = {small_mobilenet_v1: "pointwise5", small_mobilenet_v2: "head"}[small]
    assert layers(small(), (side, side, 1))[last] == (side // 4, side // 4, 128)
    assert parameters(small(), (side, side, 1)) < 50_000


@pytest.mark.parametrize("small", [small_mobilenet_v1, small_mobilenet_v2])
def test_a_strided_stem_halves_every_side_of_the_small_ones(small, layers):
    strided, plain = (layers(small(stem_strides=strides), (32, 32, 1)) for strides in (2, 1))
    for name, (*space, channels) in plain.items():
        if channels != 10:
            assert strided[name] == (*(side // 2 for side in space), channels)


@pytest.mark.parametrize("model", [mobilenet_v1, mobilenet_v2, small_mobilenet_v1, small_mobilenet_v2])
def test_a_width_that_leaves_no_channels_is_refused(model):
    with pytest.raises(InputError, match=r"width = 0.01: expected at least 1/16"):
        model(width=0.01)


@pytest.mark.parametrize("model", [V1, V2])
def test_its_gradient_is_the_numerical_one_through_batch_norm_and_dropout(model, gradient_check):
    report = gradient_check(model, (4, 4, 1))
    assert report.ok, report
