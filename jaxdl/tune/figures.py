"""What a study found: its score by each hyperparameter, and all of them side by side."""

import numpy as np

from jaxdl.report.style import INK, RULE, SIZE, SOFT, Figure, color, figure, tidy, verbatim
from jaxdl.tune.spaces import Choice, Log, OneMinusLog, Space, When
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
        _scale(axes.xaxis, space[name])
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
        for u in (0.0, 1.0):
            told = _label(space[name], u)
            axes.annotate(
                told, (place, u), (4, 3 if u else -10), textcoords="offset points", fontsize=SIZE - 1, color=SOFT
            )
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


def _scale(axis, dimension) -> None:  # type: ignore[no-untyped-def]
    """Ticks in the units of the dimension, on an axis of the unit interval."""
    at = np.linspace(0, 1, 3) if not isinstance(dimension, Choice) else [dimension.place(o) for o in dimension.options]
    axis.set_ticks(at, [_label(dimension, u) for u in at])


def _label(dimension, u) -> str:  # type: ignore[no-untyped-def]
    inner = dimension.dimension if isinstance(dimension, When) else dimension
    value = inner.at(u)
    if isinstance(inner, OneMinusLog):
        return f"{value:.4g}"
    return f"{value:.1e}" if isinstance(inner, Log) else f"{value:.3g}" if isinstance(value, float) else str(value)
