"""Labels out of a CTC network's output: the best path, and a beam over prefixes."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from jaxdl.errors import InputError

BLANK = 0


def collapse(path: Sequence[int] | np.ndarray) -> list[int]:
    """Equals in a row made one, then blanks left out: `ttt_h_eee___ ___qqq__` says `the q`."""
    path = np.asarray(path, np.int64)
    first = np.concatenate([[True], path[1:] != path[:-1]])[: len(path)]
    return path[first & (path != BLANK)].tolist()


def best_path(logits: Float[np.ndarray, "time classes"]) -> list[int]:
    """The labels of the most probable path: quick, and not always the most probable labels."""
    return collapse(logits.argmax(-1))


def prefix_beam(
    logits: Float[np.ndarray, "time classes"],
    width: int,
    score: Callable[[tuple[int, ...]], float] = lambda labels: 0.0,
) -> list[tuple[list[int], float]]:
    """The `width` most probable label sequences found, best first, each with its log-probability in nats.

    After each step a prefix has two probabilities, of the paths that end in a blank and of those that end in its last
    label; paths that say the same are added up. With a width that leaves nothing out it is exact.

    score  what else is in favour of labels, in nats, such as a language model's log-probability: it decides which are
           kept and their order, and is not in what is returned

    InputError for a width below 1. Source: Graves and Jaitly (2014), algorithm 1; Hannun et al. (2014).
    """
    if width < 1:
        raise InputError(f"a beam of width {width}: expected 1 or more")
    log_y = logits - np.logaddexp.reduce(logits.astype(np.float64), -1, keepdims=True)
    # prefix: log-probabilities of the paths that end in a blank, and of those that end in its last label
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}
    for y in log_y:
        grown: dict[tuple[int, ...], tuple[float, float]] = {}

        def add(prefix: tuple[int, ...], blank: float, label: float, grown: dict = grown) -> None:
            before = grown.get(prefix, (-np.inf, -np.inf))
            grown[prefix] = (np.logaddexp(before[0], blank), np.logaddexp(before[1], label))

        for prefix, (blank, label) in beam.items():
            both = np.logaddexp(blank, label)
            add(prefix, both + y[BLANK], label + y[prefix[-1]] if prefix else -np.inf)
            for symbol in range(1, len(y)):
                # The last label again is a new one only after a blank.
                add((*prefix, symbol), -np.inf, (blank if prefix and symbol == prefix[-1] else both) + y[symbol])
        ranked = sorted(grown, key=lambda prefix: -(np.logaddexp(*grown[prefix]) + score(prefix)))
        beam = {prefix: grown[prefix] for prefix in ranked[:width]}
    found = [(list(prefix), float(np.logaddexp(*both))) for prefix, both in beam.items()]
    return [(labels, log_p) for labels, log_p in found if log_p > -np.inf]  # more labels than there is time for
