"""Where the weights start: seven initialisers, three activations, five hidden layers (Glorot and Bengio, 2010).

    python -m experiments.training.initialization

About 45 s on two CPU cores. Finds: over five hidden layers tanh reaches 0.965 ± 0.010 with Xavier's weights and relu
0.960 ± 0.006 with He's; zeros and N(0, 0.01²) stay at 0.103; N(0, 1) makes every relu training diverge. Zeros keep the
units of a layer equal and the loss at ln 2. With He 0.013 ± 0.015 of layer 5 is dead before training (3 seeds).
"""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from jaxdl.data import images, planar
from jaxdl.errors import Diverged
from jaxdl.layers import activations, initializers
from jaxdl.models.classifier import classifier
from jaxdl.models.mlp import MLP
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import PALETTE, histograms, legend, panels, spread
from jaxdl.report.style import INK, SIZE
from jaxdl.run import run
from jaxdl.train.loop import fit

INITIALIZERS = ("zeros", "large", "small", "xavier", "glorot", "he", "orthogonal")
ACTIVATIONS = ("sigmoid", "tanh", "relu")
LAYERS = 5


@dataclass(frozen=True)
class Config:
    seeds: int = 3
    initializers: tuple[str, ...] = INITIALIZERS
    activations: tuple[str, ...] = ACTIVATIONS
    width: int = 50
    """Of the five hidden layers of the networks that are trained on the digits."""
    epochs: int = 10
    batch_size: int = 64
    optimizer: Chain = Chain("momentum", learning_rate=0.01)
    balanced_epochs: int = 50
    """Of the training from zeros on two classes of equal size."""
    units: int = 100
    """Of the five layers whose first activations are drawn, and of their inputs, N(0, 1)."""
    inputs: int = 1000


def main(config, run):
    accuracy, alike, first = accuracies(config, run), symmetry(config, run), first_activations(config)
    return findings(config, accuracy, alike, first), figures(accuracy, first)


def network(initializer, activation, widths, event_axes=1):
    init, g = initializers.named(initializer), activations.named(activation)
    return MLP(widths, activation=g, kernel_init=init, event_axes=event_axes)


def accuracies(config, run):
    """{activation: {initializer: test accuracy on the digits for each seed, NaN where training diverged}}."""
    data = images.load()
    widths = (64, *[config.width] * LAYERS, data.classes)
    found = {name: {init: np.full(config.seeds, np.nan) for init in config.initializers} for name in config.activations}
    for activation in config.activations:
        for init in config.initializers:
            model = network(init, activation, widths, event_axes=3)
            task = classifier(model, data, config.optimizer, config.epochs, config.batch_size)
            for seed in range(config.seeds):
                place = replace(run.within(f"{activation}-{init}/{seed}"), seed=run.seed + seed)
                result = trained(task, place)
                if result is not None:
                    found[activation][init][seed] = result.metrics["test/accuracy"]
            print(f"{activation}, {init}: test accuracy {with_diverged(found[activation][init])}", flush=True)
    return found


def trained(task, run):
    """The result of one training, or None where its loss stopped being finite."""
    try:
        return fit(task, replace(run, quiet=True, checkpoint_every=task.steps))  # ten would cost more than the training
    except Diverged:
        return None


def symmetry(config, run):
    """{activation: (largest difference between the weights of two units of a layer, loss)} of a training from zeros.

    On two classes of equally many points, all in one batch.
    """
    data, found = planar.load("circles"), {}
    for activation in config.activations:
        model = network("zeros", activation, (2, *[8] * LAYERS, 2))
        task = classifier(model, data, Chain("gd", learning_rate=0.1), config.balanced_epochs, len(data.train))
        result = trained(task, run.within(f"zeros-{activation}"))
        hidden = {name: leaves for name, leaves in result.state.params.items() if name != "output"}
        difference = max(float(np.ptp(leaf, axis=-1).max()) for leaf in jax.tree.leaves(hidden))
        found[activation] = difference, result.metrics["train/loss"]
    return found


def first_activations(config):
    """{activation: {initializer: a [seeds, layers, inputs, units] before any training}}, with inputs N(0, 1)."""
    keys = jax.random.split(jax.random.key(0), config.seeds)
    return {
        g: {init: np.stack([through_layers(config, init, g, key) for key in keys]) for init in config.initializers}
        for g in config.activations
    }


def through_layers(config, initializer, activation, key):
    """aˡ = g(aˡ⁻¹Wˡ), biases being 0, for l = 1 … 5: [layers, inputs, units]."""
    init, g = initializers.named(initializer), activations.named(activation)
    k_inputs, *k_layers = jax.random.split(key, LAYERS + 1)
    a = [jax.random.normal(k_inputs, (config.inputs, config.units))]
    for k_layer in k_layers:
        a.append(g(a[-1] @ init(k_layer, (config.units, config.units))))
    return jnp.stack(a[1:])


def deviations(a):
    """Standard deviation of each layer's activations over inputs and units, [seeds, layers]."""
    return a.std((-2, -1))


def dead_share(a):
    """Share of each layer's units that are 0 for every input, [seeds, layers]."""
    return (a == 0).all(-2).mean(-1)


def findings(config, accuracy, alike, first):
    told = [
        f"{activation}, test accuracy after {config.epochs} epochs on the digits: "
        + "; ".join(f"{init} {with_diverged(values)}" for init, values in found.items())
        for activation, found in accuracy.items()
    ]
    for activation, (difference, loss) in alike.items():
        told.append(
            f"{activation} from zeros, on two classes of equal size: after {config.balanced_epochs} epochs the weights "
            f"of a layer's units differ by {difference:g} and the loss is {loss:.4f} (ln 2 = {np.log(2):.4f})"
        )
    for activation, found in first.items():
        ends = {init: deviations(a).mean(0)[[0, -1]] for init, a in found.items()}
        told.append(
            f"{activation}, standard deviation of the activations before training, layer 1 → {LAYERS}: "
            + "; ".join(f"{init} {one:.2g} → {last:.2g}" for init, (one, last) in ends.items())
        )
    if "relu" in first:
        shares = {init: dead_share(a)[:, -1] for init, a in first["relu"].items()}
        told.append(
            f"relu, share of units in layer {LAYERS} that are 0 for all {config.inputs} inputs before training: "
            + "; ".join(f"{init} {spread(values)}" for init, values in shares.items())
            + " (as relu(cz) = c·relu(z), the scale of normal weights does not matter)"
        )
    return told


def with_diverged(values):
    """Mean and deviation over the seeds that trained, and how many diverged."""
    lost = int(np.isnan(values).sum())
    if lost == len(values):
        return f"diverged ({lost} of {lost})"
    return spread(values[~np.isnan(values)]) + (f", {lost} of {len(values)} diverged" if lost else "")


def figures(accuracy, first):
    drawn = {f"Test accuracy on the digits: {best_of(accuracy)}": accuracy_figure(accuracy)}
    kept = {name: deviations(found["xavier"]).mean(0)[-1] for name, found in first.items() if "xavier" in found}
    told = ", ".join(f"{name} {last:.2f}" for name, last in kept.items())
    xavier = f"; what Xavier's weights bring to layer {LAYERS}: {told}" if kept else ""
    drawn[f"Standard deviation of the activations before training{xavier}"] = deviation_figure(first)
    for activation, found in first.items():
        rows = {init: {f"layer {i + 1}": layer for i, layer in enumerate(a[0])} for init, a in found.items()}
        last = ", ".join(f"{init} {a[0, -1].std():.2g}" for init, a in found.items())
        drawn[f"{activation} before training; standard deviation in layer {LAYERS}: {last}"] = histograms(
            rows, "activation"
        )
    return drawn


def best_of(accuracy):
    """`sigmoid learns best from large (0.630), …`."""
    means = {name: {init: np.nan_to_num(v).mean() for init, v in found.items()} for name, found in accuracy.items()}
    best = {name: max(found, key=lambda init: found[init]) for name, found in means.items()}
    return ", ".join(f"{name} learns best from {init} ({means[name][init]:.3f})" for name, init in best.items())


def accuracy_figure(accuracy):
    sheet, found = panels(list(accuracy), "test accuracy", "", height=230)
    for axes, values in zip(found, accuracy.values(), strict=True):
        for row, of_seeds in enumerate(values.values()):
            axes.plot(of_seeds, [row] * len(of_seeds), "o", color=PALETTE[0], alpha=0.6, markersize=5, clip_on=False)
            if np.isnan(of_seeds).any():
                axes.annotate("diverged", (0.02, row), va="center", fontsize=SIZE - 1, color=PALETTE[1])
        axes.set(xlim=(0, 1), ylim=(len(values) - 0.5, -0.5))
        axes.set_yticks(range(len(values)), list(values), fontsize=SIZE, color=INK)
    return sheet


def deviation_figure(first):
    sheet, found = panels(list(first), "layer", "std of activations (log scale)", height=260)
    for axes, values in zip(found, first.values(), strict=True):
        for place, (init, a) in enumerate(values.items()):
            if init != "zeros":  # 0, which a logarithmic axis does not have
                dash = "--" if init == "glorot" else "-"  # over xavier's line, which it is where n_in = n_out
                [line] = axes.plot(range(1, LAYERS + 1), deviations(a).mean(0), dash, marker=".", color=PALETTE[place])
                line.set_label(init if axes is found[0] else None)
        axes.set(yscale="log", ylim=(1e-7, 1e5))
    legend(sheet)
    return sheet


if __name__ == "__main__":
    run(main, Config)
