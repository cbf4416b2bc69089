"""What a convolution computes, how large its output is, and what it costs: the worked numbers.

    python -m experiments.vision.convolution_arithmetic

About 4 s on two CPU cores. Finds: the 4×4 example gives [15, 16], [6, 15]; only with the kernel turned round is
convolution associative; 456 parameters do what a dense layer would need 14,455,392 for; a bottleneck of 16 channels
takes 0.103 and a depthwise separable convolution 0.311 of the multiplications (exact).
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments import expect
from jaxdl.layers.arithmetic import multiplications, output_size, parameters
from jaxdl.layers.convolution import Conv, convolve, flipped
from jaxdl.report.style import COLORS, INK, RULE, SIZE, SOFT, figure, tidy
from jaxdl.run import run

IMAGE = np.array([[1, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1]])
KERNEL = np.array([[2, 0, 1], [0, 1, 2], [1, 0, 2]])
TURNED = np.array([[3, 4, 5], [1, 0, 2], [-1, 9, 7]])
CYCLIC = (1 + np.arange(7) - np.arange(7)[:, None]) % 4
"""The image continued to 7×7: each row is the one above moved to the right."""


@dataclass(frozen=True)
class Config:
    side: int = 28
    """Of the layer that gets a bottleneck."""
    channels: int = 192
    filters: int = 32
    size: int = 5
    bottleneck: int = 16

    def __post_init__(self):
        expect(self, 1, "side", "channels", "filters", "size", "bottleneck")


class Measured(NamedTuple):
    valid: np.ndarray
    """IMAGE under KERNEL."""
    framed: np.ndarray
    """The same with a frame of zeros."""
    strided: np.ndarray
    """CYCLIC under KERNEL in steps of two."""
    turned: np.ndarray
    """TURNED, turned round both ways."""
    gap: dict[str, float]
    """max |(x ∗ a) ∗ b − x ∗ (a ∗ b)| for IMAGE, KERNEL and TURNED."""
    shapes: dict[str, list[tuple[int, ...]]]
    """kind -> shapes after no, one and two layers."""
    parameters: dict[str, int]
    multiplications: dict[str, dict[str, int]]
    """work -> way to do it -> products."""


def measure(config):
    return Measured(
        valid=filtered(IMAGE, KERNEL),
        framed=filtered(IMAGE, KERNEL, padding=1),
        strided=filtered(CYCLIC, KERNEL, strides=2),
        turned=np.asarray(flipped(jnp.asarray(TURNED, float)[..., None, None])[..., 0, 0]),
        gap={
            "cross-correlation": gap(lambda kernel: kernel),
            "true convolution": gap(lambda kernel: kernel[::-1, ::-1]),
        },
        shapes={f"{dimensions}-D": shapes(dimensions) for dimensions in (1, 2, 3)},
        parameters={
            "6 filters of 5×5×3": parameters((5, 5), 3, 6),
            "dense 3,072 → 4,704": parameters((32, 32), 3, 28 * 28 * 6),
            "10 filters of 3×3×3": parameters((3, 3), 3, 10),
            "100 filters of 5×5×3": parameters((5, 5), 3, 100),
        },
        multiplications=costs(config),
    )


def filtered(image, kernel, **settings):
    """The convolution of one channel with one filter."""
    return np.asarray(
        convolve(jnp.asarray(image, float)[..., None], jnp.asarray(kernel, float)[..., None, None], **settings)
    )[..., 0]


def gap(turn):
    """How far (x ∗ a) ∗ b is from x ∗ (a ∗ b), every ∗ over all places where the two overlap."""

    def star(image, kernel):
        return filtered(image, turn(kernel), padding=len(kernel) - 1)

    one = star(star(IMAGE, KERNEL), TURNED)
    return float(np.abs(one - star(IMAGE, star(KERNEL, TURNED))).max())


def shapes(dimensions):
    """Of an input of 14 places a dimension, then 16 filters of 5, then 32 filters of 5."""
    found = [(*(14,) * dimensions, 3 if dimensions == 2 else 1)]
    for filters in (16, 32):
        x = jax.ShapeDtypeStruct(found[-1], jnp.float32)
        y, _ = jax.eval_shape(Conv(filters, (5,) * dimensions).init_with_output, jax.random.key(0), x)
        found.append(y.shape)
    return found


def costs(config):
    space, square = (config.side,) * 2, (config.size,) * 2
    small = output_size(6, 3)
    into = multiplications(space, (1, 1), config.channels, config.bottleneck)
    return {
        f"{config.side}×{config.side}×{config.channels} → {config.filters}, {config.size}×{config.size}": {
            "directly": multiplications(space, square, config.channels, config.filters),
            f"through {config.bottleneck} channels": into
            + multiplications(space, square, config.bottleneck, config.filters),
        },
        "6×6×3 → 4×4×5, 3×3": {
            "directly": multiplications((small, small), (3, 3), 3, 5),
            "depthwise, then 1×1": multiplications((small, small), (3, 3), 3, 3, groups=3)
            + multiplications((small, small), (1, 1), 3, 5),
        },
    }


def main(config, run):
    measured = measure(config)
    told = [
        f"the 4×4 image under the 3×3 kernel: {rows(measured.valid)}; in a frame of zeros it stays 4×4 and begins with "
        f"{rows(measured.framed[:1])}; the cyclic 7×7 in steps of two: {rows(measured.strided)}",
        f"the kernel {rows(TURNED)} turned round both ways: {rows(measured.turned)}",
        "(x ∗ a) ∗ b and x ∗ (a ∗ b) differ by "
        + ", ".join(f"{value:g} for {kind}" for kind, value in measured.gap.items()),
        *(f"{kind}: {' → '.join('×'.join(map(str, s)) for s in found)}" for kind, found in measured.shapes.items()),
        "parameters: " + "; ".join(f"{what}: {count:,}" for what, count in measured.parameters.items()),
    ]
    for work, ways in measured.multiplications.items():
        direct, other = ways.values()
        numbers = ", ".join(f"{count:,} {way}" for way, count in ways.items())
        told.append(f"multiplications, {work}: {numbers}: {other / direct:.3f} of them")
    return told, figures(measured)


def rows(matrix):
    return ", ".join(str([int(value) for value in row]) for row in matrix)


def figures(measured):
    shares = [other / direct for direct, other in (ways.values() for ways in measured.multiplications.values())]
    return {
        "The kernel slides over the image: each output is the sum of nine products": sliding(measured.valid),
        f"The same output sizes for {shares[0]:.3f} and {shares[1]:.3f} of the multiplications": bars(
            measured.multiplications
        ),
    }


def sliding(outputs):
    """A panel for each place of the kernel, with the kernel's weights in small print."""
    from matplotlib.patches import Rectangle

    sheet = figure(700, 200)
    for panel, (i, j) in enumerate(np.ndindex(outputs.shape)):
        axes = sheet.add_subplot(1, outputs.size, panel + 1)
        axes.add_patch(Rectangle((j - 0.5, i - 0.5), 3, 3, facecolor=COLORS["train"], alpha=0.18, linewidth=0))
        for (row, column), value in np.ndenumerate(IMAGE):
            axes.text(column, row, str(value), ha="center", va="center", fontsize=SIZE + 2, color=INK)
            if 0 <= row - i < 3 and 0 <= column - j < 3:
                weight = f"×{KERNEL[row - i, column - j]}"
                axes.text(column + 0.42, row + 0.36, weight, ha="right", va="center", fontsize=SIZE - 2, color=SOFT)
        axes.set(xlim=(-0.5, 3.5), ylim=(3.5, -0.5), aspect="equal", xticks=[], yticks=[])
        axes.hlines(np.arange(-0.5, 4), -0.5, 3.5, color=RULE, linewidth=0.7)
        axes.vlines(np.arange(-0.5, 4), -0.5, 3.5, color=RULE, linewidth=0.7)
        axes.spines[:].set_visible(False)
        axes.set_title(f"row {i}, column {j}: {outputs[i, j]:g}", fontsize=SIZE, color=INK)
    return sheet


def bars(costs):
    """A panel for each work, a bar for each way to do it."""
    sheet = figure(700, 70 + 70 * len(costs))
    for panel, (work, ways) in enumerate(costs.items()):
        axes = sheet.add_subplot(len(costs), 1, panel + 1)
        shades = [COLORS["dev"], COLORS["train"]]
        found = axes.barh(list(ways), list(ways.values()), color=shades, height=0.6)
        axes.bar_label(found, [f"{count:,}" for count in ways.values()], fontsize=SIZE - 0.5, color=INK, padding=4)
        axes.invert_yaxis()
        axes.margins(x=0.15)
        tidy(axes, "multiplications" if panel == len(costs) - 1 else "")
        axes.set_xticks([])
        axes.set_title(work, fontsize=SIZE, color=INK, loc="left")
    return sheet


if __name__ == "__main__":
    run(main, Config)
