"""Rows to unit length, softmax and hardmax: worked numbers, what overflows, and the temperature between them.

    python -m experiments.foundations.softmax

About 3 s on two CPU cores. Finds: softmax [5, 2, −1, 3] = [0.842, 0.042, 0.002, 0.114] with any number added to all
four, up to ±1e4, while exp(z)/Σexp(z) in float32 is right only for numbers from −86 to 82; the largest has probability
1.000 at temperature 0.1 and 0.257 at 100 (exact).
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxdl.layers.softmax import hardmax, normalize_rows, softmax
from jaxdl.report.comparison import curves
from jaxdl.run import run

ROWS = jnp.array([[0.0, 3.0, 4.0], [1.0, 6.0, 4.0]])
Z = jnp.array([5.0, 2.0, -1.0, 3.0])
LONGER = jnp.array([7.0, 5.0, 0.0, 0.0, 0.0])


@dataclass(frozen=True)
class Config:
    shift: int = 120
    """Up to so much is added to, and taken from, every z."""
    far: float = 1e4
    temperatures: tuple[float, float] = (0.1, 100.0)


def naive(z):
    """exp(zⱼ) / Σₖ exp(zₖ) as it is written."""
    weights = jnp.exp(z)
    return weights / weights.sum(-1, keepdims=True)


class Measured(NamedTuple):
    shifts: np.ndarray
    """[n]: the number added to every z."""
    naive: np.ndarray
    """[n, 4]: float32 probabilities, which no shift should change."""
    stable: np.ndarray
    far: np.ndarray
    """[2, 4]: the stable form at shifts of −far and far."""
    temperatures: np.ndarray
    """[m]"""
    tempered: np.ndarray
    """[m, 4]"""


def measure(config):
    shifts = jnp.arange(-config.shift, config.shift + 1.0)
    cold, hot = config.temperatures
    temperatures = np.geomspace(cold, hot, 61)
    return Measured(
        np.asarray(shifts),
        np.asarray(naive(Z + shifts[:, None])),
        np.asarray(softmax(Z + shifts[:, None])),
        np.asarray(softmax(Z + jnp.array([[-config.far], [config.far]]))),
        temperatures,
        np.stack([softmax(Z, float(temperature)) for temperature in temperatures]),
    )


def right(measured):
    """(lowest, highest) shift up to which the naive form is right to 0.001."""
    known = measured.shifts[np.abs(measured.naive - softmax(Z)).max(-1) < 1e-3]
    return int(known.min()), int(known.max())


def main(config, run):
    measured = measure(config)
    low, high = right(measured)
    off = np.abs(measured.far - softmax(Z)).max()
    (cold, hot), (first, last) = config.temperatures, measured.tempered[[0, -1]]
    told = [
        f"rows {listed(ROWS[0])} and {listed(ROWS[1])} at unit length: "
        f"{listed(normalize_rows(ROWS)[0])} and {listed(normalize_rows(ROWS)[1])}",
        f"softmax {listed(Z)} = {listed(softmax(Z), 3)}, hardmax {listed(hardmax(Z))}",
        f"softmax {listed(LONGER)} = {listed(softmax(LONGER), 6)}",
        f"with s added to every z, exp(z)/Σexp(z) in float32 is right only for {low} ≤ s ≤ {high}, and then wrong or "
        f"NaN; with the largest z taken off first, s = ±{config.far:g} changes the probabilities by {off:.1g}",
        f"the largest z has probability {first.max():.6f} at temperature {cold:g}, {softmax(Z).max():.3f} at 1 and "
        f"{last.max():.3f} at {hot:g}",
    ]
    return told, figures(config, measured)


def listed(row, digits=4):
    return "[" + ", ".join(f"{round(float(value), digits):g}" for value in row) + "]"


def figures(config, measured):
    low, high = right(measured)
    largest = int(Z.argmax())
    wide = (700, 320)
    return {
        f"A number added to every z changes nothing; the naive form is right from {low} to {high} only": curves(
            {
                "naive": (measured.shifts, measured.naive[:, largest]),
                "largest z taken off first": (measured.shifts, measured.stable[:, largest]),
            },
            "added to every z",
            "probability of the largest",
            size=wide,
        ),
        f"Temperature leads from hardmax to a draw at random: the largest has {measured.tempered[0].max():.3f} at "
        f"{config.temperatures[0]:g}, {measured.tempered[-1].max():.3f} at {config.temperatures[1]:g}": curves(
            {f"z = {float(z):g}": (measured.temperatures, measured.tempered[:, n]) for n, z in enumerate(Z)},
            "temperature (log scale)",
            "probability",
            log="x",
            size=wide,
        ),
    }


if __name__ == "__main__":
    run(main, Config)
