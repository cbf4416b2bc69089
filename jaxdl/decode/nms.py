"""Non-max suppression: of boxes of one class that overlap much, the surest stays."""

import jax
import jax.numpy as jnp

from jaxdl.boxes import Detections, iou
from jaxdl.errors import InputError


def non_max_suppression(found: Detections, limit: int, score: float = 0.6, overlap: float = 0.5) -> Detections:
    """Of n boxes the `limit` best that no better one of their class suppresses, best first; those not there are 0.

    Drops what has p ≤ `score`, then takes the surest box, drops the rest of its class whose IoU with it is ≥ `overlap`,
    and so on. Of equal scores the first wins. The shapes depend on n and `limit` alone: jit it, and map it over images.

    limit    how many places the answer has; further boxes are left out
    score    what a box must be surer of than this; 0 leaves out only what isn't `valid` or has p = 0
    overlap  above 0, up to 1

    InputError for what `check_thresholds` refuses. The notes' algorithm.
    """
    check_thresholds(limit, score, overlap)
    boxes, labels = jnp.asarray(found.boxes), jnp.asarray(found.labels)
    places = jnp.arange(len(labels))

    def take_best(scores: jax.Array, _: None) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        best = scores.max()
        place = jnp.where(scores == best, places, len(places)).min()  # on a CPU argmax takes several times as long
        covered = (iou(boxes, boxes[place]) >= overlap) & (labels == labels[place])
        # It goes itself as well, also where its area, and so its IoU with itself, is 0.
        return jnp.where(covered | (places == place), -jnp.inf, scores), (place, best)

    candidates = jnp.where(found.valid & (found.scores > score), found.scores, -jnp.inf)
    _, (place, scores) = jax.lax.scan(take_best, candidates, None, length=limit)
    valid = scores > -jnp.inf
    return Detections(
        boxes=jnp.where(valid[:, None], boxes[place], 0.0),
        labels=jnp.where(valid, labels[place], 0),
        scores=jnp.where(valid, scores, 0.0),
        valid=valid,
    )


def check_thresholds(limit: int, score: float, overlap: float) -> None:
    """InputError for a limit below 1, a score outside [0, 1] and an overlap outside (0, 1]."""
    if limit < 1:
        raise InputError(f"limit = {limit}: expected room for 1 box or more")
    if not 0 <= score <= 1:
        raise InputError(f"score = {score}: expected a threshold from 0 to 1, such as 0.6")
    if not 0 < overlap <= 1:
        raise InputError(f"overlap = {overlap}: expected a threshold above 0, up to 1, such as 0.5")
