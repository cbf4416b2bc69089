"""Learning-rate decay: each schedule is a pure function of the step, counted from 0, safe under `jit`.

An epoch is `step // steps_per_epoch`, the number of epochs already finished; where the notes count epochs from 1, so
does the formula here (epoch + 1). With `steps_per_epoch=1` the same formulas count mini-batches.
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
import optax


def constant(learning_rate: float) -> optax.Schedule:
    """α = α₀."""
    return lambda step: jnp.full(jnp.shape(step), learning_rate)


def inverse_time(learning_rate: float, rate: float, steps_per_epoch: int) -> optax.Schedule:
    """α = α₀ / (1 + rate·epoch)."""
    return lambda step: learning_rate / (1.0 + rate * (jnp.asarray(step) // steps_per_epoch))


def exponential(learning_rate: float, rate: float, steps_per_epoch: int) -> optax.Schedule:
    """α = α₀ · rate^epoch."""
    return lambda step: learning_rate * rate ** (jnp.asarray(step) // steps_per_epoch)


def inverse_sqrt(learning_rate: float, k: float, steps_per_epoch: int) -> optax.Schedule:
    """α = k·α₀ / √epoch, epochs counted from 1; `steps_per_epoch=1` gives k·α₀ / √t."""
    return lambda step: k * learning_rate / jnp.sqrt(1.0 + jnp.asarray(step) // steps_per_epoch)


def staircase(learning_rate: float, rate: float, epochs: int, steps_per_epoch: int) -> optax.Schedule:
    """α = α₀ · rate^⌊epoch / epochs⌋: multiplied by `rate` every so many epochs."""
    return exponential(learning_rate, rate, epochs * steps_per_epoch)


def table(learning_rate: float, rows: Sequence[tuple[int, float]], steps_per_epoch: int) -> optax.Schedule:
    """Set by hand: from each row's epoch on, the row's rate; `learning_rate` before the first row. Epochs must rise."""
    starts = np.asarray([epoch for epoch, _ in rows], np.int32)
    rates = np.asarray([learning_rate, *(rate for _, rate in rows)])
    return lambda step: jnp.asarray(rates)[jnp.searchsorted(starts, jnp.asarray(step) // steps_per_epoch, side="right")]


def cosine(learning_rate: float, steps: int, begin: int = 0) -> optax.Schedule:
    """α = α₀/2 · (1 + cos(π·(t − begin)/(steps − begin))): α₀ up to `begin`, 0 at `steps`.

    Loshchilov & Hutter, 2017, eq. 5, with one period.
    """

    def schedule(step):
        done = jnp.clip((step - begin) / max(steps - begin, 1), 0.0, 1.0)
        return learning_rate * (0.5 * (1.0 + jnp.cos(jnp.pi * done)))

    return schedule


def warmup(schedule: optax.Schedule, steps: int) -> optax.Schedule:
    """Rises linearly over the first `steps` steps to what `schedule` is then, and follows it from there.

    α(t) = (t + 1)/steps · schedule(steps − 1) for t < steps. The first step is never idle. In front of `inverse_sqrt`
    by mini-batches it is the Transformer's schedule (Vaswani et al., 2017, eq. 3). With 0 steps, `schedule` itself.
    """
    if steps == 0:
        return schedule

    def warmed(step):
        rising = (jnp.asarray(step) + 1) / steps * schedule(steps - 1)
        return jnp.where(step < steps, rising, schedule(step))

    return warmed
