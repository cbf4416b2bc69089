"""Weights in torchvision's naming go in as a whole or not at all; tests/peers holds what comes out to PyTorch."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.models import pretrained, safetensors
from jaxdl.models.classifier import initialised
from jaxdl.models.efficientnet import EfficientNet, Stage
from jaxdl.models.lenet import LeNet5
from jaxdl.models.mobilenet import Bottlenecks, MobileNetV2
from jaxdl.models.resnet import ResNet
from jaxdl.models.vgg import VGG

SHAPE = (16, 16, 3)
MODELS = {
    "ResNet": ResNet(3, (1, 1), width=4, bottleneck=True),
    "VGG": VGG(3, (1, 2), channels=(4, 5), grid=2, dense=(6,)),
    "MobileNetV2": MobileNetV2(3, (Bottlenecks(1, 8, 1, 1), Bottlenecks(2, 8, 1, 2)), stem=8, head=8),
    "EfficientNet": EfficientNet(3, (Stage(1, 3, 1, 8, 1), Stage(2, 5, 2, 8, 1)), stem=8, head=8),
}
RESNET = MODELS["ResNet"]


def random_weights(model):
    """Every leaf at random: none can be taken for another."""
    shapes = jax.eval_shape(lambda key: initialised(model, key, SHAPE), jax.random.key(0))
    random = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: jnp.asarray(random.normal(size=leaf.shape), jnp.float32), shapes)


@pytest.fixture
def arrays(tmp_path):
    """What a sound file of RESNET holds."""
    pretrained.save(tmp_path / "sound", *random_weights(RESNET), RESNET)
    return {name: np.array(array) for name, array in safetensors.read(tmp_path / "sound")[0].items()}


def loaded(tmp_path, arrays, model=RESNET):
    safetensors.write(tmp_path / "weights", arrays)
    return pretrained.load(tmp_path / "weights", model, SHAPE)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_saved_is_loaded_bit_for_bit(name, tmp_path):
    model = MODELS[name]
    weights = random_weights(model)
    pretrained.save(tmp_path / "weights", *weights, model)
    found = pretrained.load(tmp_path / "weights", model, SHAPE)
    assert jax.tree.structure(found) == jax.tree.structure(weights)
    jax.tree.map(np.testing.assert_array_equal, found, weights)


def test_every_leaf_has_a_name_of_its_own():
    for model in MODELS.values():
        assert len(pretrained.names_and_shapes(model, SHAPE)) == len(jax.tree.leaves(random_weights(model)))


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        ("ResNet", "layer2_0/conv3", "layer2.0.conv3"),
        ("ResNet", "layer1_0/downsample_bn", "layer1.0.downsample.1"),
        ("VGG", "conv2_2", "features.5"),  # conv, ReLU, pool, conv, ReLU, conv
        ("VGG", "output", "classifier.3"),  # dense, ReLU, dropout, dense
        ("MobileNetV2", "stage1_0/project/bn", "features.1.conv.2"),  # a block without expansion
        ("MobileNetV2", "stage2_0/project/conv", "features.2.conv.2"),
        ("MobileNetV2", "head/conv", "features.3.0"),
        ("EfficientNet", "stage2_0/squeeze_excite/expand", "features.2.0.block.2.fc2"),
    ],
)
def test_the_name_is_torchvision_s(name, ours, theirs):
    assert pretrained.torchvision_module(MODELS[name], ours) == theirs


def test_a_kernel_and_a_dense_weight_are_turned_by_hand(arrays, tmp_path):
    params, model_state = loaded(tmp_path, arrays)
    assert params["layer1_0"]["conv2"]["kernel"][0, 2, 1, 3] == arrays["layer1.0.conv2.weight"][3, 1, 0, 2]
    assert params["fc"]["kernel"][5, 2] == arrays["fc.weight"][2, 5]
    np.testing.assert_array_equal(model_state["batch_stats"]["bn1"]["variance"], arrays["bn1.running_var"])
    np.testing.assert_array_equal(params["bn1"]["scale"], arrays["bn1.weight"])


def test_the_dense_layer_behind_an_image_sees_its_places_in_our_order(tmp_path):
    """Theirs is flattened as channels × height × width, ours as height × width × channels."""
    model = MODELS["VGG"]
    pretrained.save(tmp_path / "weights", *random_weights(model), model)
    found = safetensors.read(tmp_path / "weights")[0]["classifier.0.weight"]
    kernel = random_weights(model)[0]["dense1"]["kernel"]
    row, column, channel = 1, 0, 3
    assert found[4, (channel * 2 + row) * 2 + column] == kernel[(row * 2 + column) * 5 + channel, 4]


def test_the_count_of_batches_is_no_weight(arrays, tmp_path):
    without = loaded(tmp_path, arrays)
    jax.tree.map(
        np.testing.assert_array_equal, loaded(tmp_path, arrays | {"bn1.num_batches_tracked": np.array(7)}), without
    )


def test_half_precision_is_read_as_float32(arrays, tmp_path):
    halves = {name: array.astype(ml_dtypes.bfloat16) for name, array in arrays.items()}
    params, _ = loaded(tmp_path, halves)
    assert params["fc"]["bias"].dtype == jnp.float32
    np.testing.assert_array_equal(params["fc"]["bias"], halves["fc.bias"].astype(np.float32))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda arrays: arrays.pop("bn1.bias"), "not of this ResNet: missing bn1.bias$"),
        (lambda arrays: arrays.update({"aux.weight\n": np.ones(2)}), r"extra 'aux.weight\\n'$"),
        (lambda arrays: arrays.update({"bn1.bias": np.ones(5)}), r"bn1.bias is \[5\], not \[4\]$"),
        (lambda arrays: arrays.update({"bn1.bias": np.ones(4, np.int32)}), "bn1.bias is int32, not floating$"),
        (lambda arrays: arrays.update({"fc.bias": np.float32(1)}), r"fc.bias is \[\], not \[3\]$"),
        (lambda arrays: arrays.update({"fc.bias": np.full(3, np.nan)}), "fc.bias is not finite in float32$"),
        (lambda arrays: arrays.update({"fc.bias": np.full(3, 1e300)}), "fc.bias is not finite in float32$"),
        (lambda arrays: arrays.clear(), "missing .* and [0-9]+ more$"),
        (
            lambda arrays: arrays.update({"fc.weight": np.ones((7, 32)), "fc.bias": np.ones(7)}),
            "has 7 classes, not 3: .* a new head",
        ),
    ],
)
def test_a_file_of_another_network_is_refused_and_says_where_it_differs(arrays, tmp_path, change, complaint):
    change(arrays)
    with pytest.raises(InputError, match=complaint):
        loaded(tmp_path, arrays)


def test_a_network_that_torchvision_does_not_have_is_refused(tmp_path):
    model = LeNet5(3)
    params, model_state = initialised(model, jax.random.key(0), (32, 32, 1))
    with pytest.raises(InputError, match="LeNet5: torchvision's naming is known for ResNet, VGG"):
        pretrained.save(tmp_path / "weights", params, model_state, model)
