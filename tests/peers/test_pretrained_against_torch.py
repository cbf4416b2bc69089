"""Networks in PyTorch with torchvision's names: through a .safetensors file ours give the same logits and gradients."""

from collections import OrderedDict

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from jaxdl.losses.classification import cross_entropy
from jaxdl.models import pretrained, safetensors
from jaxdl.models.efficientnet import SMALL as SMALL_STAGES
from jaxdl.models.efficientnet import STAGES, EfficientNet, efficientnet
from jaxdl.models.mobilenet import INVERTED, SMALL_INVERTED, MobileNetV2, mobilenet_v2
from jaxdl.models.resnet import BLOCKS, ResNet, resnet
from jaxdl.models.vgg import CONVOLUTIONS, VGG, vgg

CLASSES, SIZE = 5, 64


def conv_norm(c, o, size, stride=1, groups=1, act=None):
    conv = nn.Conv2d(c, o, size, stride, (size - 1) // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(o), *([act()] if act else []))


class TorchBlock(nn.Module):
    def __init__(self, c, width, stride, bottleneck):
        super().__init__()
        out = 4 * width if bottleneck else width
        layers = [(c, width, 3, stride), (width, width, 3, 1)]
        if bottleneck:
            layers = [(c, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1)]
        self.count = len(layers)
        for i, (before, after, size, s) in enumerate(layers, 1):
            setattr(self, f"conv{i}", nn.Conv2d(before, after, size, s, size // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(after))
        self.downsample = conv_norm(c, out, 1, stride) if stride > 1 or c != out else None

    def forward(self, x):
        y = x
        for i in range(1, self.count + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            y = functional.relu(y) if i < self.count else y
        return functional.relu(y + (self.downsample(x) if self.downsample else x))


class TorchResNet(nn.Module):
    def __init__(self, classes, blocks, width=64, bottleneck=False):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        c, stages = width, OrderedDict()
        for stage, count in enumerate(blocks):
            made = []
            for block in range(count):
                made.append(TorchBlock(c, width * 2**stage, 2 if stage and not block else 1, bottleneck))
                c = width * 2**stage * (4 if bottleneck else 1)
            stages[f"layer{stage + 1}"] = nn.Sequential(*made)
        for name, made in stages.items():
            setattr(self, name, made)
        self.fc = nn.Linear(c, classes)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.fc(x.mean((2, 3)))


class TorchVGG(nn.Module):
    def __init__(self, classes, convolutions, channels=(64, 128, 256, 512, 512), dense=(4096, 4096)):
        super().__init__()
        layers, c = [], 3
        for count, width in zip(convolutions, channels, strict=True):
            for _ in range(count):
                layers += [nn.Conv2d(c, width, 3, padding=1), nn.ReLU()]
                c = width
            layers.append(nn.MaxPool2d(2))
        self.features, self.avgpool = nn.Sequential(*layers), nn.AdaptiveAvgPool2d(7)
        layers, c = [], 49 * c
        for width in dense:
            layers += [nn.Linear(c, width), nn.ReLU(), nn.Dropout()]
            c = width
        self.classifier = nn.Sequential(*layers, nn.Linear(c, classes))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class TorchInverted(nn.Module):
    def __init__(self, c, o, expansion, stride):
        super().__init__()
        wide, self.residual = c * expansion, stride == 1 and c == o
        self.conv = nn.Sequential(
            *([conv_norm(c, wide, 1, act=nn.ReLU6)] if expansion > 1 else []),
            conv_norm(wide, wide, 3, stride, groups=wide, act=nn.ReLU6),
            nn.Conv2d(wide, o, 1, bias=False),
            nn.BatchNorm2d(o),
        )

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class TorchMobileNetV2(nn.Module):
    def __init__(self, classes, stages, stem=32, head=1280):
        super().__init__()
        layers, c = [conv_norm(3, stem, 3, 2, act=nn.ReLU6)], stem
        for expansion, o, blocks, stride in stages:
            for block in range(blocks):
                layers.append(TorchInverted(c, o, expansion, 1 if block else stride))
                c = o
        self.features = nn.Sequential(*layers, conv_norm(c, head, 1, act=nn.ReLU6))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(head, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class TorchSqueezeExcite(nn.Module):
    def __init__(self, c, squeezed):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(c, squeezed, 1), nn.Conv2d(squeezed, c, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(functional.silu(self.fc1(x.mean((2, 3), keepdim=True)))))


class TorchMBConv(nn.Module):
    def __init__(self, c, o, expansion, size, stride):
        super().__init__()
        wide, self.residual = c * expansion, stride == 1 and c == o
        self.block = nn.Sequential(
            *([conv_norm(c, wide, 1, act=nn.SiLU)] if expansion > 1 else []),
            conv_norm(wide, wide, size, stride, groups=wide, act=nn.SiLU),
            TorchSqueezeExcite(wide, max(1, c // 4)),
            conv_norm(wide, o, 1),
        )

    def forward(self, x):
        return x + self.block(x) if self.residual else self.block(x)


class TorchEfficientNet(nn.Module):
    def __init__(self, classes, stages, stem=32, head=1280):
        super().__init__()
        layers, c = [conv_norm(3, stem, 3, 2, act=nn.SiLU)], stem
        for expansion, size, stride, o, blocks in stages:
            made = []
            for block in range(blocks):
                made.append(TorchMBConv(c, o, expansion, size, 1 if block else stride))
                c = o
            layers.append(nn.Sequential(*made))
        self.features = nn.Sequential(*layers, conv_norm(c, head, 1, act=nn.SiLU))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(head, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


NARROW = {"channels": (4, 8, 12, 16, 20), "dense": (24, 16)}
SMALL = {
    "ResNet-18": (ResNet(CLASSES, BLOCKS[18], 8, stem="imagenet"), lambda: TorchResNet(CLASSES, BLOCKS[18], 8)),
    "ResNet-50": (
        ResNet(CLASSES, BLOCKS[50], 4, bottleneck=True, stem="imagenet"),
        lambda: TorchResNet(CLASSES, BLOCKS[50], 4, bottleneck=True),
    ),
    "VGG-16": (VGG(CLASSES, CONVOLUTIONS[16], **NARROW), lambda: TorchVGG(CLASSES, CONVOLUTIONS[16], **NARROW)),
    "MobileNetV2": (
        MobileNetV2(CLASSES, SMALL_INVERTED, stem=16, head=32),
        lambda: TorchMobileNetV2(CLASSES, SMALL_INVERTED, 16, 32),
    ),
    "EfficientNet": (
        EfficientNet(CLASSES, SMALL_STAGES, stem=16, head=32),
        lambda: TorchEfficientNet(CLASSES, SMALL_STAGES, 16, 32),
    ),
}
WHOLE = {
    **{
        f"ResNet-{depth}": (resnet(depth), lambda depth=depth: TorchResNet(1000, BLOCKS[depth], 64, depth >= 50))
        for depth in BLOCKS
    },
    **{f"VGG-{depth}": (vgg(depth), lambda depth=depth: TorchVGG(1000, CONVOLUTIONS[depth])) for depth in CONVOLUTIONS},
    "MobileNetV2": (mobilenet_v2(), lambda: TorchMobileNetV2(1000, INVERTED)),
    "EfficientNet-B0": (efficientnet(0), lambda: TorchEfficientNet(1000, STAGES)),
}


def randomised(model):
    """Every parameter and running statistic at random, so that none can take the place of another."""
    random = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.running_var):
                tensor.uniform_(0.5, 1.5, generator=random)
            for tensor in (module.bias.data, module.running_mean):
                tensor.normal_(0, 0.2, generator=random)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            fan_in = module.weight[0].numel()
            module.weight.data.normal_(0, (2 / fan_in) ** 0.5, generator=random)
            if module.bias is not None:
                module.bias.data.normal_(0, 0.1, generator=random)
    return model.eval()


@pytest.fixture(scope="module", params=SMALL)
def twins(request, tmp_path_factory):
    """(our model, its params and state out of PyTorch's file, PyTorch's model, images NHWC)."""
    ours, theirs = SMALL[request.param]
    torch.manual_seed(0)
    model = randomised(theirs())
    path = tmp_path_factory.mktemp("weights") / "theirs.safetensors"
    safetensors.write(path, {name: tensor.numpy() for name, tensor in model.state_dict().items()})
    params, model_state = pretrained.load(path, ours, (SIZE, SIZE, 3))
    images = np.random.default_rng(0).normal(size=(3, SIZE, SIZE, 3)).astype(np.float32)
    return ours, params, model_state, model, images


def test_the_logits_are_pytorch_s(twins):
    ours, params, model_state, model, images = twins
    with torch.no_grad():
        expected = model(torch.tensor(images.transpose(0, 3, 1, 2).copy())).numpy()
    logits = jax.jit(ours.apply)({"params": params, **model_state}, jnp.asarray(images))
    assert np.ptp(expected, 0).max() > 0.1  # the network tells the images apart
    np.testing.assert_allclose(logits, expected, atol=1e-4 * max(1, np.abs(expected).max()))


def test_the_gradients_are_pytorch_s(twins, tmp_path):
    ours, params, model_state, model, images = twins
    labels = np.array([0, 3, 4])

    def cost(params):
        logits = ours.apply({"params": params, **model_state}, jnp.asarray(images))
        return jax.vmap(cross_entropy)(logits, jnp.asarray(labels)).mean()

    pretrained.save(tmp_path / "gradients", jax.jit(jax.grad(cost))(params), {}, ours)
    found, _ = safetensors.read(tmp_path / "gradients")
    model.zero_grad()
    functional.cross_entropy(model(torch.tensor(images.transpose(0, 3, 1, 2).copy())), torch.tensor(labels)).backward()
    expected = {name: parameter.grad.numpy() for name, parameter in model.named_parameters()}
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        error = np.linalg.norm(found[name] - gradient) / np.linalg.norm(gradient)
        assert error < 1e-3, (name, error)


def test_what_we_save_pytorch_loads(twins, tmp_path):
    ours, params, model_state, model, _ = twins
    pretrained.save(tmp_path / "ours", params, model_state, ours)
    arrays, _ = safetensors.read(tmp_path / "ours")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict({name: torch.tensor(array.copy()) for name, array in arrays.items()})
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize("name", WHOLE)
def test_the_whole_network_has_pytorch_s_names_and_shapes(name):
    ours, theirs = WHOLE[name]
    with torch.device("meta"):
        expected = {key: tuple(tensor.shape) for key, tensor in theirs().state_dict().items()}
    expected = {key: shape for key, shape in expected.items() if not key.endswith("num_batches_tracked")}
    assert pretrained.names_and_shapes(ours, (224, 224, 3)) == expected
