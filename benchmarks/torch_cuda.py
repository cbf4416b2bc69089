"""LeNet-5 and ResNet-50 in PyTorch on a GPU, and a process that runs so many steps for each number on its input.

python -m benchmarks.torch_cuda MODEL EXAMPLES
"""

import sys
from collections.abc import Callable
from time import perf_counter

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.torch_side import lenet5

BLOCKS = (3, 4, 6, 3)


class Bottleneck(nn.Module):
    """1×1, 3×3 with the stride, 1×1 to four times the width, and a shortcut, projected where the shape changes."""

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        outputs = 4 * width
        self.layers = nn.Sequential(
            *conv_norm(inputs, width, 1), nn.ReLU(inplace=True),
            *conv_norm(width, width, 3, stride), nn.ReLU(inplace=True),
            *conv_norm(width, outputs, 1),
        )  # fmt: skip
        changes = stride > 1 or inputs != outputs
        self.shortcut = nn.Sequential(*conv_norm(inputs, outputs, 1, stride)) if changes else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.layers(x) + self.shortcut(x)).relu_()


def conv_norm(inputs: int, outputs: int, size: int, stride: int = 1) -> list[nn.Module]:
    """Convolution without bias, batch normalisation."""
    return [nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs)]


def resnet50() -> nn.Sequential:
    """ResNet-50 as `jaxdl.models.resnet` has it: 25,557,032 parameters."""
    layers: list[nn.Module] = [*conv_norm(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, count in enumerate(BLOCKS):
        width = 64 * 2**stage
        for block in range(count):
            layers.append(Bottleneck(inputs, width, 2 if stage and block == 0 else 1))
            inputs = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000))


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "lenet5": (lenet5, (1, 32, 32), 10),
    "resnet50": (resnet50, (3, 224, 224), 1000),
}


def training_step(model: nn.Module, image: torch.Tensor, label: torch.Tensor) -> Callable[[], object]:
    """Forward and backward in bfloat16 where autocast allows it, compiled; Adam in float32, fused."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    compiled = torch.compile(model)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16):
            loss = cross_entropy(compiled(image), label)
        loss.backward()
        optimizer.step()

    return step


def main(name: str, examples: str) -> None:
    """Answers each number of steps with the seconds they took."""
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    make, shape, classes = MODELS[name]
    image = torch.randn(int(examples), *shape, device="cuda").to(memory_format=torch.channels_last)
    label = torch.randint(0, classes, (int(examples),), device="cuda")
    model = make().to("cuda", memory_format=torch.channels_last)
    step = training_step(model, image, label)
    for line in sys.stdin:
        torch.cuda.synchronize()
        began = perf_counter()
        for _ in range(int(line)):
            step()
        torch.cuda.synchronize()
        print(perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
