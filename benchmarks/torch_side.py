"""The same models in PyTorch, and a process that runs so many steps for each number on its input.

python -m benchmarks.torch_side MODEL step|tuned|many|per-example EXAMPLES THREADS

MODEL is one of MODELS. `step` is what one writes first: eager, the default Adam, images channels first. `tuned` has the
fused Adam and images in `channels_last`. `many` is `tuned` of 64 models at once, torch.func's vmap over their weights.
"""

import sys
from collections.abc import Callable
from time import perf_counter

import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn.functional import cross_entropy, pad


def lenet5() -> nn.Sequential:
    """LeNet-5 as `jaxdl.models.lenet` has it."""
    features = [nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(
        *features, nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
    )


def mlp() -> nn.Sequential:
    """784-256-128-10."""
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut, which is padded with zero channels where the sizes differ (option A)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.stride, self.missing = stride, outputs - inputs
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu_()))
        if self.missing:
            half = self.missing // 2
            x = pad(x[..., :: self.stride, :: self.stride], (0, 0, 0, 0, half, self.missing - half))
        return (x + y).relu_()


def resnet20() -> nn.Sequential:
    """The CIFAR ResNet-20 as `jaxdl.models.resnet` has it."""
    first = [ResidualBlock(i, o, s) for i, o, s in ((16, 16, 1), (16, 32, 2), (32, 64, 2))]
    blocks = [block for one in first for block in (one, *(ResidualBlock(n, n, 1) for n in 2 * [one.bn1.num_features]))]
    stem = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class InvertedResidual(nn.Module):
    """1×1 to `expansion` times the channels, depthwise 3×3, 1×1 to few; plus x where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int):
        super().__init__()
        wide = inputs * expansion
        expand = conv_norm(inputs, wide, 1) if expansion > 1 else []
        self.layers = nn.Sequential(*expand, *conv_norm(wide, wide, 3, stride, wide), *conv_norm(wide, outputs, 1)[:2])
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x) if self.shortcut else self.layers(x)


def conv_norm(inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Convolution, batch normalisation, ReLU6."""
    conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True)]


def mobilenet() -> nn.Sequential:
    """The small MobileNet v2 of `jaxdl.models.mobilenet`."""
    rows = ((16, 16, 1, 1), (16, 24, 4, 2), (24, 24, 4, 1), (24, 32, 4, 2), (32, 32, 4, 1))
    blocks = [InvertedResidual(*row) for row in rows]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(128, 10)]
    return nn.Sequential(*conv_norm(1, 16, 3), *blocks, *conv_norm(32, 128, 1), *head)


def small_mlp() -> nn.Sequential:
    """64-32-10."""
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


class LSTMLanguageModel(nn.Module):
    """Embedding 64, LSTM 256, 96 symbols."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.lstm, self.output = (
            nn.Embedding(96, 64),
            nn.LSTM(64, 256, batch_first=True),
            nn.Linear(256, 96),
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        start = (torch.zeros(1, len(tokens), 256), torch.zeros(1, len(tokens), 256))
        return self.output(self.lstm(self.embed(tokens), start)[0]).transpose(1, 2)


class TransformerLanguageModel(nn.Module):
    """Four layers of width 128 with 4 heads, norm first, PyTorch's fused attention."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(128, 4, 512, 0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 4, nn.LayerNorm(128), enable_nested_tensor=False)
        self.embed = nn.Embedding(96, 128)
        self.register_buffer("places", torch.randn(128, 128))
        self.register_buffer("future", nn.Transformer.generate_square_subsequent_mask(128))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embed(tokens) * 128**0.5 + self.places
        return (self.layers(x, self.future, is_causal=True) @ self.embed.weight.T).transpose(1, 2)


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "lenet5": (lenet5, (1, 32, 32)),
    "mlp": (mlp, (784,)),
    "small-mlp": (small_mlp, (64,)),
    "resnet20": (resnet20, (3, 32, 32)),
    "mobilenet": (mobilenet, (1, 16, 16)),
    "lstm-lm": (LSTMLanguageModel, (128,)),
    "transformer-lm": (TransformerLanguageModel, (128,)),
}


def training_step(
    model: nn.Module, image: torch.Tensor, label: torch.Tensor, tuned: bool = False
) -> Callable[[], object]:
    """Forward, backward, Adam."""
    if tuned and image.ndim == 4:
        model, image = model.to(memory_format=torch.channels_last), image.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=tuned or None)

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(model(image), label).backward()
        optimizer.step()

    return step


def many_training_steps(
    make: Callable[[], nn.Module], x: torch.Tensor, label: torch.Tensor, count: int = 64
) -> Callable[[], object]:
    """One step of so many models as one: forward, backward, Adam, with one learning rate for all."""
    models = [make() for _ in range(count)]
    params = {name: value.detach().requires_grad_() for name, value in stack_module_state(models)[0].items()}
    optimizer = torch.optim.Adam(params.values(), lr=1e-3, fused=True)

    def cost(params: dict[str, torch.Tensor]) -> torch.Tensor:
        return cross_entropy(functional_call(models[0], params, (x,)), label)

    def step() -> None:
        optimizer.zero_grad()
        vmap(cost)(params).sum().backward()
        optimizer.step()

    return step


def per_example(model: nn.Module, image: torch.Tensor, label: torch.Tensor) -> Callable[[], object]:
    """A gradient of its own for each example."""
    params = {name: value.detach() for name, value in model.named_parameters()}

    def loss(params: dict[str, torch.Tensor], image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return cross_entropy(functional_call(model, params, (image[None],)), label[None])

    gradients = vmap(grad(loss), (None, 0, 0))
    return lambda: gradients(params, image, label)


def main(name: str, what: str, examples: str, threads: str) -> None:
    """Answers each number of steps with the seconds they took."""
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    make, shape = MODELS[name]
    image, label = torch.randn(int(examples), *shape), torch.randint(0, 10, (int(examples),))
    if name.endswith("-lm"):
        image, label = torch.randint(0, 96, (2, int(examples), *shape))
    if what == "per-example":
        step = per_example(make(), image, label)
    elif what == "many":
        step = many_training_steps(make, image, label)
    else:
        step = training_step(make(), image, label, what == "tuned")
    for line in sys.stdin:
        began = perf_counter()
        for _ in range(int(line)):
            step()
        print(perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
