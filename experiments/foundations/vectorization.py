"""Vectorisation: a loop in Python against one call of NumPy or of a compiled JAX function.

    python -m experiments.foundations.vectorization

About 4 s on two CPU cores. Finds: the dot product of 10⁶ floats is 1378 times faster in NumPy than in a loop, and 582
times in jitted JAX; over dot, matrix × vector, exp, log, abs and max NumPy gains 32 to 1378 times and jitted JAX 26 to
2557 times, on a machine that did other work as well (median of 51 runs).
"""

import math
import time
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jaxdl.errors import InputError
from jaxdl.report.style import COLORS, RULE, SIZE, figure, tidy
from jaxdl.run import run

KINDS = {"loop": COLORS["dev"], "NumPy": COLORS["train"], "jitted JAX": COLORS["test"]}


@dataclass(frozen=True)
class Config:
    length: int = 1_000_000
    """Float32 numbers in a vector; the matrix has as many, in `columns` columns."""
    columns: int = 1000
    loop_length: int = 20_000
    """The Python loop runs over this many of them, and its time is scaled up to `length`."""
    repeats: int = 51
    """Rounds; in each round every contender runs once, so that all meet the same disturbances."""


def works(config):
    """{work: {"loop", "NumPy", "jitted JAX": a function without arguments}}. The loop does its share of the numbers."""
    rng = np.random.Generator(np.random.Philox(0))
    x, y = rng.uniform(0.5, 1.5, (2, config.length)).astype(np.float32)
    matrix, vector = x.reshape(-1, config.columns), y[: config.columns]
    x_few, y_few = x[: config.loop_length], y[: config.loop_length]
    matrix_few = matrix[: config.loop_length // config.columns]

    def dot_loop():
        total = 0.0
        for i in range(len(x_few)):
            total += x_few[i] * y_few[i]
        return total

    def matrix_loop():
        product = np.zeros(len(matrix_few))
        for i in range(len(matrix_few)):
            for j in range(len(vector)):
                product[i] += matrix_few[i, j] * vector[j]
        return product

    def each_loop(function):
        out = np.zeros(len(x_few))
        for i in range(len(x_few)):
            out[i] = function(x_few[i])
        return out

    def max_loop():
        largest = x_few[0]
        for i in range(len(x_few)):
            if x_few[i] > largest:
                largest = x_few[i]
        return largest

    def jitted(function, *arrays):
        on_device, compiled = [jnp.asarray(array) for array in arrays], jax.jit(function)
        return lambda: compiled(*on_device).block_until_ready()

    def contenders(loop, numpy, of_jax, *arrays):
        return {"loop": loop, "NumPy": lambda: numpy(*arrays), "jitted JAX": jitted(of_jax, *arrays)}

    return {
        "dot product": contenders(dot_loop, np.dot, jnp.dot, x, y),
        "matrix × vector": contenders(matrix_loop, np.dot, jnp.dot, matrix, vector),
        "exp": contenders(lambda: each_loop(math.exp), np.exp, jnp.exp, x),
        "log": contenders(lambda: each_loop(math.log), np.log, jnp.log, x),
        "abs": contenders(lambda: each_loop(abs), np.abs, jnp.abs, x),
        "max": contenders(max_loop, np.max, jnp.max, x),
    }


def measure(config):
    """Median seconds of every work by every contender, the loop's scaled up to all the numbers.

    Raises InputError for lengths that are no whole rows of the matrix.
    """
    if config.length % config.columns or config.loop_length % config.columns or config.loop_length > config.length:
        raise InputError(
            f"length {config.length} and loop_length {config.loop_length} must be whole rows of {config.columns} "
            "numbers, the second not above the first"
        )
    scale = {"loop": config.length / config.loop_length}
    seconds = {}
    for work, contenders in works(config).items():
        times: dict[str, list] = {kind: [] for kind in contenders}
        for contender in contenders.values():
            contender()  # compiles, and warms the caches
        for _ in range(config.repeats):
            for kind, contender in contenders.items():
                start = time.perf_counter()
                contender()
                times[kind].append(time.perf_counter() - start)
        seconds[work] = {kind: float(np.median(of)) * scale.get(kind, 1.0) for kind, of in times.items()}
    return seconds


def main(config, run):
    seconds = measure(config)
    dot = seconds["dot product"]
    ratios = {kind: [of["loop"] / of[kind] for of in seconds.values()] for kind in ("NumPy", "jitted JAX")}
    findings = [
        f"The dot product of {config.length:,} floats takes a Python loop {1e3 * dot['loop']:.0f} ms, "
        f"NumPy {1e3 * dot['NumPy']:.2f} ms and jitted JAX {1e3 * dot['jitted JAX']:.2f} ms: "
        f"{dot['loop'] / dot['NumPy']:.0f} and {dot['loop'] / dot['jitted JAX']:.0f} times faster.",
        *(
            f"Over the six works {kind} is {min(of):.0f} to {max(of):.0f} times faster than the loop."
            for kind, of in ratios.items()
        ),
        f"The loop indexes NumPy arrays, as the notes do, over {config.loop_length:,} of the numbers, and its time is "
        f"scaled. Medians of {config.repeats} interleaved runs.",
    ]
    caption = f"Python needs up to {max(map(max, ratios.values())):.0f} times as long to do the same work in a loop"
    return findings, {caption: times_figure(seconds, config)}


def times_figure(seconds, config):
    """One row a work, a mark a contender, on a logarithmic axis; beside each row how many times the loop is slower."""
    drawn = figure(720, 300)
    axes = drawn.add_subplot()
    for row, of in enumerate(seconds.values()):
        milliseconds = [1e3 * of[kind] for kind in KINDS]
        axes.plot([min(milliseconds), max(milliseconds)], [row, row], color=RULE, linewidth=2, zorder=1)
        axes.scatter(milliseconds, [row] * len(KINDS), color=KINDS.values(), s=45, zorder=2)
        text = f"{of['loop'] / of['NumPy']:.0f}×, {of['loop'] / of['jitted JAX']:.0f}×"
        axes.annotate(
            text, (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=SIZE, annotation_clip=False
        )
    for kind, color in KINDS.items():
        axes.scatter([], [], color=color, s=45, label=kind)
    axes.set_xscale("log")
    axes.set_yticks(range(len(seconds)), seconds)
    axes.invert_yaxis()
    tidy(axes, f"milliseconds for {config.length:,} float32 numbers")
    axes.legend(fontsize=SIZE, frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return drawn


if __name__ == "__main__":
    run(main, Config)
