"""Times training steps in bfloat16 on a GPU or TPU: images a second and model FLOP utilisation, beside PyTorch.

    python -m benchmarks.accelerator [--quick] [--only resnet50|lenet5]

LeNet-5 as experiments.vision.lenet5 has it and with large batches, and ResNet-50 on 224 × 224 images; Adam, parameters
in float32, one batch that lies on the card. PyTorch runs on the same card where it finds one (channels_last, autocast,
torch.compile, fused Adam), in a process of its own that waits while it is not its turn.

Model FLOP utilisation is what the model has to compute, 3 × 2 × the multiplications of its forward pass, over what the
card could do in that time. Where no accelerator is, the script says so and measures nothing. --only is one of WORKS.
"""

import argparse
import contextlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import jax
import numpy as np

from benchmarks.contenders import Contender, PyTorch, again
from benchmarks.step import describe_machine, row
from benchmarks.tasks import Work, arrays
from benchmarks.turns import take_turns
from jaxdl.data.batches import Batches
from jaxdl.data.source import Arrays
from jaxdl.losses.classification import cross_entropy
from jaxdl.models.classifier import initialised
from jaxdl.models.cost import multiplications
from jaxdl.models.lenet import LeNet5
from jaxdl.models.resnet import resnet
from jaxdl.optim.chain import Chain
from jaxdl.task import Task
from jaxdl.train import state as states
from jaxdl.train.parallel import Runner
from jaxdl.train.sharding import make_mesh
from jaxdl.train.step import in_precision, make_step
from jaxdl.typing import Mean

PEAKS = {
    "TPU v5 lite": 197e12,  # v5e; Google Cloud, "TPU v5e", peak compute per chip
    "TPU v5e": 197e12,
    "TPU v5": 459e12,  # v5p; Google Cloud, "TPU v5p"
    "TPU v5p": 459e12,
    "TPU v6 lite": 918e12,  # v6e; Google Cloud, "TPU v6e"
    "TPU v6e": 918e12,
    "NVIDIA H100 80GB HBM3": 989e12,  # SXM; NVIDIA, "H100 Tensor Core GPU" datasheet: half of its figure with sparsity
    "NVIDIA H100 NVL": 835e12,
    "NVIDIA H100 PCIe": 756e12,
    "NVIDIA H200": 989e12,  # SXM; NVIDIA, "H200 Tensor Core GPU" datasheet, likewise
    "NVIDIA H200 NVL": 835e12,
}
"""Operations a second in bfloat16, without sparsity, of one chip, by what JAX calls it."""

WORKS = {
    "lenet5": (Work(LeNet5(), (32, 32, 1), 128, block=200), Work(LeNet5(), (32, 32, 1), 4096, block=50)),
    "resnet50": (Work(resnet(50), (224, 224, 3), 256, block=5, classes=1000),),
}


def make_task(work: Work) -> Task:
    """Softmax cross-entropy and Adam on one batch of random images."""
    batch = Batches(Arrays(arrays(work, work.batch_size)), work.batch_size, shuffle=False)

    def loss(params, model_state, example, key):
        variables, image, mask = {"params": params, **model_state}, example["image"], example["mask"]
        logits, state = work.model.apply(variables, image, mask, True, mutable=list(model_state))
        return Mean.of(cross_entropy(logits, example["label"]), mask), (state, {})

    return Task(lambda key: initialised(work.model, key, work.shape), loss, Chain("adam", 1e-3).build(1, 1), batch, 1)


def on_card(task: Task) -> tuple[Contender, Callable[[], states.State]]:
    """(The compiled step of `fit` in bfloat16 on one batch that is already there, what it has come to)."""
    runner = Runner(make_mesh("data=1"))
    step = runner.bind(make_step(in_precision(task.loss, "bfloat16"), task.optimizer), donate=True)
    state = jax.jit(lambda key: states.create(task.init, task.optimizer, key))(jax.random.key(0))
    batch = jax.device_put(next(task.train.iterate(0)))
    return again(step, state, batch)


class PyTorchOnCard(PyTorch):
    """PyTorch on the GPU, in a process of its own."""

    def __init__(self, name: str, examples: int):
        command = [sys.executable, "-m", "benchmarks.torch_cuda", name, str(examples)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def torch_sees_a_gpu() -> bool:
    """Asked in another process: this one must not hold a context that it has no use for."""
    if importlib.util.find_spec("torch") is None:
        return False
    asked = [sys.executable, "-c", "import torch; raise SystemExit(not torch.cuda.is_available())"]
    return subprocess.run(asked, check=False).returncode == 0


def peak_of(kind: str) -> float | None:
    """Of a device by what JAX calls it; None for one that is not in the table."""
    return PEAKS.get(kind)


def utilisation(images_per_second: np.ndarray, work: Work, peak: float) -> np.ndarray:
    """The share of the peak that the model's own operations come to: 2 a multiplication, and backward twice forward.

    Source: Chowdhery et al. (2022), "PaLM", appendix B.
    """
    return images_per_second * 3 * 2 * multiplications(work.model, work.shape) / peak


def compared(name: str, work: Work, turns: int, peak: float | None, torch: bool) -> Iterator[str]:
    """The rows of one network and batch size."""
    contenders = {"jaxdl": on_card(make_task(work))[0]}
    with contextlib.ExitStack() as stack:
        if torch:
            peer = stack.enter_context(PyTorchOnCard(name, work.batch_size))
            try:
                peer(1)
                contenders["PyTorch"] = peer
            except (ValueError, BrokenPipeError):  # it has ended, and said above why
                yield f"{name}, batch {work.batch_size}: PyTorch left out, its process ended"
        times = take_turns(contenders, work.block, turns)
    for who, seconds in times.items():
        speed = work.batch_size / seconds
        yield row(f"{name}, batch {work.batch_size}, {who}: 1000 images a second", "k/s", speed / 1e3)
        if peak:
            yield row(f"{name}, batch {work.batch_size}, {who}: of the peak", "%", 100 * utilisation(speed, work, peak))
    if "PyTorch" in times:
        ratio = times["PyTorch"] / times["jaxdl"]
        yield row(f"{name}, batch {work.batch_size}: time of PyTorch ∕ jaxdl", "×", ratio)


def main() -> None:
    """Prints the table, or that there is nothing to measure on."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accelerator", description=str(__doc__).splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few turns: a look, not a measurement")
    parser.add_argument("--only", choices=tuple(WORKS), help="one network")
    flags = parser.parse_args()
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # PyTorch needs memory of the same card
    device = jax.devices()[0]
    if device.platform == "cpu":
        print("no accelerator: JAX finds only a CPU here, so nothing was measured")
        return
    peak, torch = peak_of(device.device_kind), device.platform in ("gpu", "cuda") and torch_sees_a_gpu()
    print(f"{describe_machine()}; one {device.device_kind}")
    print(f"peak {peak / 1e12:.0f} TFLOP/s in bfloat16" if peak else "its peak is not in the table: no utilisation")
    if not torch:
        print("PyTorch left out: it is not installed here, or sees no GPU")
    print(f"{'':<64} {'':<3} {'min':>8} {'median':>8} {'max':>8}")
    for name, works in WORKS.items():
        for work in works if flags.only in (None, name) else ():
            for line in compared(name, work, 5 if flags.quick else 30, peak, torch):
                print(line, flush=True)


if __name__ == "__main__":
    main()
