"""Figures that set several trainings side by side: curves, dots for each seed, decision boundaries, histograms."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxdl.report.style import COLORS, INK, OTHERS, SIZE, SOFT, Axes, Figure, figure, tidy, verbatim

PALETTE = (*COLORS.values(), *OTHERS, "#000000", "#999999")


def spread(values: np.ndarray, digits: int = 3) -> str:
    """`0.944 ± 0.010`: mean and standard deviation (n − 1) over seeds; the mean alone of a single one."""
    values = np.asarray(values, np.float64)
    if values.size < 2:
        return f"{values.mean():.{digits}f}"
    return f"{values.mean():.{digits}f} ± {values.std(ddof=1):.{digits}f}"


def curves(
    lines: Mapping[str, tuple[np.ndarray, np.ndarray]],
    xlabel: str,
    ylabel: str,
    *,
    log: str = "",
    size: tuple[int, int] = (560, 320),
) -> Figure:
    """One line each of {name: (x [n], y [n] or [seeds, n])}: the mean over seeds, from lowest to highest shaded.

    log names the logarithmic axes: "", "x", "y" or "xy".
    """
    sheet = figure(*size)
    axes = sheet.add_subplot()
    for place, (name, (x, y)) in enumerate(lines.items()):
        y = np.atleast_2d(np.asarray(y, np.float64))
        shade = PALETTE[place % len(PALETTE)]
        dash = ("-", "--", ":")[place // len(PALETTE) % 3]
        axes.plot(x, y.mean(0), dash, color=shade, linewidth=1.6, label=verbatim(name))
        if len(y) > 1:
            axes.fill_between(x, y.min(0), y.max(0), color=shade, alpha=0.15, linewidth=0)
    scaled(axes, log)
    tidy(axes, xlabel, ylabel)
    legend(sheet)
    return sheet


def dots(
    values: Mapping[str, np.ndarray], xlabel: str, *, log: bool = False, size: tuple[int, int] | None = None
) -> Figure:
    """One row each of {name: a value a seed}: every seed a dot, a bar at their mean, the mean written beside."""
    sheet = figure(*(size or (560, 60 + 26 * len(values))))
    axes = sheet.add_subplot()
    for row, found in enumerate(map(np.asarray, values.values())):
        axes.plot(found, np.full(found.size, row), "o", color=COLORS["train"], markersize=5, alpha=0.6, clip_on=False)
        axes.plot([found.mean()] * 2, [row - 0.3, row + 0.3], color=COLORS["dev"], linewidth=2)
        axes.annotate(
            spread(found), (1.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=SIZE - 0.5, color=SOFT
        )
    scaled(axes, "x" if log else "")
    tidy(axes, xlabel)
    axes.set_yticks(range(len(values)), [verbatim(name) for name in values], fontsize=SIZE, color=INK)
    axes.set_ylim(len(values) - 0.4, -0.6)
    return sheet


def boundaries(
    classify: Mapping[str, Callable[[np.ndarray], np.ndarray]],
    x: np.ndarray,
    label: np.ndarray,
    *,
    columns: int = 3,
    names: tuple[str, str] = ("x₁", "x₂"),
) -> Figure:
    """One panel for each of {title: points [n, 2] -> probability of class 1, or class [n]}, with the points on it.

    Probabilities shade the plane, with a line at one half; whole numbers colour it by class.
    """
    from matplotlib.colors import ListedColormap

    x, label = np.asarray(x), np.asarray(label)
    low, high = x.min(0), x.max(0)
    low, high = low - 0.08 * (high - low), high + 0.08 * (high - low)
    across, up = np.meshgrid(np.linspace(low[0], high[0], 160), np.linspace(low[1], high[1], 160))
    grid = np.stack([across.ravel(), up.ravel()], -1).astype(np.float32)
    classes = int(label.max()) + 1
    shades = ListedColormap(PALETTE[:classes])
    sheet, found = panels(list(classify), *names, columns=columns, height=230)
    for axes, predict in zip(found, classify.values(), strict=True):
        plane = np.asarray(predict(grid)).reshape(across.shape)
        if np.issubdtype(plane.dtype, np.floating):
            axes.contourf(across, up, plane, levels=np.linspace(0, 1, 11), cmap=_between(*PALETTE[:2]), alpha=0.45)
            if plane.min() < 0.5 < plane.max():
                axes.contour(across, up, plane, levels=[0.5], colors=INK, linewidths=1.0)
        else:
            axes.pcolormesh(across, up, plane, cmap=shades, vmin=0, vmax=classes - 1, alpha=0.3, rasterized=True)
        axes.scatter(
            x[:, 0], x[:, 1], c=label, cmap=shades, vmin=0, vmax=classes - 1, s=7, edgecolors="white", linewidths=0.3
        )
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    return sheet


def histograms(
    values: Mapping[str, Mapping[str, np.ndarray]],
    xlabel: str,
    *,
    bins: int = 40,
    span: tuple[float, float] | None = None,
) -> Figure:
    """A grid of panels, rows and columns named by {row: {column: values}}: the share of values in each bin.

    span is the range shown in all panels; without it each panel has its own.
    """
    rows, columns = list(values), list(dict.fromkeys(name for row in values.values() for name in row))
    sheet = figure(70 + 130 * len(columns), 40 + 105 * len(rows))
    grid = sheet.subplots(len(rows), len(columns), squeeze=False)
    for down, row in enumerate(rows):
        for right, column in enumerate(columns):
            axes, found = grid[down][right], np.asarray(values[row].get(column, ())).ravel()
            if found.size:
                axes.hist(found, bins, range=span, weights=np.full(found.size, 1 / found.size), color=COLORS["train"])
            tidy(axes, xlabel if down == len(rows) - 1 else "", verbatim(row) if right == 0 else "")
            axes.tick_params(labelsize=SIZE - 2)
            if down == 0:
                axes.set_title(verbatim(column), fontsize=SIZE, color=INK)
    return sheet


def panels(
    titles: Sequence[str], xlabel: str, ylabel: str, *, columns: int = 3, width: int = 230, height: int = 200
) -> tuple[Figure, list[Axes]]:
    """A figure of empty panels with these titles, and the panels."""
    columns = min(columns, len(titles))
    rows = -(-len(titles) // columns)
    sheet = figure(columns * width, rows * height)
    found = list(sheet.subplots(rows, columns, squeeze=False).flat)
    for spare in found[len(titles) :]:
        spare.set_axis_off()
    for axes, title in zip(found, titles, strict=False):
        axes.set_title(verbatim(title), fontsize=SIZE, color=INK)
        tidy(axes, xlabel, ylabel)
    return sheet, found[: len(titles)]


def scaled(axes: Axes, log: str) -> None:
    """Makes the axes named in `log` logarithmic."""
    if "x" in log:
        axes.set_xscale("log")
    if "y" in log:
        axes.set_yscale("log")


def legend(sheet: Figure) -> None:
    """The legend above the axes, in rows of four."""
    sheet.legend(
        loc="outside upper left", ncols=4, fontsize=SIZE - 1, frameon=False, labelcolor=INK,
        handlelength=1.6, columnspacing=1.2, handletextpad=0.5, borderaxespad=0.2,
    )  # fmt: skip


def _between(low: str, high: str) -> Any:
    """Colours from one class's to the other's through white."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("probability", [low, "#ffffff", high])
