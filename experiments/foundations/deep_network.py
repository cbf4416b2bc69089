"""Two layers against more: is the digit odd? With the same number of parameters at every depth.

    python -m experiments.foundations.deep_network

About 20 s on two CPU cores. Finds: one layer, a single boundary, has a test accuracy of 0.901 ± 0.015, two layers of at
most 1500 parameters 0.980 ± 0.007. More depth adds nothing here: 4 layers have 0.978 ± 0.009, 6 layers 0.973 ± 0.007
(5 seeds).
"""

import dataclasses
import itertools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jaxdl.check.parameters import count, table
from jaxdl.data import images
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError
from jaxdl.losses.classification import graded_binary
from jaxdl.models.classifier import classifier
from jaxdl.models.mlp import MLP
from jaxdl.optim.chain import Chain
from jaxdl.report import records
from jaxdl.report.comparison import curves, dots, spread
from jaxdl.run import run
from jaxdl.train.trials import scores, trials


@dataclass(frozen=True)
class Config:
    wanted: tuple[int, ...] = (1, 3, 5, 7, 9)
    """The digits that are class 1; `--wanted 8` asks: is it an 8?"""
    layers: tuple[int, ...] = (1, 2, 3, 4, 6)
    """Networks of so many layers of weights; one layer is logistic regression."""
    parameters: int = 1500
    """Of each network, at most: the hidden layers are equally wide, and as wide as this allows."""
    epochs: int = 40
    batch_size: int = 64
    optimizer: Chain = Chain("adam", learning_rate=5e-3, decay="cosine")
    seeds: int = 5
    """Each with its own division into train, dev and test and its own first weights."""


def main(config, run):
    print(shapes(config))
    results = measure(config, run)
    return findings(config, results), figures(config, results)


def measure(config, run):
    """{network: [result of seed 0, 1, …]}."""
    builds = {
        name: lambda seed, widths=widths: build(config, widths, seed) for name, widths in networks(config).items()
    }
    return trials(builds, run, config.seeds)


def networks(config):
    """{name: widths}, of every depth."""
    found = {layers: widths(64, layers, config.parameters) for layers in config.layers}
    return {f"{layers}-layer, {'-'.join(map(str, sizes))}": sizes for layers, sizes in found.items()}


def widths(inputs, layers, parameters):
    """(inputs, n, …, n, 1) with the largest n that needs no more than so many parameters."""
    fitting = [n for n in range(1, parameters) if parameters_of((inputs, *(n,) * (layers - 1), 1)) <= parameters]
    if not fitting:
        raise InputError(f"parameters {parameters}: too few for {layers} layers on {inputs} inputs; give more")
    return (inputs, *(fitting[-1],) * (layers - 1), 1)


def parameters_of(widths):
    """Σ (n_in + 1)·n_out."""
    return sum((n_in + 1) * n_out for n_in, n_out in itertools.pairwise(widths))


def shapes(config):
    """The notes' example and the deepest network, leaf by leaf."""
    deepest = max(networks(config).values(), key=len)
    tables = []
    for sizes in ((2, 3, 5, 4, 2, 1), deepest):
        params = jax.eval_shape(MLP(sizes).init, jax.random.key(0), jnp.zeros(sizes[0]))["params"]
        tables.append(f"{'-'.join(map(str, sizes))}: {count(params)} parameters\n{table(params)}")
    return "\n\n".join(tables)


def build(config, widths, seed):
    data = wanted_or_not(images.load("digits", seed=seed), config.wanted)
    return classifier(
        MLP(widths, event_axes=3), data, config.optimizer, config.epochs, config.batch_size, grade=graded_binary
    )


def wanted_or_not(data, wanted):
    """The digits with label 1 where theirs is one of those wanted, 0 elsewhere."""
    if not 0 < len(set(wanted) & set(range(data.classes))) == len(set(wanted)) < data.classes:
        raise InputError(f"wanted {wanted}: expected some of 0 … {data.classes - 1}, not all, such as 8")

    def relabelled(part):
        return Arrays({**part.fields, "label": np.isin(part.fields["label"], wanted).astype(np.int32)})

    parts = {name: relabelled(getattr(data, name)) for name in ("train", "dev", "test")}
    return dataclasses.replace(data, **parts, classes=2, class_names=("another", "wanted"))


def findings(config, results):
    accuracy = scores(results, "test/accuracy")
    told = []
    for name, found in results.items():
        told.append(
            f"{name}: {count(found[0].state.params)} parameters, test accuracy {spread(accuracy[name])}, "
            f"training accuracy {spread(scores(results, 'train/accuracy')[name])}"
        )
    for fewer, more in itertools.pairwise(results):
        gain = spread(100 * (accuracy[more] - accuracy[fewer]), 1)
        told.append(f"From {fewer.split(',')[0]} to {more.split(',')[0]}: {gain} points of test accuracy, seed by seed")
    return told


def figures(config, results):
    accuracy = scores(results, "test/accuracy")
    best = max(accuracy, key=lambda name: accuracy[name].mean())
    lines = {name: learning_curve(config, found) for name, found in results.items()}
    rise = {name: (costs[:, -1] / costs.min(-1)).mean() for name, (_, costs) in lines.items()}
    most = max(rise, key=lambda name: rise[name])
    return {
        f"{best} does best on the test set: {spread(accuracy[best])}": dots(accuracy, "test accuracy"),
        f"Cost of the dev set: in the end that of {most} is {rise[most]:.1f} times its lowest": curves(
            lines, "epoch", "dev cost (nats, log scale)", log="y", size=(700, 380)
        ),
    }


def learning_curve(config, results):
    """(epoch, dev cost [seeds, evaluations])."""
    found = [records.series(records.read(result.directory).records)["loss"]["dev"] for result in results]
    steps = found[0].steps
    return config.epochs * steps / steps[-1], np.stack([of_seed.values for of_seed in found])


if __name__ == "__main__":
    run(main, Config)
