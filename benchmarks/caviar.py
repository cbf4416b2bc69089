"""Times many models as one program: against as many runs, a warm step in a loop, and PyTorch.

    python -m benchmarks.caviar [--quick]

(i)   64 trainings as a user pays for them, from the start of the process: one program, and single runs one after the
      other, of which `RUNS` are timed and the rest counted as the same.
(ii)  steps alone: one step of 64 models against 64 warm jitted steps of one, by the size of the network.
(iii) the same sweep in PyTorch: 64 models, one step each, in a loop; and as one, by torch.func's vmap, Adam fused.

Contenders take turns. About 4 minutes; --quick: 1.
"""

import argparse
import contextlib
import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks.contenders import Contender, PyTorch, our_step
from benchmarks.step import describe_machine, row
from benchmarks.turns import take_turns
from jaxdl.data.batches import Batches
from jaxdl.data.source import Arrays
from jaxdl.losses.classification import cross_entropy
from jaxdl.models.classifier import initialised
from jaxdl.models.mlp import MLP
from jaxdl.optim.chain import Chain, Varied
from jaxdl.task import Task
from jaxdl.train.memory import keep_freed_memory
from jaxdl.train.settings import Run
from jaxdl.tune.caviar import caviar
from jaxdl.typing import Mean

MODELS, RUNS = 64, 3
RATES = np.geomspace(1e-4, 1e-2, MODELS).astype(np.float32)

SIZES = {
    "64-32-10, batch 16": ((64, 32, 10), 16),
    "64-32-10, batch 64": ((64, 32, 10), 64),
    "64-128-10, batch 64": ((64, 128, 10), 64),
    "784-256-128-10, batch 64": ((784, 256, 128, 10), 64),
}


def make_task(widths: tuple[int, ...], batch_size: int, values: Mapping[str, object], steps: int = 200) -> Task:
    """Softmax cross-entropy and Adam of an MLP on random rows."""
    random = np.random.default_rng(0)
    rows: dict[str, np.ndarray] = {"x": random.standard_normal((1024, widths[0]), dtype=np.float32)}
    rows["label"] = random.integers(0, widths[-1], 1024, dtype=np.int32)
    train, model = Batches(Arrays(rows), batch_size, remainder="drop"), MLP(widths)

    def loss(params, model_state, example, key):
        logits = model.apply({"params": params}, example["x"])
        return Mean.of(cross_entropy(logits, example["label"]), example["mask"]), (model_state, {})

    optimizer = Varied(Chain("adam"), values).build(steps, train.steps_per_epoch)
    return Task(lambda key: initialised(model, key, (widths[0],)), loss, optimizer, train, steps)


def together(widths: tuple[int, ...], batch_size: int) -> Task:
    """All models as one program."""
    return caviar(lambda values: make_task(widths, batch_size, values), {"learning_rate": RATES})


def one(widths: tuple[int, ...], batch_size: int) -> Task:
    """One of them."""
    return make_task(widths, batch_size, {"learning_rate": RATES[0]})


def train(what: str) -> None:
    """What a process of part (i) does: a whole training of 200 steps."""
    from jaxdl.run import use_compile_cache
    from jaxdl.train.loop import fit

    use_compile_cache()
    task = (together if what == "together" else one)((64, 32, 10), 64)
    with tempfile.TemporaryDirectory() as directory:
        fit(task, Run(Path(directory), mesh="data=1", evaluate_every=10**6, checkpoint_every=10**6, quiet=True))


def as_a_user(turns: int) -> Iterator[str]:
    """(i) Seconds from the start of the process to its end, with a warm compile cache."""

    def seconds(what: str) -> float:
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "benchmarks.caviar", "--train", what], check=True)
        return time.monotonic() - began

    for what in ("together", "one"):
        seconds(what)
    all_at_once, single = [], []
    for _ in range(turns):
        all_at_once.append(seconds("together"))
        single.append(sum(seconds("one") for _ in range(RUNS)) / RUNS)
    yield row(f"i   {MODELS} models of 64-32-10, 200 steps, one program", "s", all_at_once)
    yield row("i   one of them, a run of its own", "s", single)
    ratio = MODELS * np.array(single) / all_at_once
    yield row(f"i   {MODELS} runs ∕ one program", "×", ratio, "≥ 8")


def against_a_loop(turns: int) -> Iterator[str]:
    """(ii) One step of all models, and as many warm steps of one."""
    for name, (widths, batch_size) in SIZES.items():
        large = widths[0] > 64
        contenders = {"together": our_step(together(widths, batch_size)), "loop": our_step(one(widths, batch_size))}
        pairs = _pairs(
            contenders["together"], contenders["loop"], 1 if large else 10, turns if not large else turns // 4
        )
        yield row(f"ii  {name}: a step of {MODELS} models", "ms", pairs[0] * 1e3)
        yield row(
            f"ii  {name}: {MODELS} steps ∕ that", "×", pairs[1] / pairs[0], "≥ 2.5" if name.startswith("64-32") else ""
        )


def _pairs(many: Contender, single: Contender, block: int, turns: int) -> np.ndarray:
    """Seconds of [one step of all, as many steps of one], a column a turn."""
    times = take_turns({"many": many, "single": _of_all(single)}, block, turns)
    return np.stack([times["many"], times["single"]])


def _of_all(single: Contender) -> Contender:
    """So many steps of each of the models, one after the other."""
    return lambda count: single(count * MODELS)


def against_pytorch(turns: int) -> Iterator[str]:
    """(iii) PyTorch's eager step of each of the models in a loop, and of all at once; the better number of threads."""
    if importlib.util.find_spec("torch") is None:
        yield "iii left out: PyTorch is not installed (pip install -e '.[peers]')"
        return
    for name in ("64-32-10, batch 16", "64-32-10, batch 64"):
        widths, batch_size = SIZES[name]
        ours = our_step(together(widths, batch_size))
        with contextlib.ExitStack() as stack:
            peers: dict[str, Contender] = {}
            for threads in (1, 2):
                one = stack.enter_context(PyTorch("small-mlp", "step", batch_size, threads))
                peers[f"loop {threads}"] = _of_all(one)
                peers[f"vmap {threads}"] = stack.enter_context(PyTorch("small-mlp", "many", batch_size, threads))
            times = take_turns({"ours": ours, **peers}, 4, turns)
        for how, bar in (("loop", "≥ 4"), ("vmap", "")):
            best = min((f"{how} {threads}" for threads in (1, 2)), key=lambda peer: np.median(times[peer]))
            yield row(
                f"iii {name}: {MODELS} steps of PyTorch, {how} ∕ a step of {MODELS}",
                "×",
                times[best] / times["ours"],
                bar,
            )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.caviar", description=str(__doc__).splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few turns: a look, not a measurement")
    parser.add_argument("--train", choices=("together", "one"), help=argparse.SUPPRESS)
    flags = parser.parse_args()
    keep_freed_memory()
    if flags.train:
        train(flags.train)
        return
    print(describe_machine())
    print(f"{'':<64} {'':<3} {'min':>8} {'median':>8} {'max':>8}   bar")
    parts = ((as_a_user, 1, 5), (against_a_loop, 4, 40), (against_pytorch, 4, 40))
    for part, quick, full in parts:
        for line in part(quick if flags.quick else full):
            print(line, flush=True)


if __name__ == "__main__":
    main()
