"""The cost of a model in multiplications: worked, and as published."""

import pytest

from jaxdl.models.cost import multiplications
from jaxdl.models.lenet import LeNet5
from jaxdl.models.mlp import MLP
from jaxdl.models.resnet import resnet
from jaxdl.models.vgg import vgg


def test_a_dense_network_multiplies_once_for_each_weight():
    assert multiplications(MLP((2, 3, 5, 4, 2, 1)), (2,)) == 2 * 3 + 3 * 5 + 5 * 4 + 4 * 2 + 2 * 1


def test_lenet_multiplies_each_kernel_at_each_place():
    dense = 400 * 120 + 120 * 84 + 84 * 10
    assert multiplications(LeNet5(), (32, 32, 1)) == 28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + dense


@pytest.mark.parametrize(("model", "billions"), [(vgg(16), 15.47), (resnet(18), 1.81), (resnet(50), 4.09)])
def test_the_imagenet_networks_cost_what_the_literature_says(model, billions):
    assert multiplications(model, (224, 224, 3)) / 1e9 == pytest.approx(billions, abs=0.01)
