"""The cost of a model in multiplications: worked, and as published."""

import flax.linen as nn
import jax
import pytest

from jaxdl.layers.attention import MultiHeadAttention
from jaxdl.models.cost import multiplications
from jaxdl.models.lenet import LeNet5, OriginalLeNet5
from jaxdl.models.mlp import MLP
from jaxdl.models.resnet import resnet
from jaxdl.models.transformer import Size
from jaxdl.models.unet import UNet
from jaxdl.models.vgg import vgg
from jaxdl.models.vision_transformer import VisionTransformer


def test_a_dense_network_multiplies_once_for_each_weight():
    assert multiplications(MLP((2, 3, 5, 4, 2, 1)), (2,)) == 2 * 3 + 3 * 5 + 5 * 4 + 4 * 2 + 2 * 1


def test_lenet_multiplies_each_kernel_at_each_place():
    dense = 400 * 120 + 120 * 84 + 84 * 10
    assert multiplications(LeNet5(), (32, 32, 1)) == 28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + dense


def test_the_original_lenet_multiplies_its_60_pairs_of_maps_alone_in_c3():
    by_hand = 28 * 28 * 6 * 25 + 10 * 10 * 60 * 25 + 120 * 400 + 84 * 120
    assert multiplications(OriginalLeNet5(), (32, 32, 1)) == by_hand == 325_680


def test_a_unet_multiplies_each_pixel_below_by_the_four_that_it_becomes():
    down = 256 * 9 * (1 * 4 + 4 * 4) + 64 * 9 * (4 * 8 + 8 * 8)
    up = 64 * 8 * 4 * 4 + 256 * 9 * (8 * 4 + 4 * 4) + 256 * 4 * 2
    assert multiplications(UNet(widths=(4, 8), padding="SAME"), (16, 16, 1)) == down + up == 222_208


@pytest.mark.parametrize("heads", [1, 4])
def test_a_vision_transformer_multiplies_as_much_whatever_its_heads(heads):
    """16 patches of 4×4 and one place more, width 32, hidden 64, 2 layers."""
    size = Size(layers=2, width=32, heads=heads, hidden=64, norm="pre")
    dense = 16 * 16 * 32 + 2 * 17 * (2 * 32 * 64) + 32 * 10
    attention = 2 * (17 * 4 * 32 * 32 + 2 * 17 * 17 * 32)  # q, k, v and the output; scores and mixes
    assert multiplications(VisionTransformer(10, 4, size), (16, 16, 1)) == dense + attention


class Looking(nn.Module):
    """The first two of five vectors look at all five."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        attention = MultiHeadAttention(6, 2)
        return attention.cross(x[:2], attention.keys_and_values(x))[0]


def test_a_sequence_that_looks_at_another_multiplies_once_for_what_each_is():
    queries_and_output, keys_and_values, scores_and_mixes = 2 * 2 * 6 * 6, 2 * 5 * 6 * 6, 2 * 2 * 5 * 6
    assert multiplications(Looking(), (5, 6)) == queries_and_output + keys_and_values + scores_and_mixes


@pytest.mark.parametrize(("model", "billions"), [(vgg(16), 15.47), (resnet(18), 1.81), (resnet(50), 4.09)])
def test_the_imagenet_networks_cost_what_the_literature_says(model, billions):
    assert multiplications(model, (224, 224, 3)) / 1e9 == pytest.approx(billions, abs=0.01)
