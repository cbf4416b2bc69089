"""Connectionist temporal classification: labels in order, their places in time unknown (Graves et al., 2006)."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxdl.errors import InputError
from jaxdl.typing import wide

BLANK = 0


def ctc(
    logits: Float[Array, "time classes"],
    labels: Int[Array, " limit"],
    time_length: Int[Array, ""] | int,
    label_length: Int[Array, ""] | int,
) -> Float[Array, ""]:
    """−log P(labels | logits), in nats: over all ways to place the labels in time, class 0 being the blank.

    P(l) = Σ_π Π_t softmax(logits_t)[π_t],  π over paths that collapse to l: equals in a row made one, blanks out

    With l′ = blank, l_1, blank, l_2, …, blank and α_t(s) the probability of being at l′_s after t steps,
    α_t(s) = (α_{t−1}(s) + α_{t−1}(s−1) + [l′_s is no blank and not l′_{s−2}] α_{t−1}(s−2)) · y_t(l′_s), in logarithms.

    Steps from time_length on and labels from label_length on are padding: they change neither value nor gradient.
    Labels that can't be placed in so little time have probability 0: the loss is infinite, its gradient 0; see
    `check_feasible`. No labels in no time are certain: the loss is 0. Source: Graves et al. (2006), eq. 5-8.
    """
    log_y = jax.nn.log_softmax(wide(logits))
    symbols, skips = _with_blanks(labels)
    places = jnp.arange(len(symbols))
    first = jnp.where(places < 2, log_y[0, symbols], -jnp.inf)  # a path begins with a blank or the first label
    alpha = jnp.where(time_length > 0, first, jnp.where(places == 0, 0.0, -jnp.inf))  # no time holds no labels

    def step(alpha: Array, inputs: tuple[Array, Array]) -> tuple[Array, None]:
        log_y, t = inputs
        one, two = _shifted(alpha, 1), jnp.where(skips, _shifted(alpha, 2), -jnp.inf)
        new = log_sum(jnp.stack([alpha, one, two])) + log_y[symbols]
        return jnp.where(t < time_length, new, alpha), None

    alpha, _ = jax.lax.scan(step, alpha, (log_y[1:], jnp.arange(1, len(log_y))))
    end = 2 * jnp.asarray(label_length)
    ends = jnp.where((places == end) | (places == end - 1), alpha, -jnp.inf)
    return -log_sum(ends)


def log_sum(x: Float[Array, " terms *any"]) -> Float[Array, "*any"]:
    """log Σ exp x over the first axis; −∞ where all terms are −∞, with gradient 0 and not NaN."""
    largest = jax.lax.stop_gradient(x.max(0))
    largest = jnp.where(jnp.isfinite(largest), largest, 0)
    total = jnp.exp(x - largest).sum(0)
    return jnp.where(total == 0, -jnp.inf, jnp.log(jnp.where(total == 0, 1, total)) + largest)


def _with_blanks(labels: Int[Array, " limit"]) -> tuple[Int[Array, " places"], Bool[Array, " places"]]:
    """(l′, whether a path may come to each place from two before it)."""
    symbols = jnp.stack([jnp.full_like(labels, BLANK), labels], 1).reshape(-1)
    symbols = jnp.concatenate([symbols, jnp.full(1, BLANK, symbols.dtype)])
    before = jnp.concatenate([jnp.full(2, BLANK, symbols.dtype), symbols])[:-2]
    return symbols, (symbols != BLANK) & (symbols != before)


def _shifted(alpha: Array, by: int) -> Array:
    return jnp.concatenate([jnp.full(by, -jnp.inf, alpha.dtype), alpha])[:-by]


def check_feasible(
    labels: Int[np.ndarray, "rows limit"],
    time_length: Int[np.ndarray, " rows"],
    label_length: Int[np.ndarray, " rows"],
    classes: int,
) -> None:
    """InputError that names the first row whose labels can't be placed in its time, or are no labels.

    A row needs a step for each label, and one for a blank between two that are equal.
    """
    for row, (line, time, length) in enumerate(zip(labels, time_length, label_length, strict=True)):
        real = line[:length]
        if length > len(line) or not ((real > BLANK) & (real < classes)).all():
            raise InputError(
                f"row {row}: labels {real.tolist()}: expected {length} of 1 to {classes - 1}; 0 is the blank"
            )
        needed = int(length + (real[1:] == real[:-1]).sum())
        if needed > time:
            raise InputError(
                f"row {row}: {length} labels need {needed} steps of time, and there are {time}: leave the row out, or "
                "let the network keep more steps"
            )
