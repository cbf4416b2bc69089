"""What devices tell each other in a training step: by formula, in the compiled program, and projected to real pods.

    python -m benchmarks.scaling

Compiles steps of Transformer language models of two sizes for eight devices forced out of one CPU, counts the
collectives in the program and the bytes each device sends in them, and prints them beside the formulas of
docs/scaling.md. Then the projection: step times of larger models from published peaks and bandwidths, nothing measured.
About 40 s.
"""

import math
import os
import re
from collections import Counter
from dataclasses import dataclass

import jax
import numpy as np

from jaxdl.models.language_model import language_model
from jaxdl.models.transformer import Size, TransformerLM
from jaxdl.optim.chain import Chain
from jaxdl.task import Task
from jaxdl.train import step as steps
from jaxdl.train.loop import creation
from jaxdl.train.parallel import Runner
from jaxdl.train.sharding import make_mesh

KINDS = "all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute"
ITEM = {"f64": 8, "f32": 4, "bf16": 2, "s32": 4, "u32": 4, "pred": 1}
MESHES = ("data=8", "data=1,fsdp=8", "data=2,fsdp=4", "data=4,tensor=2")
BATCH, LENGTH, VOCABULARY = 32, 64, 256


@dataclass(frozen=True)
class Collective:
    """One of them: how many devices take part, and the bytes of its result, or of what it reduces and scatters."""

    kind: str
    devices: int
    size: int

    @property
    def sent(self) -> float:
        """Bytes that each device sends when they pass parts around in a ring (Patarasuk and Yuan, 2009)."""
        share = (self.devices - 1) / self.devices
        return {"all-reduce": 2 * share, "collective-permute": 1.0}.get(self.kind, share) * self.size


def collectives(program: str) -> list[Collective]:
    """Those of a compiled program, as its text has them."""
    found = []
    for line in program.splitlines():
        op = re.search(rf"= (.*?) ({KINDS})(?:-start)?\(", line)
        if op:
            shape, kind = op.groups()
            devices = _group(line)
            scattered = devices if kind == "reduce-scatter" else 1
            found.append(Collective(kind, devices, scattered * _bytes(shape)))
    return found


def _group(line: str) -> int:
    """How many devices are in each of its groups.

    `[4,2]<=[8]` is four groups of two, `{{0,1},{2,3}}` two of two, `mesh['x'=4,'y'=2] {'x'}` two of four.
    """
    if named := re.search(r"replica_groups=mesh\[([^\]]*)\][^{]*\{([^}]*)\}", line):
        sizes = dict(re.findall(r"'(\w+)'=(\d+)", named.group(1)))
        return math.prod(int(sizes[axis]) for axis in re.findall(r"\w+", named.group(2)))
    if dense := re.search(r"replica_groups=\[\d+,(\d+)\]", line):
        return int(dense.group(1))
    listed = re.search(r"replica_groups=\{\{([\d,]+)\}", line)
    return len(listed.group(1).split(",")) if listed else jax.device_count()


def _bytes(shape: str) -> int:
    """Of `f32[4,8]{1,0}`, or of several in brackets."""
    parts = re.findall(r"(\w+)\[([\d,]*)\]", shape)
    return sum(ITEM[kind] * math.prod(map(int, sizes.split(","))) if sizes else ITEM[kind] for kind, sizes in parts)


def compiled(task: Task, mesh: str) -> str:
    """The text of the step's program on this mesh."""
    like = jax.eval_shape(creation(task), jax.random.key(0))
    runner = Runner(make_mesh(mesh)).over(like, task.sharding)
    state = jax.tree.map(lambda x, at: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=at), like, runner.placed)
    step = runner.bind(steps.make_step(runner.gathered(task.loss), task.optimizer), donate=True)
    lowered = step.lower(state, next(task.train.iterate(0)))  # type: ignore[attr-defined]
    return lowered.compile().as_text()


def formula(parameters: int, named: int, size: Size, data: int, fsdp: int, tensor: int) -> float:
    """Bytes that each device sends in a step, in float32, as XLA compiles it for a CPU: gradients are summed whole.

    named  parameters that the model's sharding names, of which each device of `tensor` has its part

    The gradient of the table of symbols is summed in two parts, as input and as output.
    """
    held = 4 * (parameters - named + named / tensor)
    table = 4 * VOCABULARY * size.width / tensor
    activations = 4 * BATCH / (data * fsdp) * LENGTH * size.width
    gather = (fsdp - 1) / fsdp * held
    reduce = 2 * (data * fsdp - 1) / (data * fsdp) * (held + table)
    split = (4 * size.layers + 2) * 2 * (tensor - 1) / tensor * activations
    return gather + reduce + split


def make_task(size: Size) -> Task:
    """A language model on random tokens."""
    tokens = np.random.default_rng(0).integers(0, VOCABULARY, 8 * BATCH * LENGTH).astype(np.int32)
    model = TransformerLM(VOCABULARY, size)
    return language_model(model, {"train": tokens}, Chain("adam"), 1.0, batch_size=BATCH, length=LENGTH)


SIZES = (
    Size(layers=2, width=64, heads=4, hidden=256, norm="pre"),
    Size(layers=4, width=128, heads=4, hidden=512, norm="pre"),
)


def compare(size: Size, mesh: str) -> tuple[dict[str, int], float, float]:
    """(collectives in the program, bytes sent as it says, bytes sent by formula)."""
    task = make_task(size)
    found = collectives(compiled(task, mesh))
    params = jax.eval_shape(task.init, jax.random.key(0))[0]
    parameters = sum(math.prod(x.shape) for x in jax.tree.leaves(params))
    layer = 4 * size.width**2 + 3 * size.width + 2 * size.width * size.hidden + size.hidden
    named = VOCABULARY * size.width + size.layers * layer
    shape = make_mesh(mesh).shape
    expected = formula(parameters, named, size, shape["data"], shape["fsdp"], shape["tensor"])
    return dict(Counter(one.kind for one in found)), sum(one.sent for one in found), expected


@dataclass(frozen=True)
class Chip:
    """Published numbers of one chip: operations a second in bfloat16, and bytes a second it sends to its neighbours."""

    name: str
    peak: float
    links: float


CHIPS = (
    Chip("TPU v5e", 197e12, 100e9),
    Chip("TPU v5p", 459e12, 300e9),
    Chip("TPU v6e", 918e12, 224e9),
    Chip("H100 SXM", 989e12, 450e9),
    Chip("H200 SXM", 989e12, 450e9),
)
"""Google Cloud's pages of each TPU (interconnect 1,600, 4,800 and 3,584 Gbit/s, both ways together) and NVIDIA's
datasheets (NVLink 900 GB/s, both ways together): half of it is sent."""

UTILISATION = 0.4
"""The share of its peak that a chip is assumed to reach between collectives. An assumption, not a measurement."""


def project(chip: Chip, parameters: float, tokens: int, chips: int) -> tuple[float, float]:
    """(seconds of arithmetic, seconds of sending) of a step in bfloat16 of a model all of whose layers are dense.

    6 operations a parameter and token (Kaplan et al., 2020); under fsdp, gradients and parameters sent once each.
    """
    arithmetic = 6 * parameters * tokens / chips / (chip.peak * UTILISATION)
    return arithmetic, 2 * (chips - 1) / chips * 2 * parameters / chip.links


def main() -> None:
    print("| layers × width | mesh | collectives in the program | sent by each device, MB | by formula | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for size in SIZES:
        for mesh in MESHES:
            kinds, found, expected = compare(size, mesh)
            counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
            numbers = f"{found / 1e6:.2f} | {expected / 1e6:.2f} | {found / expected:.2f}"
            print(f"| {size.layers} × {size.width} | `{mesh}` | {counts} | {numbers} |")
    print("\nProjection, nothing measured: milliseconds a step on 8 chips, arithmetic / sending, bfloat16, fsdp=8")
    models = (("65 million parameters, 64 × 512 tokens", 65e6, 2**15), ("1.3 billion, 256 × 2,048", 1.3e9, 2**19))
    print("| chip | " + " | ".join(name for name, *_ in models) + " |")
    print("| --- | --- | --- |")
    for chip in CHIPS:
        times = [project(chip, parameters, tokens, 8) for _, parameters, tokens in models]
        print(f"| {chip.name} | " + " | ".join(f"{1e3 * a:.1f} / {1e3 * b:.1f}" for a, b in times) + " |")


if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"
    os.environ["JAX_PLATFORMS"] = "cpu"
    main()
