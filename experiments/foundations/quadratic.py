"""Every update rule down one parabola: w² − 10w + 25 from w = 0.

    python -m experiments.foundations.quadratic

About 3 s on two CPU cores. Finds: at α = 0.1 plain gradient descent is within 0.001 of the minimum after 39 steps,
RMSprop after 80, Adam after 178 (its first step is 0.1 whatever the slope), momentum after 159, having first gone to
8.54; AdaGrad and AdaDelta are not there after 1000, and AdamW's decay holds w at 4.974 (exact).
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxdl.optim import rules
from jaxdl.report.comparison import curves
from jaxdl.run import run

RULES = {
    "gradient descent": rules.gradient_descent(),
    "momentum": rules.momentum(),
    "averaged momentum": rules.momentum_average(),
    "averaged, corrected": rules.momentum_average(bias_correction=True),
    "Nesterov": rules.nesterov(),
    "AdaGrad": rules.adagrad(),
    "RMSprop": rules.rmsprop(),
    "AdaDelta (α = 1)": rules.adadelta(),
    "Adam": rules.adam(),
    "AdamW (λ = 0.01)": rules.adamw(),
    "Nadam": rules.nadam(),
}


@dataclass(frozen=True)
class Config:
    learning_rate: float = 0.1
    """α of every rule but AdaDelta, whose own paper has 1."""
    steps: int = 1000
    close: float = 1e-3
    """Settled means: no further than this from 5, from that step on."""


def main(config, run):
    paths = measure(config)
    settled = {name: settling_step(path, config.close) for name, path in paths.items()}
    return findings(config, paths, settled), figures(config, paths)


def measure(config):
    """{rule: w after 0, 1, …, steps steps}."""
    rates = {name: 1.0 if "AdaDelta" in name else config.learning_rate for name in RULES}
    return {name: np.asarray(descend(rule, rates[name], config.steps)) for name, rule in RULES.items()}


@partial(jax.jit, static_argnums=(0, 2))
def descend(rule, learning_rate, steps):
    """The path of w, from 0."""
    transformation = optax.chain(rule, optax.scale_by_learning_rate(learning_rate))
    slope = jax.grad(lambda w: (w**2 - 10 * w + 25).sum())

    def step(carry, _):
        w, state = carry
        updates, state = transformation.update(slope(w), state, w)
        w = optax.apply_updates(w, updates)
        return (w, state), w

    start = jnp.zeros((1, 1))  # a matrix: weight decay spares everything else
    _, path = jax.lax.scan(step, (start, transformation.init(start)), length=steps)
    return jnp.concatenate([start[None], path]).ravel()


def settling_step(path, close):
    """The step from which w stays within `close` of 5, or None."""
    outside = np.flatnonzero(np.abs(path - 5) >= close)
    return None if outside[-1] == len(path) - 1 else int(outside[-1]) + 1


def findings(config, paths, settled):
    told = [f"With α = {config.learning_rate:g}, w after 1 step and the step from which |w − 5| < {config.close:g}:"]
    for name, path in paths.items():
        when = f"settled at step {settled[name]}" if settled[name] else f"not settled within {config.steps} steps"
        told.append(f"{name}: {path[1]:.4f} after 1 step, {when}, {path[-1]:.4f} at the end")
    return told


def figures(config, paths):
    steps = np.arange(config.steps + 1)
    first = slice(0, 121)
    highest = max(paths, key=lambda name: paths[name].max())
    last = min(paths, key=lambda name: paths[name][-1])
    return {
        f"The first steps: {highest} shoots furthest past w = 5, to {paths[highest].max():.2f}": curves(
            {name: (steps[first], path[first]) for name, path in paths.items()}, "step", "w", size=(700, 380)
        ),
        f"The distance to the minimum: after {config.steps} steps {last} is furthest away, "
        f"by {5 - paths[last][-1]:.2f}": curves(
            {name: (steps, np.maximum(np.abs(path - 5), 1e-6)) for name, path in paths.items()},
            "step",
            "|w − 5|, at least 10⁻⁶ (log scale)",
            log="y",
            size=(700, 380),
        ),
    }


if __name__ == "__main__":
    run(main, Config)
