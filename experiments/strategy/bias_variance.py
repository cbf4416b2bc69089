"""Bias and variance: how the diagnosis of a network changes with its size and its data (see the notes).

    python -m experiments.strategy.bias_variance

About 35 s on two CPU cores. Finds: on 1,078 digits a network of 2 hidden units has a train error of 57.5 % and a dev
error of 59.3 %, avoidable bias; one of 64 has 0.0 and 3.1, variance; on 60 digits the one of 64 has 0.0 and 15.6, and
on 250 it has 6.6 on dev: data takes variance away, and size bias (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from jaxdl.data import images
from jaxdl.errors import InputError
from jaxdl.models.classifier import classifier
from jaxdl.models.mlp import MLP
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import curves
from jaxdl.run import run
from jaxdl.strategy.diagnose import diagnose
from jaxdl.train.trials import trials

HUMAN_LEVEL = 0.01
"""What people get wrong of digits of 8×8 pixels, roughly: the proxy for the Bayes error. --human-level is another."""


@dataclass(frozen=True)
class Config:
    hidden: tuple[int, ...] = (1, 2, 4, 64)
    """Units of the one hidden layer."""
    examples: tuple[int, ...] = (60, 250, 1078)
    """To train on; the digits have 1078."""
    steps: int = 1500
    """Of each training, however few its examples are."""
    batch_size: int = 32
    seeds: int = 3
    optimizer: Chain = Chain("adam", learning_rate=5e-3, decay="cosine")


def load(seed):
    return images.load("digits", seed=seed)


def build(config, hidden, examples, seed):
    data = load(seed)
    rows = np.random.default_rng(seed).permutation(len(data.train))[:examples]
    data = replace(data, train=data.train.select(rows))
    model = MLP((64, hidden, data.classes), event_axes=3)
    batch = min(config.batch_size, examples)
    return classifier(model, data, config.optimizer, -(-config.steps // -(-examples // batch)), batch)


def measure(config, run):
    """{(hidden, examples): ({set: error, the mean over seeds}, {set: examples})}."""
    most, there = max(config.examples), len(load(0).train)
    if most > there:
        raise InputError(f"--examples {most}: there are {there} to train on")
    human = HUMAN_LEVEL if run.human_level is None else run.human_level
    once = replace(run, evaluate_every=run.evaluate_every or 10**6, human_level=human)
    cells = {f"{h} hidden, {n} examples": (h, n) for h in config.hidden for n in config.examples}
    found = trials({name: partial(build, config, *cell) for name, cell in cells.items()}, once, config.seeds)
    return {cells[name]: averaged(results, cells[name][1], human) for name, results in found.items()}


def averaged(results, examples, human):
    errors = {
        name: 1 - np.mean([result.metrics[f"{name}/accuracy"] for result in results]) for name in ("train", "dev")
    }
    counts = {"train": examples, "dev": len(load(0).dev)}
    return {"human": human, **{name: float(error) for name, error in errors.items()}}, counts


def main(config, run):
    found = measure(config, run)
    verdicts = {cell: diagnose(errors, counts) for cell, (errors, counts) in found.items()}
    told = [
        f"{hidden} hidden unit{'s' * (hidden > 1)}, {examples} examples: train error {100 * of.errors['train']:.1f} %, "
        f"dev error {100 * of.errors['dev']:.1f} %: {of.verdict}"
        for (hidden, examples), of in verdicts.items()
    ]
    most = max(config.examples)
    sizes = np.array(config.hidden)
    by_size = {
        name: (sizes, np.array([100 * found[hidden, most][0][name] for hidden in config.hidden]))
        for name in ("train", "dev")
    }
    widest, counts = max(config.hidden), np.array(config.examples)
    by_data = {
        name: (counts, np.array([100 * found[widest, count][0][name] for count in config.examples]))
        for name in ("train", "dev")
    }
    fewest, least = min(config.hidden), min(config.examples)
    by_size_title = f"On {most} examples: {fewest} hidden units {verdicts[fewest, most].verdict}"
    by_data_title = f"With {widest} hidden units: {least} examples {verdicts[widest, least].verdict}"
    last = verdicts[widest, most].verdict
    return told, {
        f"{by_size_title}, {widest} {last}": curves(by_size, "hidden units", "error, %", log="x"),
        f"{by_data_title}, {most} {last}": curves(by_data, "examples to train on", "error, %", log="x"),
    }


if __name__ == "__main__":
    run(main, Config)
