"""Transfer learning: what the digits 0–4 teach about 5–9, by how few of these there are (Yosinski et al., 2014).

    python -m experiments.vision.transfer_learning

About 60 s on two CPU cores. Finds: from 5 examples of each of the digits 5–9 a LeNet-5 that knows 0–4 gets to a test
accuracy of 0.898 ± 0.039, 2.4 ± 1.8 points above one from scratch; from 20 and 100 the gain is −0.1 ± 1.1 and
0.4 ± 0.4. With its convolutions frozen it gets to 0.885, 0.944 and 0.978; where its head learns alone to no more than
0.796, 0.868 and 0.932 (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from experiments import expect
from jaxdl.data import images
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError
from jaxdl.models.classifier import classifier
from jaxdl.models.lenet import LeNet5
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import curves, dots, spread
from jaxdl.run import run
from jaxdl.train.transfer import Transfer, transferred
from jaxdl.train.trials import scores, trials

METHODS = ("from scratch", "head alone", "frozen", "layer-wise rates", "fine-tuned")
SOURCE, TARGET = range(5), range(5, 10)


@dataclass(frozen=True)
class Config:
    seeds: int = 3
    """Of the split, of the examples chosen and of the weights."""
    examples: tuple[int, ...] = (5, 20, 100)
    """Of each of the digits 5–9, to train on."""
    fractions: tuple[float, float, float] = (0.6, 0.05, 0.35)
    """Of the digits 0–4 to pretrain on, of 5–9 to choose the examples from; the rest tests."""
    init_from: Path | None = None
    """The run of an earlier LeNet-5, or its .safetensors file; else each seed pretrains one on the digits 0–4."""
    new_head: str = "output/*"
    """Pattern of the parameters that start anew."""
    freeze: tuple[str, ...] = ("conv*",)
    """Patterns of the parameters that do not learn where the network is frozen."""
    rates: tuple[tuple[str, float], ...] = (("conv1/*", 0.1), ("conv2/*", 0.3))
    """Pairs PATTERN FACTOR of the learning rate where it is set layer by layer."""
    head_rate: float = 10.0
    """Factor of the learning rate where the head learns alone: at 1 it would be far from done in these steps.

    Chosen with the test scores in view, so what the head alone reaches is flattered.
    """
    pretraining_epochs: int = 30
    steps: int = 200
    """Of the training on the digits 5–9, however few they are."""
    batch_size: int = 32
    optimizer: Chain = Chain("adam", learning_rate=2e-3, decay="cosine")

    def __post_init__(self):
        expect(self, 1, "examples", "pretraining_epochs", "steps", "batch_size")


def main(config, run):
    found = measure(config, run)
    few, many = min(config.examples), max(config.examples)
    lines = {method: (np.array(config.examples), np.stack(list(of.values()), 1)) for method, of in found.items()}
    gains = {
        f"{method}, {count} of each": 100 * (of[count] - found["from scratch"][count])
        for count in config.examples
        for method, of in found.items()
        if method != "from scratch"
    }
    gained = {count: gains[f"fine-tuned, {count} of each"].mean() for count in (few, many)}
    return findings(config, found), {
        f"Having seen 0–4 is worth {gained[few]:.1f} points of test accuracy with {few} of each of 5–9, "
        f"{gained[many]:.1f} with {many}": curves(
            lines, "examples of each of the digits 5–9", "test accuracy", log="x"
        ),
        "The gain over the same network from scratch, a dot a seed": dots(gains, "points of test accuracy"),
    }


def measure(config, run):
    """{method: {examples a class: the test accuracy of each seed}}."""
    once = replace(run, evaluate_every=10**6, checkpoint_every=10**6)  # at the end
    for seed in range(config.seeds):
        few(of_digits(load(config, seed), TARGET).train, max(config.examples), seed)  # refuses more than there are
    if config.init_from is None:
        trials({"digits 0-4": partial(pretraining, config)}, once, config.seeds)
    found: dict[str, dict[int, np.ndarray]] = {method: {} for method in METHODS}
    for count in config.examples:
        builds = {method: partial(build, config, run.directory, method, count) for method in METHODS}
        results = scores(trials(builds, once.within(f"{count} examples"), config.seeds), "test/accuracy")
        for method, values in results.items():
            found[method][count] = values
    return found


def pretraining(config, seed):
    """The Task of the digits 0–4."""
    return _task(config, of_digits(load(config, seed), SOURCE), config.pretraining_epochs)


def build(config, directory, method, count, seed):
    """The Task of the digits 5–9, `count` of each, by one of the methods."""
    data = of_digits(load(config, seed), TARGET)
    data = replace(data, train=few(data.train, count, seed))
    epochs = -(-config.steps // -(-len(data.train) // config.batch_size))
    task = _task(config, data, epochs)
    if method == "from scratch":
        return task
    earlier = config.init_from or directory / "digits 0-4" / str(seed)
    transfer = {
        "head alone": Transfer(earlier, config.new_head, rates=((config.new_head, config.head_rate), ("*", 0.0))),
        "frozen": Transfer(earlier, config.new_head, freeze=config.freeze),
        "layer-wise rates": Transfer(earlier, config.new_head, rates=config.rates),
        "fine-tuned": Transfer(earlier, config.new_head),
    }
    return transferred(task, transfer[method])


def _task(config, data, epochs):
    return classifier(LeNet5(data.classes), data, config.optimizer, epochs, min(config.batch_size, len(data.train)))


def load(config, seed):
    return images.load("digits", size=32, fractions=config.fractions, seed=seed)


def of_digits(data, digits):
    """The sets with these digits alone, labelled from 0."""

    def of(source):
        rows = np.flatnonzero(np.isin(source.fields["label"], digits))
        chosen = source.select(rows).fields
        return Arrays({**chosen, "label": chosen["label"] - np.int32(digits[0])})

    parts = {"train": of(data.train), "dev": of(data.dev), "test": of(data.test)}
    return replace(data, **parts, classes=len(digits), class_names=tuple(map(str, digits)))


def few(source, count, seed):
    """`count` examples of each class, by chance. InputError where a class has fewer."""
    labels, random = source.fields["label"], np.random.default_rng(seed)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    if count > (most := min(map(len, members))):
        raise InputError(
            f"--examples {count}: expected at most {most} of each digit, or raise the second of --fractions"
        )
    return source.select(np.concatenate([random.choice(rows, count, replace=False) for rows in members]))


def findings(config, found):
    told = []
    for count in config.examples:
        scratch = found["from scratch"][count]
        gains = ", ".join(
            f"{method} {spread(found[method][count])} ({spread(100 * (found[method][count] - scratch), 1)} points)"
            for method in METHODS[1:]
        )
        told.append(f"{count} examples of each of the digits 5–9: from scratch {spread(scratch)}, {gains}")
    return told


if __name__ == "__main__":
    run(main, Config)
