"""Pictures of vectors with names: t-SNE to two dimensions, and a labelled scatter."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from jaxdl.errors import InputError
from jaxdl.report.comparison import PALETTE, legend
from jaxdl.report.style import INK, SIZE, Figure, figure, tidy, verbatim


def tsne(vectors: Float[np.ndarray, "n d"], perplexity: float = 30.0, seed: int = 0) -> Float[np.ndarray, "n 2"]:
    """Places in the plane at which near vectors, by cosine, stay near; far ones may lie anywhere. By scikit-learn.

    perplexity is about how many neighbours each vector has; with few vectors it is lowered to a third of the others.
    InputError for fewer than 4. Source: van der Maaten and Hinton (2008), "Visualizing Data using t-SNE".
    """
    from sklearn.manifold import TSNE

    others = len(vectors) - 1
    if others < 3:
        raise InputError(f"{len(vectors)} vectors: expected 4 or more to be placed by t-SNE")
    # Exact, as nobody reads a picture of thousands of names; the approximation's threads wait for one another longer.
    model = TSNE(
        perplexity=min(perplexity, others / 3), metric="cosine", init="random", random_state=seed, method="exact"
    )
    return model.fit_transform(vectors).astype(np.float64)


def labelled(
    points: Float[np.ndarray, "n 2"],
    names: Sequence[str],
    groups: Sequence[str] | None = None,
    *,
    axes_names: tuple[str, str] = ("t-SNE 1", "t-SNE 2"),
    size: tuple[int, int] = (640, 520),
) -> Figure:
    """Each point with its name beside it, coloured by group. InputError where there is not one name a point."""
    groups = [""] * len(names) if groups is None else groups
    if not len(points) == len(names) == len(groups):
        raise InputError(f"{len(points)} points, {len(names)} names, {len(groups)} groups: expected as many of each")
    sheet = figure(*size)
    axes = sheet.add_subplot()
    for place, group in enumerate(dict.fromkeys(groups)):
        of_group = np.array([name == group for name in groups])
        shade = PALETTE[place % len(PALETTE)]
        axes.plot(*points[of_group].T, "o", color=shade, markersize=4, label=verbatim(group))
    for name, (x, y) in zip(names, points, strict=True):
        axes.annotate(verbatim(name), (x, y), xytext=(3, 3), textcoords="offset points", fontsize=SIZE - 1.5, color=INK)
    tidy(axes, *axes_names)
    if any(groups):
        legend(sheet)
    return sheet
