"""Broadcasting: how shapes stretch to meet, and what goes wrong in silence when they do.

    python -m experiments.foundations.broadcasting

About 2 s on two CPU cores. Finds: a row (4) plus a column (3, 1) is a (3, 4) matrix and no error, so a perfect guess
(3, 1) has a mean squared error of 1.333 against the truth (3); the columns of calories sum to 59, 239, 155.4 and 76.9,
and 94.915 % of the first is carbohydrate (exact).
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from jaxdl.report.comparison import PALETTE
from jaxdl.report.style import INK, SIZE, SOFT, figure, tidy
from jaxdl.run import run

FOODS = ("apples", "beef", "eggs", "potatoes")
NUTRIENTS = ("carbohydrate", "protein", "fat")
CALORIES = ((56.0, 0.0, 4.4, 68.0), (1.2, 104.0, 52.0, 8.0), (1.8, 135.0, 99.0, 0.9))
"""Kilocalories in 100 g: a row for each nutrient, a column for each food."""


@dataclass(frozen=True)
class Config:
    pass


def main(config, run):
    found = measure()
    return findings(found), {
        "A side of length 1 is stretched, a missing one is put in front; row + column makes a matrix": stretching(),
        "Each column divided by its own sum: the row of sums is stretched over the nutrients": percentages(found),
    }


def measure():
    """Every shape and number that the findings speak of."""
    table = jnp.array(CALORIES)
    sums = table.sum(0)
    a, b = jnp.ones((4, 3)), jnp.ones((3, 2))
    flat, column = jnp.arange(1.0, 6.0), jnp.arange(1.0, 6.0)[:, None]
    truth, guess = jnp.array([1.0, 2.0, 3.0]), jnp.array([[1.0], [2.0], [3.0]])
    return {
        "dot": jnp.dot(a, b).shape,
        "outer": jnp.outer(jnp.ones(12), jnp.ones(6)).shape,
        "element-wise": refusal(lambda: a * b),
        "sums": np.asarray(sums),
        "percent": np.asarray(100 * table / sums),
        "percent of columns as a column": refusal(lambda: table / sums.reshape(4, 1)),
        "scalar": (table + 100).shape,
        "row": (table + jnp.ones(4)).shape,
        "column": (table + jnp.ones((3, 1))).shape,
        "row + column": (jnp.ones(4) + jnp.ones((3, 1))).shape,
        "flat @ flat.T": jnp.dot(flat, flat.T),
        "column @ column.T": jnp.dot(column, column.T),
        "column.T @ column": jnp.dot(column.T, column),
        "flat.T": flat.T.shape,
        "squared error": float(jnp.mean((guess - truth) ** 2)),
        "its shape": (guess - truth).shape,
        "squared error, both flat": float(jnp.mean((guess[:, 0] - truth) ** 2)),
    }


def refusal(work):
    """The first line of what JAX says to shapes that don't fit."""
    try:
        shape = work().shape
    except TypeError as error:
        return str(error).splitlines()[0]
    raise AssertionError(f"shapes that don't fit gave {shape}")


def findings(found):
    sums = ", ".join(f"{value:g}" for value in found["sums"].round(4))
    return [
        f"Dot: (4, 3) · (3, 2) is {found['dot']}. Outer: (12) and (6) make {found['outer']}. Element by element, "
        f"(4, 3) and (3, 2) raise: {found['element-wise']}",
        f"The calories of {', '.join(FOODS)} sum to {sums}: (3, 4) / (4) divides each column by its own sum, and "
        f"{found['percent'][0, 0]:.3f} % of the first comes from {NUTRIENTS[0]}.",
        f"With (3, 4), a scalar, a row (4) and a column (3, 1) all give {found['scalar']}; the sums as a column (4, 1) "
        f"raise: {found['percent of columns as a column']}",
        f"Row (4) + column (3, 1) raises nothing and is a matrix {found['row + column']}. So a perfect guess (3, 1) "
        f"against the truth (3) leaves a difference {found['its shape']} and a mean squared error of "
        f"{found['squared error']:.3f}; with both flat it is {found['squared error, both flat']:g}.",
        f"The rank-1 trap: a = [1, 2, 3, 4, 5] transposed is still {found['flat.T']}, and a·aᵀ is the number "
        f"{found['flat @ flat.T']:g}; as a column (5, 1), a·aᵀ is a matrix {found['column @ column.T'].shape} and aᵀ·a "
        f"is {found['column.T @ column'].shape}.",
    ]


CASES = (  # title, the two shapes as they are drawn: rows × columns
    ("(3, 4) + scalar", (3, 4), (1, 1)),
    ("(3, 4) + row (4)", (3, 4), (1, 4)),
    ("(3, 4) + column (3, 1)", (3, 4), (3, 1)),
    ("row (4) + column (3, 1)", (1, 4), (3, 1)),
)


def stretching():
    """A row a case: both operands, filled where their numbers are and outlined where these repeat, and the sum."""
    sheet = figure(700, 560)
    for axes, (title, one, other) in zip(sheet.subplots(len(CASES), 1), CASES, strict=True):
        whole = tuple(max(sides) for sides in zip(one, other, strict=True))
        for left, shape, shade in ((0, one, PALETTE[0]), (6, other, PALETTE[1]), (12, whole, PALETTE[2])):
            cells(axes, left, whole, shape, shade)
        for middle, sign in ((5.0, "+"), (11.0, "=")):
            axes.text(middle, whole[0] / 2, sign, ha="center", va="center", fontsize=14, color=INK)
        axes.text(16.6, whole[0] / 2, f"({whole[0]}, {whole[1]})", va="center", fontsize=SIZE, color=SOFT)
        axes.set_title(title, fontsize=SIZE + 1, color=INK, loc="left")
        axes.set(xlim=(-0.2, 19), ylim=(3.1, -0.1), aspect="equal")
        axes.set_axis_off()
    return sheet


def cells(axes, left, whole, shape, shade):
    """A grid of cells: filled inside `shape`, outlined in the rest of `whole`, which only repeats."""
    from matplotlib.patches import Rectangle

    for row in range(whole[0]):
        for column in range(whole[1]):
            real = row < shape[0] and column < shape[1]
            look = {"facecolor": shade, "alpha": 0.85} if real else {"facecolor": "white", "linestyle": ":"}
            axes.add_patch(Rectangle((left + column, row), 0.92, 0.92, edgecolor=shade, linewidth=1.2, **look))


def percentages(found):
    """A bar a food, stacked by nutrient, that reaches 100 %."""
    sheet = figure(560, 260)
    axes = sheet.add_subplot()
    start = np.zeros(len(FOODS))
    for name, percent, shade in zip(NUTRIENTS, found["percent"], PALETTE, strict=False):
        axes.barh(FOODS, percent, left=start, color=shade, height=0.6, label=name)
        for row, value in enumerate(percent):
            if value > 8:
                where = start[row] + value / 2
                axes.text(where, row, f"{value:.1f}", ha="center", va="center", color="white", fontsize=SIZE)
        start = start + percent
    axes.invert_yaxis()
    tidy(axes, "share of the calories in 100 g (%)")
    axes.legend(fontsize=SIZE, frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return sheet


if __name__ == "__main__":
    run(main, Config)
