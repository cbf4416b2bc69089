"""Attention drawn: which tokens of the one sequence looked at which of the other."""

from collections.abc import Sequence

import numpy as np

from jaxdl.errors import InputError
from jaxdl.report.style import INK, SIZE, Figure, figure, verbatim


def attention_map(weights: np.ndarray, looking: Sequence[str], looked_at: Sequence[str], side: int = 20) -> Figure:
    """Weights [T, S] as squares, dark for 1: a row for each of the T tokens that look, a column for each of the S.

    InputError where tokens and weights don't agree.
    """
    if weights.shape != (len(looking), len(looked_at)):
        raise InputError(f"weights {weights.shape} for {len(looking)} tokens that look at {len(looked_at)}")
    sheet = figure(60 + side * len(looked_at), 60 + side * len(looking))
    axes = sheet.add_subplot()
    axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    axes.set_xticks(range(len(looked_at)), [_shown(token) for token in looked_at], fontsize=SIZE, color=INK)
    axes.set_yticks(range(len(looking)), [_shown(token) for token in looking], fontsize=SIZE, color=INK)
    if max(map(len, looked_at)) > 2:
        axes.tick_params("x", rotation=60)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    return sheet


def _shown(token: str) -> str:
    return verbatim({" ": "␣", "\n": "↵"}.get(token, token))
