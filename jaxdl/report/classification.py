"""What a classifier gets wrong: the confusion matrix and its worst mistakes as images."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from jaxdl.report.gallery import pixels
from jaxdl.report.style import INK, RULE, SIZE, SOFT, Axes, Figure, color, figure, verbatim
from jaxdl.score.classification import confusion_matrix
from jaxdl.typing import Array, ModelState, Params, Predict

Images = Float[np.ndarray, "n h w c"] | Float[Array, "n h w c"]
Labels = Int[np.ndarray, "n"] | Int[Array, "n"]
Probabilities = Float[np.ndarray, "n classes"] | Float[Array, "n classes"]

COUNTED = 20  # with more classes than this the counts no longer fit the cells
MISTAKES = 24
FULL_SHADE = 4  # errors in a cell before it is fully orange: single slips stay pale


def classification_figures(
    images: Images | None,
    labels: Labels,
    probabilities: Probabilities,
    class_names: Sequence[str],
    set_name: str = "dev",
) -> dict[str, Figure]:
    """{finding: figure}: the confusion matrix and, where there are images and mistakes, the most confident mistakes."""
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, np.float32)
    names = [str(name) for name in class_names]
    if labels.size == 0:
        return {}
    counts = confusion_matrix(labels, probabilities.argmax(-1), len(names))
    figures = {f"{set_name}: {confusion_finding(counts, names)}": _matrix(counts, names)}
    worst = worst_mistakes(labels, probabilities)
    if images is not None and worst.size:
        wrong = int(counts.sum() - np.trace(counts))
        shown = f"the {worst.size} most confident of {wrong} mistakes" if worst.size < wrong else "every mistake"
        order = ", most confident first" if worst.size > 1 else ""
        figures[f"{set_name}: {shown}{order}"] = _gallery(
            np.asarray(images, np.float32), labels, probabilities, names, worst
        )
    return figures


def of_dev(predict: Predict, data: Any, most: int = 2000) -> Callable[[Params, ModelState], dict[str, Figure]]:
    """The figures of a Task whose `predict` gives logits, on the first `most` examples of data.dev."""

    def figures(params: Params, model_state: ModelState) -> dict[str, Figure]:
        shown = data.dev[np.arange(min(len(data.dev), most))]
        probabilities = []
        apply = jax.jit(jax.vmap(lambda example: jax.nn.softmax(predict(params, model_state, example))))
        for start in range(0, len(shown["label"]), 256):
            x = jnp.asarray(shown[data.inputs][start : start + 256])
            probabilities.append(apply({data.inputs: x, "mask": jnp.ones(len(x))}))
        images = shown["image"] if data.inputs == "image" else None
        return classification_figures(images, shown["label"], np.concatenate(probabilities), data.class_names)

    return figures


def worst_mistakes(labels: Labels, probabilities: Probabilities, limit: int = MISTAKES) -> Int[np.ndarray, " k"]:
    """Which examples are wrong, the most probable wrong answer first, at most `limit`."""
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    wrong = np.flatnonzero(probabilities.argmax(-1) != labels)
    confidence = probabilities[wrong].max(-1)
    return wrong[np.argsort(-confidence, kind="stable")][:limit]


def confusion_finding(counts: Int[np.ndarray, "classes classes"], class_names: Sequence[str]) -> str:
    """`5 of 359 wrong; most often 8 is read as 1 (2 times)`."""
    errors = counts - np.diag(np.diag(counts))
    wrong, total = int(errors.sum()), int(counts.sum())
    if wrong == 0:
        return f"none of {total} wrong"
    true, said = np.unravel_index(errors.argmax(), errors.shape)
    most, pair = int(errors[true, said]), f"{class_names[true]} is read as {class_names[said]}"
    if wrong == 1:
        return f"1 of {total} wrong: {pair}"
    if most == 1:
        return f"{wrong} of {total} wrong, no two alike"
    return f"{wrong} of {total} wrong; most often {pair} ({most} times)"


def _matrix(counts: np.ndarray, names: Sequence[str]) -> Figure:
    """Errors in orange by their count, the diagonal in one pale grey, so that 35 right do not drown one wrong."""
    from matplotlib.colors import LinearSegmentedColormap

    classes = len(names)
    sheet, axes = _square(classes, max(len(_short(name)) for name in names))
    errors = np.ma.masked_array(counts, np.eye(classes, dtype=bool))
    most = max(int(errors.filled(0).max()), FULL_SHADE)
    orange = LinearSegmentedColormap.from_list("errors", ["#ffffff", "#f5c9a8", color("dev")])
    axes.set_facecolor("#eef1f4")  # seen through the masked diagonal
    axes.spines[:].set(color=RULE, linewidth=0.5)
    if classes <= COUNTED:
        axes.pcolormesh(errors, cmap=orange, vmin=0, vmax=most, edgecolors=RULE, linewidth=0.5)
        _write_counts(axes, counts, most)
        _write_shares(axes, counts)
    else:
        box = (0, classes, classes, 0)
        axes.imshow(errors, cmap=orange, vmin=0, vmax=most, interpolation="nearest", extent=box, aspect="auto")
    axes.set(xlim=(0, classes), ylim=(classes, 0))
    _name_classes(axes, names)
    return sheet


def _square(classes: int, longest: int) -> tuple[Figure, Axes]:
    """Square cells, and margins that fit the longest name: matplotlib's own layouts clip beside a fixed aspect."""
    cell = 40 if classes <= 12 else 27 if classes <= COUNTED else 500 / classes
    names = longest * (7 if classes <= COUNTED else 5)
    side, left, top, right, bottom = cell * classes, 34 + names, 22, 70, 34 + max(names, 14)
    width, height = left + side + right, top + side + bottom
    sheet = figure(width, height)
    sheet.set_layout_engine("none")
    axes = sheet.add_axes((left / width, bottom / height, side / width, side / height))
    axes.set_xlabel("said", fontsize=SIZE + 0.5, color=INK)
    axes.set_ylabel("true", fontsize=SIZE + 0.5, color=INK)
    return sheet, axes


def _write_counts(axes: Axes, counts: np.ndarray, most: int) -> None:
    size = SIZE if len(counts) <= 12 else SIZE - 2
    for (true, said), count in np.ndenumerate(counts):
        if count == 0:
            continue
        ink = SOFT if true == said else "white" if count > 0.7 * most else INK
        weight = "normal" if true == said else "bold"
        cell = axes.text(said + 0.5, true + 0.5, str(count), ha="center", va="center", fontsize=size)
        cell.set(color=ink, fontweight=weight)


def _write_shares(axes: Axes, counts: np.ndarray) -> None:
    """At the right, the share of each class that was read right."""
    rights, totals = np.diag(counts), counts.sum(1)
    shares = [f"{right / total:.0%}" if total else "–" for right, total in zip(rights, totals, strict=True)]
    for place, share in enumerate(["read right", *shares]):
        # The heading sits close above the matrix however tall the cells are.
        height, offset = (place - 0.5, 0) if place else (0, 9)
        text = axes.annotate(share, (len(counts), height), (5, offset), textcoords="offset points", va="center")
        text.set(fontsize=SIZE - 1, color=SOFT)


def _name_classes(axes: Axes, names: Sequence[str]) -> None:
    """The names of the classes on both sides, thinned where they would touch."""
    ticks = range(0, len(names), -(-len(names) // 50))
    centres, labels = [tick + 0.5 for tick in ticks], [_short(names[tick]) for tick in ticks]
    turned = max(map(len, labels)) > 4 or len(names) > COUNTED
    axes.set_xticks(centres, labels, rotation=90 if turned else 0)
    axes.set_yticks(centres, labels)
    axes.tick_params(length=0, colors=INK, labelsize=SIZE if len(names) <= COUNTED else SIZE - 3)


def _gallery(
    images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, names: Sequence[str], chosen: np.ndarray
) -> Figure:
    """Each image scaled to its own range, for inputs are standardised."""
    said = probabilities.argmax(-1)
    longest = max(len(_short(names[k])) for k in (*labels[chosen], *said[chosen]))
    columns = 6 if longest <= 4 else 4
    rows = -(-chosen.size // columns)
    width = 700 // columns
    sheet = figure(columns * width, rows * (width + 34))
    sheet.set_layout_engine("constrained", w_pad=0, h_pad=0.03, wspace=0.06)
    for place, axes in enumerate(sheet.subplots(rows, columns, squeeze=False).flat):
        axes.set_axis_off()
        if place >= chosen.size:
            continue
        k = chosen[place]
        axes.imshow(pixels(images[k]), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        true, wrong = _short(names[labels[k]]), _short(names[said[k]])
        text = f"true {true}, said {wrong}\nat {probabilities[k].max():.2f}"
        axes.set_title(text, fontsize=SIZE - 0.5, color=INK, pad=4, linespacing=1.15)
    return sheet


def _short(name: str) -> str:
    return verbatim(name if len(name) <= 12 else name[:11] + "…")
