"""EfficientNet: counts, compound scaling, squeeze-and-excitation and stochastic depth."""

import itertools
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.models.efficientnet import (
    SCALES,
    STAGES,
    EfficientNet,
    MBConv,
    SqueezeExcite,
    Stage,
    StochasticDepth,
    efficientnet,
    small_efficientnet,
)

TINY = EfficientNet(3, (Stage(1, 3, 1, 8, 1), Stage(2, 5, 2, 16, 2)), survival=0.6, stem=8, head=8, stem_strides=1)
COUNTS = (5_288_548, 7_794_184, 9_109_994, 12_233_232, 19_341_616, 30_389_784, 43_040_704, 66_347_960)


@pytest.mark.parametrize(("number", "count"), list(enumerate(COUNTS)))
def test_with_batch_norm_s_scales_and_biases_for_1000_classes_it_has_so_many_parameters(parameters, number, count):
    assert parameters(efficientnet(number), (32, 32, 3)) == count


def test_the_stages_of_b0_have_the_shapes_of_table_1(layers):
    shapes = layers(efficientnet(0), (224, 224, 3))
    last = ("stem", "stage1_0", "stage2_1", "stage3_1", "stage4_2", "stage5_2", "stage6_3", "stage7_0", "head")
    sides, channels = (112, 112, 56, 28, 14, 14, 7, 7, 7), (32, 16, 24, 40, 80, 112, 192, 320, 1280)
    assert [shapes[name] for name in last] == [(n, n, c) for n, c in zip(sides, channels, strict=True)]


def test_each_size_is_deeper_wider_or_finer_than_the_last_and_none_is_less():
    for less, more in itertools.pairwise(SCALES):
        grows = [b - a for a, b in zip(less[:3], more[:3], strict=True)]
        assert min(grows) >= 0
        assert max(grows) > 0
        assert more.keep <= less.keep


@pytest.mark.parametrize(("number", "epsilon"), [(4, 1e-5), (5, 1e-3), (7, 1e-3)])
def test_the_three_largest_have_the_batch_norm_of_their_published_weights(number, epsilon):
    assert efficientnet(number).epsilon == epsilon


def test_depth_multiplies_the_blocks_of_each_stage_rounded_up():
    """B7: 3.1 times (1, 2, 2, 3, 3, 4, 1) blocks."""
    params = jax.eval_shape(efficientnet(7).init, jax.random.key(0), jnp.zeros((32, 32, 3)))["params"]
    blocks = [sum(name.startswith(f"stage{n}_") for name in params) for n in range(1, 8)]
    assert blocks == [4, 7, 7, 10, 10, 13, 4]
    assert blocks == [math.ceil(3.1 * stage.blocks) for stage in STAGES]


def test_width_multiplies_the_channels_and_depth_adds_blocks_in_the_small_one_too(layers):
    shapes = layers(small_efficientnet(width=2.0, depth=1.5), (8, 8, 1))
    assert shapes["stage3_2"] == (2, 2, 64)
    assert shapes["head"] == (2, 2, 256)


def test_squeeze_and_excitation_with_zero_weights_halves_and_with_a_large_bias_lets_all_through():
    x = jax.random.normal(jax.random.key(0), (3, 4, 4, 6))
    params = jax.tree.map(jnp.zeros_like, SqueezeExcite(2).init(jax.random.key(1), x)["params"])
    np.testing.assert_allclose(SqueezeExcite(2).apply({"params": params}, x), x / 2, rtol=1e-6)
    params["expand"]["bias"] += 50
    np.testing.assert_allclose(SqueezeExcite(2).apply({"params": params}, x), x, rtol=1e-6)


def test_a_gate_follows_the_means_of_all_channels_worked_by_hand():
    """Means 1 and 3, W₁ = (1, 1): hidden 4σ(4); W₂ = (0, 1): gates ½ and σ(4σ(4))."""
    x = jnp.array([[[0.0, 2.0], [2.0, 4.0]]])
    params = {
        "reduce": {"kernel": jnp.ones((1, 1, 2, 1)), "bias": jnp.zeros(1)},
        "expand": {"kernel": jnp.array([0.0, 1.0]).reshape(1, 1, 1, 2), "bias": jnp.zeros(2)},
    }
    gate = 1 / (1 + math.exp(-4 / (1 + math.exp(-4))))
    y = SqueezeExcite(1).apply({"params": params}, x)
    np.testing.assert_allclose(y, [[[0, 2 * gate], [1, 4 * gate]]], rtol=1e-5)


def test_a_block_with_zero_weights_is_the_identity_where_shapes_agree_and_else_zero():
    x = jax.random.normal(jax.random.key(1), (4, 4, 8))
    for block, expected in ((MBConv(8, 6), x), (MBConv(8, 6, strides=2), 0 * x[::2, ::2]), (MBConv(8, 1, size=5), x)):
        variables = dict(jax.jit(lambda block=block: block.init(jax.random.key(0), x, 1.0, False))())
        variables["params"] = jax.tree.map(jnp.zeros_like, variables["params"])
        np.testing.assert_array_equal(jax.jit(block.apply, static_argnums=3)(variables, x, 1.0, False), expected)


def test_a_strided_block_has_no_shortcut_even_where_one_place_stays_one_place():
    x, block = jnp.ones((1, 1, 8)), MBConv(8, 6, strides=2)
    variables = dict(jax.jit(lambda: block.init(jax.random.key(0), x, 1.0, False))())
    variables["params"] = jax.tree.map(jnp.zeros_like, variables["params"])
    assert not np.any(jax.jit(block.apply, static_argnums=3)(variables, x, 1.0, False))


def test_in_training_a_block_is_skipped_or_adds_twice_what_it_adds_when_it_always_survives():
    def trained(survival):
        block = MBConv(4, 1, survival=survival)

        def one(x, key):
            return block.apply(variables, x, 1.0, True, rngs={"dropout": key}, mutable=["batch_stats"])[0]

        return jax.jit(jax.vmap(jax.vmap(one, axis_name="batch"), axis_name="data"))(x[None], keys[None])[0]

    x, keys = jax.random.normal(jax.random.key(0), (12, 3, 3, 4)), jax.random.split(jax.random.key(1), 12)
    variables = jax.jit(lambda: MBConv(4, 1).init(jax.random.key(2), x[0], 1.0, False))()
    added, always = trained(0.5) - x, trained(1.0) - x
    skipped = ~added.any((1, 2, 3))
    assert 0 < skipped.sum() < 12
    np.testing.assert_allclose(added[~skipped], 2 * always[~skipped], atol=1e-5)


def test_stochastic_depth_drops_whole_examples_keeps_the_mean_and_rests_in_evaluation():
    x, layer = jnp.ones((20_000, 1, 2, 1)), StochasticDepth(0.8)
    y = layer.apply({}, x, True, rngs={"dropout": jax.random.key(0)})
    np.testing.assert_array_equal(np.unique(y), np.float32([0, 1 / 0.8]))
    np.testing.assert_array_equal(y[:, :, 0], y[:, :, 1])
    np.testing.assert_allclose(y.mean(), 1, atol=0.02)  # five standard deviations
    np.testing.assert_array_equal(layer.apply({}, x, False), x)


def test_survival_falls_linearly_from_1_at_the_first_of_b0_s_16_blocks():
    met = []

    def note(layer, args, kwargs, context):
        if isinstance(context.module, StochasticDepth):
            met.append((context.module.path[0], context.module.keep))
        return layer(*args, **kwargs)

    with nn.intercept_methods(note):
        jax.eval_shape(efficientnet(0).init, jax.random.key(0), jnp.zeros((32, 32, 3)))
    number = {"stage2_1": 2, "stage3_1": 4, "stage4_1": 6, "stage4_2": 7, "stage5_1": 9, "stage5_2": 10} | {
        "stage6_1": 12, "stage6_2": 13, "stage6_3": 14,
    }  # fmt: skip
    assert dict(met) == pytest.approx({name: 1 - 0.2 * block / 16 for name, block in number.items()})


def test_an_example_and_a_batch_of_one_have_the_same_logits_at_any_resolution(logits):
    for batch, alone in logits(TINY, [(1, 1, 1), (5, 6, 1)]):
        assert batch.shape == (1, 3)
        np.testing.assert_allclose(batch[0], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("number", [-1, 8])
def test_a_size_that_was_not_published_is_refused(number):
    with pytest.raises(InputError, match=f"EfficientNet-B{number}: expected 0, 1, … 7, or small_efficientnet"):
        efficientnet(number)


def test_its_gradient_is_the_numerical_one_through_gates_batch_norm_and_stochastic_depth(gradient_check):
    report = gradient_check(TINY, (4, 4, 1))
    assert report.ok, report
