"""What a study found: its score by each hyperparameter, and all of them side by side."""

from typing import Any

import numpy as np

from jaxdl.report.style import INK, RULE, SIZE, SOFT, Figure, color, figure, tidy, verbatim
from jaxdl.tune.spaces import Choice, Dimension, Integer, Log, OneMinusLog, Space, unconditional
from jaxdl.tune.study import Results


def scatter(space: Space, results: Results, metric: str) -> Figure:
    """The score over each dimension in its own scale, a dot a trial; those that diverged are crosses at the worst."""
    names = list(space)
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    sheet = figure(260 * columns, 220 * rows)
    found = ~np.isnan(results.scores)
    worst = _worst(results)
    for place, name in enumerate(names):
        axes = sheet.add_subplot(rows, columns, place + 1)
        there = np.array([name in trial for trial in results.trials])
        at = np.array([space[name].place(trial[name]) if name in trial else np.nan for trial in results.trials])
        axes.plot(at[there & found], results.scores[there & found], "o", color=color("train"), markersize=4, alpha=0.6)
        lost = at[there & ~found]
        axes.plot(lost, np.full(lost.size, worst), "x", color=color("dev"), markersize=4)
        tidy(axes, verbatim(name), verbatim(metric) if place % columns == 0 else "")
        axes.xaxis.set_ticks(*zip(*_ticks(space[name], 3), strict=True))
    return sheet


def parallel(space: Space, results: Results, metric: str) -> Figure:
    """Parallel coordinates: a line a trial through its values, the best tenth in colour, the last axis the score."""
    names = list(space)
    sheet = figure(max(420, 110 * (len(names) + 1)), 320)
    axes = sheet.add_subplot()
    found = ~np.isnan(results.scores)
    scores = np.where(found, results.scores, _worst(results))
    spread = np.ptp(scores) or 1.0
    order = np.argsort(-np.where(found, results.merit, -np.inf), kind="stable")
    best = set(order[: min(found.sum(), max(1, len(scores) // 10))].tolist())
    for trial in sorted(range(len(scores)), key=lambda at: at in best):
        values = results.trials[trial]
        at = [space[name].place(values[name]) if name in values else np.nan for name in names]
        line = [*at, (scores[trial] - scores.min()) / spread]
        shade, width = (color("dev"), 1.6) if trial in best else (RULE, 0.8)
        axes.plot(range(len(line)), line, color=shade, linewidth=width)
    for place, name in enumerate(names):
        for u, told in _ticks(space[name], 2):
            offset = (4, 3 if u > 0.5 else -10)
            axes.annotate(told, (place, u), offset, textcoords="offset points", fontsize=SIZE - 1, color=SOFT)
    for u, value in ((0.0, scores.min()), (1.0, scores.max())):
        axes.annotate(
            f"{value:.3g}", (len(names), u), (4, 3 if u else -10), textcoords="offset points", fontsize=SIZE - 1
        )
    axes.set_xticks(range(len(names) + 1), [*map(verbatim, names), verbatim(metric)], fontsize=SIZE, color=INK)
    axes.set(yticks=[], ylim=(-0.1, 1.12), xlim=(-0.1, len(names) + 0.35))
    axes.spines[:].set_visible(False)
    for place in range(len(names) + 1):
        axes.axvline(place, color=SOFT, linewidth=0.8, zorder=0)
    return sheet


def _worst(results: Results) -> float:
    """The worst score of a trial that has one: where those are drawn that have none."""
    if np.isnan(results.scores).all():
        return 0.0
    return float(results.scores[np.nanargmin(results.merit)])


def _ticks(dimension: Dimension, count: int) -> list[tuple[float, str]]:
    """(place in the unit interval, value) of all options of a Choice, of so many values evenly from end to end else."""
    inner = unconditional(dimension)
    if isinstance(inner, Choice):
        values = list(inner.options)
    elif isinstance(inner, Integer):
        values = sorted({round(value) for value in np.linspace(inner.low, inner.high, count)})
    else:
        values = [inner.at(u) for u in np.linspace(0, 1, count).tolist()]
    return [(inner.place(value), _label(inner, value)) for value in values]


def _label(inner: Dimension, value: Any) -> str:
    if isinstance(inner, OneMinusLog):
        return f"{value:.4g}"
    return f"{value:.1e}" if isinstance(inner, Log) else f"{value:.3g}" if isinstance(value, float) else str(value)
