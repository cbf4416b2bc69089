"""Update rules compared: on a bowl, a saddle and a plateau, and on a network (Goodfellow et al., 2016, chapter 8).

    python -m experiments.training.optimizers

About 35 s on two CPU cores. Finds: down a bowl 100 times as steep one way, Nesterov needs 55 steps, momentum 94 and
gradient descent 378; on a plateau gradient descent has not moved after 2000 steps, and Adam has crossed it after 48.
On the digits the ten rules, each at its own learning rate, end between 0.954 ± 0.030 (RMSprop) and 0.976 ± 0.008
(AdaDelta) of dev accuracy: no further apart than the seeds of one rule (3 seeds).
"""

from dataclasses import dataclass
from functools import partial
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxdl.data import images
from jaxdl.errors import Diverged
from jaxdl.models.classifier import classifier
from jaxdl.models.mlp import MLP
from jaxdl.optim.chain import Chain, Rule
from jaxdl.report import records
from jaxdl.report.comparison import PALETTE, curves, dots, panels, spread
from jaxdl.report.curves import weighted_average
from jaxdl.report.style import INK, SIZE, SOFT
from jaxdl.run import run
from jaxdl.train.loop import Result
from jaxdl.train.trials import scores, trials


def bowl(x, y):
    u, v = turned(x, y)
    return u**2 / 2 + 50 * v**2


def saddle(x, y):
    u, v = turned(x, y)
    return u**2 / 2 - v**2 / 2 + v**4 / 4


def plateau(x, y):
    return 1 - jnp.exp(-(x**2 + y**2) / 2)


def turned(x, y):
    """The coordinates after a turn by 30°: rules that scale x and y apart should find nothing laid out for them."""
    return jnp.cos(jnp.pi / 6) * x + jnp.sin(jnp.pi / 6) * y, -jnp.sin(jnp.pi / 6) * x + jnp.cos(jnp.pi / 6) * y


# name: (height of a point, where the descent starts, the height below which it has arrived)
SURFACES = {
    "bowl 100 times as steep one way": (bowl, (-2.0, -0.5), 1e-3),
    "saddle from a thousandth beside its ridge": (saddle, (-1.3, -0.749), -0.24),
    "plateau around a well": (plateau, (-5.0, 1.0), 0.01),
}

# For the network: of the rates below, the one with the best dev loss of seed 0, as found by
#   python -m experiments.training.optimizers --seeds 1 --rates 1e-3 3e-3 1e-2 3e-2 1e-1 3e-1 1 3
RATES = {
    "gd": 0.3,
    "momentum": 0.03,
    "momentum_average": 0.3,
    "nesterov": 0.03,
    "rmsprop": 3e-3,
    "adagrad": 0.03,
    "adadelta": 3.0,
    "adam": 3e-3,
    "adamw": 3e-3,
    "nadam": 0.01,
}


@dataclass(frozen=True)
class Config:
    seeds: int = 3
    surface_rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
    """Learning rates tried with each rule on each surface; the one that arrives first, for good, is kept."""
    surface_steps: int = 2000
    rates: tuple[float, ...] = ()
    """Learning rates tried with each rule on the network; the best on dev is kept. None: RATES above."""
    rules: tuple[Rule, ...] = get_args(Rule)
    hidden: tuple[int, ...] = (64, 64, 64)
    epochs: int = 12
    batch_size: int = 64


def main(config, run):
    descents, trained = measure_surfaces(config), measure_network(config, run)
    found = surface_findings(config, descents) + network_findings(config, trained)
    return found, surface_figures(descents) | network_figures(trained)


# The surfaces.


def measure_surfaces(config):
    """{surface: {rule: (learning rate, steps until it arrived or None, path [steps + 1, 2])}}."""
    found: dict[str, dict[str, tuple]] = {}
    for surface, (height, start, threshold) in SURFACES.items():
        found[surface] = {}
        for rule in config.rules:
            if rule == "adamw":  # its decay spares everything but weight matrices: here it is adam
                continue
            rates = jnp.array(config.surface_rates)
            paths = descend(height, Chain(rule, learning_rate=1.0), start, config.surface_steps, rates)
            heights = [np.asarray(height(*path.T)) for path in paths]
            arrived = [for_good(along < threshold) for along in heights]
            # Of rates that don't arrive, the one that ends lowest.
            best = min(
                range(len(rates)), key=lambda i: (arrived[i] or np.inf, np.nan_to_num(heights[i][-1], nan=np.inf))
            )
            found[surface][rule] = (config.surface_rates[best], arrived[best], np.asarray(paths[best]))
    return found


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
@partial(jax.vmap, in_axes=(None, None, None, None, 0))
def descend(height, chain, start, steps, rate):
    """The path [steps + 1, 2] of a chain whose own learning rate is 1, with every step times `rate`."""
    transformation = chain.build(steps, steps)
    slope = jax.grad(lambda point: height(*point))

    def step(carry, _):
        point, state = carry
        change, state = transformation.update(slope(point), state, point)
        point = optax.apply_updates(point, rate * change)
        return (point, state), point

    begin = jnp.array(start)
    _, path = jax.lax.scan(step, (begin, transformation.init(begin)), length=steps)
    return jnp.concatenate([begin[None], path])


def for_good(flags):
    """The place from which all are true, or None."""
    place = 1 + max(np.flatnonzero(~flags), default=-1)
    return int(place) if place < len(flags) else None


def surface_findings(config, descents):
    told = []
    for surface, found in descents.items():
        order = sorted(found, key=lambda rule: np.inf if found[rule][1] is None else found[rule][1])
        steps = ", ".join(f"{rule} {found[rule][1]} (α = {found[rule][0]:g})" for rule in order if found[rule][1])
        stuck = ", ".join(rule for rule in order if found[rule][1] is None)
        told.append(
            f"On the {surface}: steps to arrive for good: {steps}"
            + (f"; not within {config.surface_steps} steps at any α: {stuck}" if stuck else "")
        )
    return told


def surface_figures(descents):
    return {f"The {caption(surface, found)}": contours(surface, found) for surface, found in descents.items()}


def caption(surface, found):
    arrived = {rule: steps for rule, (_, steps, _) in found.items() if steps}
    if not arrived:
        return f"{surface}: none of {len(found)} rules arrives"
    quickest = min(arrived, key=lambda rule: arrived[rule])
    return f"{surface}: {len(arrived)} of {len(found)} rules arrive, {quickest} first, after {arrived[quickest]} steps"


def contours(surface, found):
    """One panel a rule: the path until it arrives, on the surface's contours."""
    height, start, _ = SURFACES[surface]
    reach = 1.15 * np.abs(start).max()
    x, y = np.meshgrid(*[np.linspace(-reach, reach, 120)] * 2)
    z = np.asarray(height(x, y))
    levels = z.min() + (z.max() - z.min()) * np.linspace(0.05, 1, 14) ** 2  # denser where it is low
    sheet, each = panels(list(found), "x", "y")
    for axes, (rate, steps, path) in zip(each, found.values(), strict=True):
        axes.contour(x, y, z, levels, colors=SOFT, linewidths=0.5, alpha=0.6)
        shown = path[: (steps or len(path)) + 1]
        axes.plot(*shown.T, ".-", color=PALETTE[0], linewidth=1.2, markersize=2.5)
        axes.plot(*shown[-1], "o", color=PALETTE[1], markersize=5)
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
        told = f"α = {rate:g}: {steps} steps" if steps else "never"
        axes.annotate(told, (0.97, 0.03), xycoords="axes fraction", ha="right", fontsize=SIZE - 1, color=INK)
    return sheet


# The network.


def measure_network(config, run):
    """{rule: (learning rate, dev loss [seeds], dev accuracy [seeds], train loss after each step [seeds, steps])}."""
    candidates = {f"{rule}-{rate:g}": (rule, rate) for rule in config.rules for rate in config.rates or (RATES[rule],)}
    builds = {name: partial(build, config, *candidate) for name, candidate in candidates.items()}
    results: dict[str, list[Result]] = {}
    for name, of_seed in builds.items():
        try:
            results |= trials({name: of_seed}, run, config.seeds)
        except Diverged as error:
            print(f"{name}: {error}", flush=True)
    losses, accuracies = scores(results, "dev/loss"), scores(results, "dev/accuracy")
    found = {}
    for rule in config.rules:
        of_rule = [name for name in results if candidates[name][0] == rule]
        if not of_rule:  # every rate diverged
            continue
        best = min(of_rule, key=lambda name: losses[name].mean())
        steps = np.array([train_loss(result) for result in results[best]])
        found[rule] = (candidates[best][1], losses[best], accuracies[best], steps)
    if not found:
        raise Diverged("every training diverged: give lower --rates")
    return found


def build(config, rule, rate, seed):
    data = images.load("digits", seed=seed)
    model = MLP((64, *config.hidden, data.classes), event_axes=3)
    return classifier(model, data, Chain(rule, learning_rate=rate), config.epochs, config.batch_size)


def train_loss(result):
    return records.series(records.read(result.directory).records)["loss"]["train"].values


def network_findings(config, trained):
    shape = " × ".join(map(str, config.hidden))
    accuracies = np.array([of_seeds for _, _, of_seeds, _ in trained.values()])
    told = [
        f"A network of {shape} hidden units on the digits, {config.epochs} epochs, {config.seeds} seeds: the mean dev "
        f"accuracies of the rules lie within {np.ptp(accuracies.mean(1)):.3f}, those of one rule's seeds within up to "
        f"{np.ptp(accuracies, axis=1).max():.3f}; by dev loss:"
    ]
    for rule, (rate, losses, accuracies, steps) in sorted(trained.items(), key=lambda item: item[1][1].mean()):
        below = [np.flatnonzero(weighted_average(one, 0.9) < 0.2) for one in steps]
        quick = np.array([places[0] for places in below if places.size])
        when = f"train loss below 0.2 after {spread(quick, 0)} steps" if quick.size else "never below 0.2"
        if 0 < quick.size < len(steps):
            when += f" with {quick.size} of {len(steps)} seeds"
        told.append(f"{rule}, α = {rate:g}: loss {spread(losses)}, accuracy {spread(accuracies)}, {when}")
    return told


def network_figures(trained):
    accuracies = {rule: found[2] for rule, found in trained.items()}
    worst, best = (pick(accuracies, key=lambda rule: accuracies[rule].mean()) for pick in (min, max))
    lines = {}
    for rule, (_, _, _, steps) in trained.items():
        smooth = np.array([weighted_average(one, 0.9) for one in steps])
        lines[rule] = (np.arange(1, smooth.shape[1] + 1), smooth)
    return {
        "Training loss of the network, averaged over about 10 steps, and its range over the seeds": curves(
            lines, "step", "cross-entropy (nats, log scale)", log="y", size=(700, 400)
        ),
        f"On dev the rules, each at its own α, lie between {accuracies[worst].mean():.3f} ({worst}) and "
        f"{accuracies[best].mean():.3f} ({best})": dots(accuracies, "dev accuracy"),
    }


if __name__ == "__main__":
    run(main, Config)
