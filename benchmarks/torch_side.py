"""The same models in PyTorch, and a process that runs so many steps for each number on its input.

python -m benchmarks.torch_side lenet5|mlp step|fused|per-example THREADS
"""

import sys
from collections.abc import Callable
from time import perf_counter

import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy


def lenet5() -> nn.Sequential:
    """LeNet-5 as `jaxdl.models.lenet` has it."""
    features = [nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(
        *features, nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
    )


def mlp() -> nn.Sequential:
    """784-256-128-10."""
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


MODELS: dict[str, tuple[Callable[[], nn.Sequential], tuple[int, ...]]] = {
    "lenet5": (lenet5, (1, 32, 32)),
    "mlp": (mlp, (784,)),
}


def training_step(
    model: nn.Module, image: torch.Tensor, label: torch.Tensor, fused: bool = False
) -> Callable[[], object]:
    """Forward, backward, Adam."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=fused or None)

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(model(image), label).backward()
        optimizer.step()

    return step


def per_example(model: nn.Module, image: torch.Tensor, label: torch.Tensor) -> Callable[[], object]:
    """A gradient of its own for each example."""
    params = {name: value.detach() for name, value in model.named_parameters()}

    def loss(params: dict[str, torch.Tensor], image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return cross_entropy(functional_call(model, params, (image[None],)), label[None])

    gradients = vmap(grad(loss), (None, 0, 0))
    return lambda: gradients(params, image, label)


def main(name: str, what: str, threads: str) -> None:
    """Answers each number of steps with the seconds they took."""
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    make, shape = MODELS[name]
    image, label = torch.randn(128, *shape), torch.randint(0, 10, (128,))
    step = (
        per_example(make(), image, label)
        if what == "per-example"
        else training_step(make(), image, label, what == "fused")
    )
    for line in sys.stdin:
        began = perf_counter()
        for _ in range(int(line)):
            step()
        print(perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
