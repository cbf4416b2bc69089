"""Learning curves: one figure a metric, every set in it, titled by what it shows."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from jaxdl.report.records import Series, events, series
from jaxdl.report.style import INK, SIZE, SOFT, Axes, Figure, color, figure, tidy, verbatim
from jaxdl.strategy.select import direction


def learning_curves(records: Iterable[Mapping[str, Any]]) -> dict[str, Figure]:
    """{finding: figure}, one figure for each metric: train faint and averaged, the other sets as markers."""
    records = list(records)
    metrics = series(records)
    restarts = sorted({step for event in events(records) if isinstance(step := event.get("step"), int) and step > 0})
    order = sorted(metrics, key=lambda name: (name not in ("loss", "cost"), name != "accuracy"))
    return {finding(name, metrics[name]): _curve(name, metrics[name], restarts) for name in order}


def weighted_average(values: np.ndarray, beta: float) -> np.ndarray:
    """The exponentially weighted average, corrected for its start at zero.

    vₜ = β vₜ₋₁ + (1−β) θₜ,  v̂ₜ = vₜ / (1 − βᵗ).  A value that is not finite has weight zero; before the first
    finite one the average is NaN.  values: (n,).  Source: Kingma and Ba (2015), section 3.
    """
    averages = np.full(len(values), np.nan)
    total = weight = 0.0
    for index, value in enumerate(values):
        known = bool(np.isfinite(value))
        total = beta * total + (1 - beta) * (value if known else 0.0)
        weight = beta * weight + (1 - beta) * known
        if weight > 0:
            averages[index] = total / weight
    return averages


def span(values: np.ndarray) -> int:
    """About how many steps to average over, 1/(1−β): a 40th of the curve, at most 100; 1 where nothing is noisy."""
    slope = np.sign(np.diff(values[np.isfinite(values)]))
    turns = np.count_nonzero(np.diff(slope[slope != 0]))
    return int(np.clip(len(values) // 40, 1, 100)) if turns > len(values) / 10 else 1


def smooth(values: np.ndarray) -> np.ndarray:
    """The weighted average over `span` steps; what is not finite stays, for an average would hide that it diverged."""
    return np.where(np.isfinite(values), weighted_average(values, 1 - 1 / span(values)), values)


def last(kind: str, values: np.ndarray) -> float:
    """The value that a set ended with: of train, whose every step is noisy, the average."""
    return float(smooth(values)[-1] if kind == "train" else values[-1])


def finding(name: str, sets: Mapping[str, Series]) -> str:
    """`accuracy: dev 0.986 at step 270 (best 0.989 at step 240)`."""
    kind = next((kind for kind in ("dev", *sets) if kind in sets and (kind != "train" or len(sets) == 1)), "train")
    steps, values = sets[kind].steps, sets[kind].values
    if kind == "train":
        about = span(values)
        mean = f" (mean of about {about} steps)" if about > 1 else ""
        return f"{name}: train {_brief(last(kind, values))} at step {steps[-1]}{mean}"
    end = f"{name}: {kind} {_brief(values[-1])} at step {steps[-1]}"
    best = _best(name, values)
    if best is None:
        return end
    if best == len(values) - 1:
        return end + (", its best" if len(values) > 1 else "")
    return f"{end} (best {_brief(values[best])} at step {steps[best]})"


def _brief(value: float) -> str:
    return f"{value:.3g}".replace("nan", "NaN").replace("inf", "∞")


def _best(name: str, values: np.ndarray) -> int | None:
    """The place of the best finite value, the latest of equals; None where better has no known direction."""
    better = direction(name)
    finite = np.flatnonzero(np.isfinite(values))
    if better is None or finite.size == 0:
        return None
    best = values[finite].min() if better == "min" else values[finite].max()
    return int(np.flatnonzero(values == best)[-1])


def _curve(name: str, sets: Mapping[str, Series], restarts: list[int]) -> Figure:
    sheet = figure(384, 280)
    axes = sheet.add_subplot()
    for kind in sorted(sets, key=lambda kind: kind != "train"):
        (_draw_train if kind == "train" else _draw_scored)(axes, name, kind, sets[kind])
    for index, step in enumerate(restarts):
        axes.axvline(step, color=SOFT, linewidth=0.8, linestyle=(0, (2, 2)), label="" if index else "restart", zorder=1)
    logarithmic = _spans_decades(name, sets)
    if logarithmic:
        axes.set_yscale("log")
    tidy(axes, "step", verbatim(name) + (" (log scale)" if logarithmic else ""))
    axes.margins(x=0.02)
    sheet.legend(
        loc="outside upper left", ncols=4, fontsize=SIZE - 1, frameon=False, labelcolor=INK,
        handlelength=1.4, columnspacing=1.0, handletextpad=0.5, borderaxespad=0.2,
    )  # fmt: skip
    return sheet


def _draw_train(axes: Axes, name: str, kind: str, points: Series) -> None:
    values = points.values
    about = span(values)
    if about == 1:
        axes.plot(points.steps, values, color=color(kind), linewidth=1.5, label=verbatim(kind), **_dots(values))
        return
    axes.plot(points.steps, values, color=color(kind), linewidth=0.8, alpha=0.28, label="train, each step")
    axes.plot(points.steps, smooth(values), color=color(kind), linewidth=1.8, label=f"mean of ≈ {about} steps")


def _draw_scored(axes: Axes, name: str, kind: str, points: Series) -> None:
    values = points.values
    marker, size = "s" if kind == "test" else "o", 3.6 if len(values) <= 50 else 2.4
    axes.plot(
        points.steps, values, color=color(kind), linewidth=0.9, marker=marker, markersize=size,
        markeredgecolor="white", markeredgewidth=0.5, label=verbatim(kind), zorder=3,
    )  # fmt: skip
    best = None if kind == "test" else _best(name, values)  # nothing is chosen by the test set
    if best is not None and len(values) > 1:
        (ring,) = axes.plot(
            points.steps[best], values[best], marker=marker, label=f"best {verbatim(kind)}", linestyle="none"
        )
        ring.set(markersize=8.5, markerfacecolor="none", markeredgecolor=color(kind))


def _dots(values: np.ndarray) -> dict[str, Any]:
    """A line of one point can't be seen."""
    return {"marker": "o", "markersize": 3} if len(values) == 1 else {}


def _spans_decades(name: str, sets: Mapping[str, Series]) -> bool:
    """Whether a cost falls so far that a linear axis hides its end."""
    values = np.concatenate([points.values for points in sets.values()])
    values = values[np.isfinite(values)]
    return bool(direction(name) == "min" and values.size > 1 and values.min() > 0 and values.max() > 30 * values.min())
