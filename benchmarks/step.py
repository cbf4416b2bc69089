"""Times a training step: against a loop written by hand, against PyTorch, and from a cold start.

    python -m benchmarks.step [--quick] [--only a|b|c|d]

Contenders take turns in short blocks, and a ratio is always of two blocks that ran one after the other. Each line gives
the smallest, the median and the largest; the bar is held against the median. About 15 minutes; --quick: 3.
"""

import argparse
import contextlib
import importlib.util
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.contenders import ByHand, Contender, PyTorch, our_step, per_example_gradients
from benchmarks.tasks import TEXTS, WORKS, make_task, make_text_task
from benchmarks.turns import fit_in_turns, take_turns
from jaxdl.train.memory import keep_freed_memory

THREADS = (1, 2)
LAUNCHES = 3  # PyTorch's speed differs by a third from one process to the next: where its memory lies, perhaps


def row(what: str, unit: str, values: Sequence[float] | np.ndarray, bar: str = "") -> str:
    """One line of the table; `bar` is such as "≤ 1.03", held against the median."""
    low, middle, high = np.min(values), np.median(values), np.max(values)
    met = ""
    if bar:
        sign, bound = bar.split()
        met = "met" if (middle <= float(bound) if sign == "≤" else middle >= float(bound)) else "short"
    return f"{what:<64} {unit:<3} {low:>8.2f} {middle:>8.2f} {high:>8.2f}   {bar:<7} {met}".rstrip()


def fit_against_by_hand(turns: int) -> Iterator[str]:
    """(a) What `fit` adds to a hand-written loop over the same arrays, which looks at each loss one step late."""
    for name in ("no-op", "lenet5", "mlp"):
        work = WORKS[name]
        task = make_task(work, steps=1)
        ours, theirs, _ = fit_in_turns(task, ByHand(work, task), work.block, turns)
        if name == "no-op":
            yield row("a  no-op by hand", "µs", theirs * 1e6)
            yield row("a  no-op, fit − by hand", "µs", (ours - theirs) * 1e6, "≤ 10")
        else:
            yield row(f"a  {name} by hand", "ms", theirs * 1e3)
            yield row(f"a  {name}, time of fit ∕ by hand", "×", ours / theirs, "≤ 1.03")


def step_against_pytorch(turns: int) -> Iterator[str]:
    """(b) Our step and PyTorch's eager one, with Adam, on one batch in memory.

    The bar is held against PyTorch as one writes it first. `tuned` has the fused Adam, images in channels_last, and
    keeps freed memory as we do.
    """
    for name, bar in (("lenet5", "≥ 1.3"), ("mlp", "≥ 3"), ("resnet20", "≥ 1.3"), ("mobilenet", "≥ 1.3")):
        yield from _against_pytorch(f"b  {name}", our_step(make_task(WORKS[name], steps=1)), name, turns, bar)
    for name in TEXTS:
        yield from _against_pytorch(f"b  {name}", our_step(make_text_task(TEXTS[name])), name, turns, "≥ 1.2")


def per_example_against_pytorch(turns: int) -> Iterator[str]:
    """(d) A gradient for each of 128 examples, vmap(grad), against torch.func's."""
    for name in ("lenet5", "mlp"):
        ours = per_example_gradients(make_task(WORKS[name], steps=1))
        yield from _against_pytorch(f"d  {name} per example", ours, name, turns, kinds=("per-example",), block=3)


def _against_pytorch(
    what: str,
    ours: Contender,
    name: str,
    turns: int,
    bar: str = "",
    kinds: Sequence[str] = ("step", "tuned"),
    block: int = 0,
) -> Iterator[str]:
    """Our time, and PyTorch's by it: of each kind with the better number of threads, all in the same turns."""
    launches, work = [], (WORKS | TEXTS)[name]
    for _ in range(LAUNCHES):
        with contextlib.ExitStack() as stack:
            peers = {
                f"{kind} {threads}": stack.enter_context(PyTorch(name, kind, work.batch_size, threads))
                for kind in kinds
                for threads in THREADS
            }
            launches.append(take_turns({"ours": ours, **peers}, block or work.block, turns // LAUNCHES))
    times = {who: np.concatenate([launch[who] for launch in launches]) for who in launches[0]}
    yield row(f"{what} in jaxdl", "ms", times["ours"] * 1e3)
    for kind in kinds:
        best = min((f"{kind} {threads}" for threads in THREADS), key=lambda peer: np.median(times[peer]))
        yield row(f"{what}, PyTorch ({best} threads) ∕ jaxdl", "×", times[best] / times["ours"], bar * (kind == "step"))


def first_step(turns: int) -> Iterator[str]:
    """(c) From the start of the process to the end of the first step of experiments.vision.lenet5."""
    from experiments.vision.lenet5 import Config, build

    build(Config())  # prepares the digits, should they not be
    cold, warm = [], []
    for _ in range(turns):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(_seconds_to_first_step(cache))
            warm.append(_seconds_to_first_step(cache))
    yield row("c  first step, cold compile cache", "s", cold)
    yield row("c  first step, warm compile cache", "s", warm)
    yield row("c  first step, cold ∕ warm", "×", np.divide(cold, warm))


def _seconds_to_first_step(cache: str) -> float:
    command = [sys.executable, "-m", "benchmarks.first_step"]
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": cache}
    began = time.monotonic()
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.split()[-1]) - began


def describe_machine() -> str:
    """Cores, load and versions."""
    packages = [p for p in ("jax", "jaxlib", "flax", "optax", "numpy", "torch") if importlib.util.find_spec(p)]
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    info = Path("/proc/cpuinfo")
    models = (
        [line.split(": ")[1] for line in info.read_text().splitlines() if "model name" in line] if info.exists() else []
    )
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()  # the latter on a Mac
    cores = f"{count} cores ({models[0] if models else platform.machine()})"
    return f"{cores}, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, {versions}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.step", description=str(__doc__).splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few turns: a look, not a measurement")
    parser.add_argument("--only", choices=("a", "b", "c", "d"), help="one part")
    flags = parser.parse_args()
    keep_freed_memory()  # as `experiments` does
    turns = 15 if flags.quick else 120
    parts = {
        "a": (fit_against_by_hand, turns),
        "b": (step_against_pytorch, turns),
        "c": (first_step, 1 if flags.quick else 5),
        "d": (per_example_against_pytorch, turns // 2),
    }
    print(describe_machine())
    print(f"{'':<64} {'':<3} {'min':>8} {'median':>8} {'max':>8}   bar")
    for part, (measure, count) in parts.items():
        if flags.only not in (None, part):
            continue
        if part in "bd" and importlib.util.find_spec("torch") is None:
            print(f"{part}  left out: PyTorch is not installed (pip install -e '.[peers]')")
            continue
        for line in measure(count):
            print(line, flush=True)


if __name__ == "__main__":
    main()
