"""Why depth: the parity of n bits by a deep network of few units, a wide one, and one that counts (Håstad, 1986).

    python -m experiments.foundations.parity

About 18 s on two CPU cores. Finds: for 10 bits it takes 512 units in one layer if each is an AND (the minterms), 20 in
four layers as a tree of XOR blocks, 10 in one layer if each adds up all bits (the counter); all are exact. Yet of 60
trainings at 4 to 6 bits, all find parity in the minterms' shape, 7 in the tree's and 3 in the counter's (20 seeds).
"""

import itertools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments import expect
from jaxdl.layers.initializers import he
from jaxdl.losses.classification import binary_cross_entropy
from jaxdl.report.style import color, figure, tidy
from jaxdl.run import run


@dataclass(frozen=True)
class Config:
    largest: int = 10
    """Networks are constructed for 2 up to so many bits."""
    bits: tuple[int, ...] = (4, 5, 6)
    """Sizes at which networks are trained."""
    seeds: int = 20
    steps: int = 1500
    learning_rate: float = 1e-2

    def __post_init__(self):
        expect(self, 2, "largest", "bits")


def inputs(n):
    """All 2ⁿ rows of n bits, (2ⁿ, n)."""
    return np.array(list(itertools.product([0.0, 1.0], repeat=n)), np.float32)


def parity(x):
    return x.sum(-1) % 2


def apply(layers, x):
    """relu(… relu(x W₁ + b₁) …) W + b, one number for each row of x. layers: [(W, b), …]."""
    for w, b in layers[:-1]:
        x = jnp.maximum(x @ w + b, 0)
    w, b = layers[-1]
    return (x @ w + b)[..., 0]


def tree(n):
    """Pairs of bits, then pairs of pairs: a XOR b = relu(a+b) − 2 relu(a+b−1), two units; a bit left over takes one."""
    layers, read = [], np.eye(n)  # read: the bits of this level out of the units of the level below
    while (bits := read.shape[1]) > 1:
        pairs = bits // 2
        units = 2 * pairs + bits % 2
        add, start, combine = np.zeros((bits, units)), np.zeros(units), np.zeros((units, pairs + bits % 2))
        for pair in range(pairs):
            add[2 * pair : 2 * pair + 2, 2 * pair : 2 * pair + 2] = 1
            start[2 * pair + 1] = -1
            combine[2 * pair : 2 * pair + 2, pair] = 1, -2
        if bits % 2:
            add[-1, -1] = combine[-1, -1] = 1
        layers.append((read @ add, start))
        read = combine
    return [*layers, (read, np.zeros(1))]


def minterms(n):
    """One hidden layer of AND units, one for each odd row p: relu(Σ ±xᵢ − Σ pᵢ + 1) is 1 at x = p and 0 elsewhere."""
    odd = inputs(n)[parity(inputs(n)) == 1]
    return [((2 * odd - 1).T, 1 - odd.sum(1)), (np.ones((len(odd), 1)), np.zeros(1))]


def counter(n):
    """One hidden layer over s = Σ xᵢ alone: relu(s) − 2 relu(s−1) + 2 relu(s−2) − … goes up and down as s does."""
    slopes = np.array([1.0, *(2.0 * (-1) ** k for k in range(1, n))])
    return [(np.ones((n, n)), -np.arange(n)), (slopes[:, None], np.zeros(1))]


NETWORKS = {"tree": tree, "minterms": minterms, "counter": counter}
COLORS = {"tree": color("train"), "minterms": color("dev"), "counter": color("test")}
MARKERS = {"tree": "o", "minterms": "s", "counter": "^"}


def widths(layers):
    """The sizes of the hidden layers."""
    return [w.shape[1] for w, _ in layers[:-1]]


def mistakes(layers, n):
    """On how many of the 2ⁿ rows the network's number is not exactly the parity."""
    return int((np.asarray(apply(layers, inputs(n))) != parity(inputs(n))).sum())


def init(key, sizes):
    """He's initialisation, biases at zero."""
    keys = jax.random.split(key, len(sizes) - 1)
    shapes = zip(keys, itertools.pairwise(sizes), strict=True)
    return [(he(k, (n_in, n_out)), jnp.zeros(n_out)) for k, (n_in, n_out) in shapes]


def accuracies(n, hidden, config):
    """Accuracy on all 2ⁿ rows after training on them by Adam, (seeds,)."""
    x, y = jnp.asarray(2 * inputs(n) - 1), jnp.asarray(parity(inputs(n)))
    adam = optax.adam(config.learning_rate)

    def cost(layers):
        return jax.vmap(binary_cross_entropy)(apply(layers, x), y).mean()

    def step(state, _):
        layers, moments = state
        updates, moments = adam.update(jax.grad(cost)(layers), moments)
        return (optax.apply_updates(layers, updates), moments), None

    def train(key):
        layers = init(key, [n, *hidden, 1])
        (layers, _), _ = jax.lax.scan(step, (layers, adam.init(layers)), length=config.steps)
        return ((apply(layers, x) > 0) == y).mean()

    return np.asarray(jax.jit(jax.vmap(train))(jax.random.split(jax.random.key(0), config.seeds)))


def measure(config):
    """({network: {n: (units, hidden layers, mistakes)}} as constructed, {network: {n: accuracies}} as trained)."""
    sizes = range(2, config.largest + 1)
    built = {name: {n: _described(make(n), n) for n in sizes} for name, make in NETWORKS.items()}
    trained = {
        name: {n: accuracies(n, widths(make(n)), config) for n in config.bits} for name, make in NETWORKS.items()
    }
    return built, trained


def main(config, run):
    built, trained = measure(config)
    units = ", ".join(f"{name} {sizes[config.largest][0]}" for name, sizes in built.items())
    wrong = sum(wrong for sizes in built.values() for _, _, wrong in sizes.values())
    layers = built["tree"][config.largest][1]
    findings = [
        f"Hidden units that compute the parity of {config.largest} bits: {units}; those of the tree lie in {layers} "
        f"layers, the others in 1. Rows on which any network is wrong, for 2 to {config.largest} bits: {wrong}.",
    ]
    for name, sizes in trained.items():
        found = [
            f"{(a == 1).sum()} of {a.size} seeds at n = {n} (accuracy {a.mean():.3f} ± {a.std():.3f})"
            for n, a in sizes.items()
        ]
        findings.append(
            f"Shaped as the {name} and trained from random weights, all rows are learned by {', '.join(found)}."
        )
    return findings, {
        f"Hidden units that compute parity, at {config.largest} bits: {units}": _units_figure(built),
        "To exist is not to be found: share of seeds that learn parity in the shape of each": _learned_figure(trained),
    }


def _described(layers, n):
    return sum(widths(layers)), len(widths(layers)), mistakes(layers, n)


def _units_figure(built):
    sheet = figure(420, 280)
    axes = sheet.add_subplot()
    for name, of in built.items():
        counts = [units for units, _, _ in of.values()]
        axes.semilogy(list(of), counts, color=COLORS[name], marker=MARKERS[name], markersize=4, base=2, label=name)
    tidy(axes, "bits n", "hidden units (log scale)")
    axes.legend(frameon=False)
    return sheet


def _learned_figure(trained):
    sheet = figure(420, 280)
    axes = sheet.add_subplot()
    for name, of in trained.items():
        shares = [(a == 1).mean() for a in of.values()]
        axes.plot(list(of), shares, color=COLORS[name], marker=MARKERS[name], label=f"widths of the {name}")
    axes.set_xticks(list(of))
    axes.set_ylim(-0.05, 1.05)
    tidy(axes, "bits n", "share of seeds that learn all 2ⁿ rows")
    axes.legend(frameon=False, loc="center right")
    return sheet


if __name__ == "__main__":
    run(main, Config)
