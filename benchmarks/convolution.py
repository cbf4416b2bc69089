"""Times the forms of a convolution against XLA's own: value and gradients, mapped over a batch as in a training step.

    python -m benchmarks.convolution [--quick]

Forms take turns, and each ratio is of two runs of one turn: the time of the library's by that of the form, in the
median; above 1 the form is faster. Of an image (up to 3 channels) no gradient is taken. About 5 minutes; --quick: 1.
"""

import argparse
from collections.abc import Callable, Iterator
from time import perf_counter

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contenders import Contender
from benchmarks.step import describe_machine
from benchmarks.turns import take_turns
from jaxdl.layers.arithmetic import Window, window
from jaxdl.layers.convolution import by_library, by_patches, by_places, by_rows, fastest

BATCH = 64
IMAGE = 3  # channels

SHAPES = [
    (side, c_in, c_out, size, 1, padding)
    for size, padding in ((3, 1), (5, 2), (5, 0))
    for side in (8, 14, 28, 32)
    for c_in, c_out in ((1, 6), (1, 32), (3, 16), (6, 16), (16, 32), (32, 64))
    if side * c_out <= 1024
]
"""(side, c_in, c_out, kernel, strides, padding)"""

FEW_PLACES = [
    (5, 16, 120, 5, 1, 0),
    (6, 16, 32, 5, 1, 0),
    (9, 16, 32, 5, 1, 0),
    (4, 32, 64, 3, 1, 0),
    (2, 64, 64, 3, 1, 1),
    (2, 128, 256, 3, 1, 1),
    (3, 64, 64, 3, 1, 1),
    (4, 64, 128, 3, 1, 1),
    (4, 64, 128, 3, 2, 1),
    (8, 64, 128, 3, 2, 1),
]
"""The like, where the output has few places."""

DEPTHWISE = [(32, 16, 3, 1), (32, 16, 3, 2), (16, 64, 3, 1), (16, 64, 3, 2), (8, 128, 3, 1), (8, 64, 5, 1)]
"""(side, channels, size, strides)"""


def by_padded_rows(x: jax.Array, kernel: jax.Array, sliding: Window) -> jax.Array:
    """`by_rows` of the image in its frame of zeros."""
    return by_rows(jnp.pad(x, [*sliding.pads, (0, 0)]), kernel)


def contender(form: Callable, shape: tuple[int, ...], kernel_shape: tuple[int, ...]) -> Contender:
    """Value and gradients of a weighted sum of the outputs of a batch."""
    random = np.random.default_rng(0)
    x, kernel = (jnp.asarray(random.normal(size=s), jnp.float32) for s in ((BATCH, *shape), kernel_shape))
    outputs = jax.eval_shape(form, x[0], kernel).shape
    weights = jnp.asarray(random.normal(size=(BATCH, *outputs)), jnp.float32)

    def cost(kernel, x):
        return jax.vmap(lambda x, weights: (form(x, kernel) * weights).sum())(x, weights).sum()

    run = jax.jit(jax.value_and_grad(cost, 0 if shape[-1] <= IMAGE else (0, 1)))

    def block(count: int) -> float:
        began = perf_counter()
        for _ in range(count):
            jax.block_until_ready(run(kernel, x))
        return perf_counter() - began

    return block


def ordinary(turns: int) -> Iterator[str]:
    """One line for each shape."""
    for side, c_in, c_out, size, strides, padding in SHAPES + FEW_PLACES:
        sliding = window((side, side), (size, size), strides, padding)
        x, kernel = (side, side, c_in), (size, size, c_in, c_out)
        forms = {"patches": by_patches} | ({"rows": by_padded_rows} if strides == 1 else {})
        times = in_turns(forms, x, kernel, sliding, turns)
        what = f"{side}×{side}×{c_in}, {size}×{size} → {c_out}, padding {padding}, strides {strides}"
        yield line(what, times, taken(x, kernel, sliding))


def depthwise(turns: int) -> Iterator[str]:
    """One line for each shape."""
    for side, channels, size, strides in DEPTHWISE:
        sliding = window((side, side), (size, size), strides, size // 2)
        x, kernel = (side, side, channels), (size, size, 1, channels)
        times = in_turns({"places": by_places}, x, kernel, sliding, turns, channels)
        yield line(
            f"{side}×{side}×{channels}, {size}×{size} depthwise, strides {strides}",
            times,
            taken(x, kernel, sliding, channels),
        )


def in_turns(
    forms: dict[str, Callable], x: tuple, kernel: tuple, sliding: Window, turns: int, groups: int = 1
) -> dict[str, np.ndarray]:
    """Seconds of the library and each of the forms in each turn."""

    def library(x, kernel):
        return by_library(x, kernel, sliding, groups)

    contenders = {"library": contender(library, x, kernel)}
    for name, form in forms.items():
        contenders[name] = contender(lambda x, kernel, form=form: form(x, kernel, sliding), x, kernel)
    return take_turns(contenders, 1, turns)


def taken(x: tuple, kernel: tuple, sliding: Window, groups: int = 1) -> str:
    """The form that `convolve` takes."""
    image, weights = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in (x, kernel))
    return fastest(image, weights, sliding, groups)


def line(what: str, times: dict[str, np.ndarray], chosen: str) -> str:
    """One row of the table."""
    library = times.pop("library")
    ratios = "".join(f"{name} {np.median(library / seconds):>6.2f}   " for name, seconds in times.items())
    return f"{what:<46} {np.median(library) * 1e3:>7.2f} ms   {ratios}taken: {chosen}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.convolution", description=str(__doc__).splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few turns: a look, not a measurement")
    turns = 5 if parser.parse_args().quick else 25
    print(f"{describe_machine()}, batches of {BATCH}")
    for measure in (ordinary, depthwise):
        for found in measure(turns):
            print(found, flush=True)


if __name__ == "__main__":
    main()
