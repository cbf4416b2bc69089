"""Batch normalisation: learning rates that train, shifted inputs, the noise of a batch (Ioffe and Szegedy, 2015).

    python -m experiments.training.batch_norm

About 45 s on two CPU cores. Finds: the rates 0.1 and 0.3 train without batch norm, 0.1 to 3 with it. With all test
inputs shifted by 1 standard deviation the accuracy is 0.799 ± 0.080 without it, 0.634 ± 0.110 with its running
statistics and 0.949 ± 0.009 with those of the shifted images, as unshifted. The noise of a batch falls as its size to
the power −1.10; from batches of 64 to 512 the gap between test and training loss changes by 0.013 ± 0.007 with batch
norm and by −0.003 ± 0.014 without (3 seeds).
"""

from contextlib import suppress
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from jaxdl.data import images
from jaxdl.data.source import Arrays
from jaxdl.errors import Diverged, InputError
from jaxdl.models.classifier import classifier
from jaxdl.models.mlp import MLP
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import curves, spread
from jaxdl.run import run
from jaxdl.train.loop import fit

PLACES = {"none": "", "on z": "z", "on a": "a"}


@dataclass(frozen=True)
class Config:
    seeds: int = 3
    rates: tuple[float, ...] = (0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0)
    epochs: int = 5
    width: int = 50
    """Of the three hidden layers, ReLU from He's start."""
    learning_rate: float = 0.1
    """Of the networks that meet shifted inputs and of those that show the noise."""
    steps: int = 480
    """Of the trainings with small and large batches: as many for both."""
    shifts: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0)
    """Added to every test pixel, in standard deviations of the training pixels."""
    scales: tuple[float, ...] = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
    """By which every test pixel, its mean over the training set being 0, is multiplied."""
    batch_sizes: tuple[int, ...] = (8, 16, 32, 64, 128, 256, 512)
    """In which the output of one fixed image is looked at, …"""
    draws: int = 200
    """… each time among so many random choices of the other images."""
    compared: tuple[int, int] = (64, 512)
    """Batch sizes that are trained with."""


def main(config, run):
    data = images.load()
    data = replace(data, train=Arrays(data.train[np.arange(1024)]))  # whole batches of every size
    if max(config.batch_sizes) > 1 + len(data.train) or len(config.batch_sizes) < 2:
        most = 1 + len(data.train)
        raise InputError(f"--batch-sizes {config.batch_sizes}: expected two or more, each of {most} images at most")
    shifted, noise = shifts(config, run, data), noises(config, run, data)  # what may diverge as a whole goes first
    gaps, rates = train_test_gaps(config, run, data), learning_rates(config, run, data)
    return findings(config, rates, shifted, noise, gaps), figures(config, rates, shifted, noise)


def trained(config, run, data, place, rate, epochs, batch_size, seed):
    """The network, and the result of its training."""
    model = MLP((64, *[config.width] * 3, data.classes), normalize=PLACES[place], event_axes=3)
    task = classifier(model, data, Chain("gd", learning_rate=rate), epochs, batch_size)
    run = run.within(f"{place}-{rate:g}-{epochs}-{batch_size}/{seed}")
    # Ten checkpoints would cost more than so short a training.
    return model, fit(task, replace(run, seed=run.seed + seed, quiet=True, checkpoint_every=task.steps))


def learning_rates(config, run, data):
    """{place: test accuracy [seeds, rates]}, NaN where training diverged."""
    found = {place: np.full((config.seeds, len(config.rates)), np.nan) for place in PLACES}
    for place, accuracy in found.items():
        for column, rate in enumerate(config.rates):
            for seed in range(config.seeds):
                with suppress(Diverged):
                    _, result = trained(config, run, data, place, rate, config.epochs, 64, seed)
                    accuracy[seed, column] = result.metrics["test/accuracy"]
            print(f"{place}, α = {rate:g}: test accuracy {accuracy[:, column].round(3)}", flush=True)
    return found


def output(model, result, images):
    """Logits with the running statistics."""
    return model.apply({"params": result.state.params, **result.state.model_state}, images)


def output_of_batch(model, result, images):
    """Logits with the mean and variance of these images themselves, as in training."""
    variables = {"params": result.state.params, **result.state.model_state}

    def one(image):
        return model.apply(variables, image, 1.0, True, mutable=["batch_stats"])[0]

    return jax.vmap(jax.vmap(one, axis_name="batch"), axis_name="data")(images[None])[0]


def shifts(config, run, data):
    """{"shift", "scale": {reader: test accuracy [seeds, shifts or scales]}}: only the inputs of the test set change."""
    test = data.test[np.arange(len(data.test))]
    found: dict[str, dict[str, list]] = {"shift": {}, "scale": {}}
    for seed in range(config.seeds):
        for place, name, read in (
            ("none", "no batch norm", output),
            ("on z", "running statistics", output),
            ("on z", "statistics of the test images", output_of_batch),
        ):
            model, result = trained(config, run, data, place, config.learning_rate, config.epochs, 64, seed)

            def accuracy(images, model=model, result=result, read=read):
                return float((read(model, result, jnp.asarray(images)).argmax(-1) == test["label"]).mean())

            shifted = [accuracy(test["image"] + np.float32(shift)) for shift in config.shifts]
            scaled = [accuracy(test["image"] * np.float32(scale)) for scale in config.scales]
            found["shift"].setdefault(name, []).append(shifted)
            found["scale"].setdefault(name, []).append(scaled)
    return {change: {name: np.array(v) for name, v in of.items()} for change, of in found.items()}


def noises(config, run, data):
    """{batch size: variance of the logits of one test image over random batches around it, [seeds]}.

    The others are drawn without replacement, as in an epoch: large batches have less noise than 1 / size says.
    """
    found: dict[int, list] = {size: [] for size in config.batch_sizes}
    image = data.test[np.arange(1)]["image"]
    for seed in range(config.seeds):
        model, result = trained(config, run, data, "on z", config.learning_rate, config.epochs, 64, seed)
        rng = np.random.default_rng(seed)
        first = jax.jit(lambda images, model=model, result=result: output_of_batch(model, result, images)[0])
        for size, variances in found.items():
            others = [rng.choice(len(data.train), size - 1, replace=False) for _ in range(config.draws)]
            logits = [first(np.concatenate([image, data.train[rows]["image"]])) for rows in others]
            variances.append(np.var(np.stack(logits), axis=0, ddof=1).mean())
    return {size: np.array(variances) for size, variances in found.items()}


def train_test_gaps(config, run, data):
    """{(place, batch size): {"gap": test loss − training loss, "accuracy": on test}} [seeds], after as many steps."""
    found = {}
    for place in ("none", "on z"):
        for size in config.compared:
            epochs = config.steps * size // len(data.train)
            metrics = [
                trained(config, run, data, place, config.learning_rate, epochs, size, seed)[1].metrics
                for seed in range(config.seeds)
            ]
            found[place, size] = {
                "gap": np.array([of_seed["test/loss"] - of_seed["train/loss"] for of_seed in metrics]),
                "accuracy": np.array([of_seed["test/accuracy"] for of_seed in metrics]),
            }
    return found


def trains(rates, accuracy, least=0.9):
    """The learning rates at which every seed reaches a test accuracy of `least`."""
    return [rate for rate, of_seeds in zip(rates, accuracy.T, strict=True) if (of_seeds >= least).all()]


def slope(noise):
    """p of variance ∝ (batch size)^p, by least squares on both logarithms."""
    return np.polyfit(np.log(list(noise)), np.log([values.mean() for values in noise.values()]), 1)[0]


def findings(config, rates, shifted, noise, gaps):
    told, tried = [], ", ".join(f"{rate:g}" for rate in config.rates)
    for place, accuracy in rates.items():
        good = ", ".join(f"{rate:g}" for rate in trains(config.rates, accuracy)) or "none"
        lost = int(np.isnan(accuracy).sum())
        best = np.nan_to_num(accuracy).mean(0).argmax()
        told.append(
            f"batch norm {place}: of the learning rates {tried} all seeds reach a test accuracy of 0.9 in "
            f"{config.epochs} epochs at {good}; the best is {spread(accuracy[:, best])} at "
            f"{config.rates[best]:g}; {lost} of {accuracy.size} trainings diverged"
        )
    for change, amounts in (("shift", config.shifts), ("scale", config.scales)):
        for name, accuracy in shifted[change].items():
            told.append(
                f"test inputs with another {change}, {name}: test accuracy "
                + "; ".join(f"{spread(v)} at {amount:g}" for amount, v in zip(amounts, accuracy.T, strict=True))
            )
    sizes = list(noise)
    told.append(
        f"variance of one image's logits over random batches: {spread(noise[sizes[0]], 4)} in batches of {sizes[0]}, "
        f"{spread(noise[sizes[-1]], 4)} in batches of {sizes[-1]}, as (batch size)^{slope(noise):.2f}"
    )
    for (place, size), found in gaps.items():
        told.append(
            f"batch norm {place}, batches of {size}, {config.steps} steps: test loss exceeds training loss by "
            f"{spread(found['gap'])}, test accuracy {spread(found['accuracy'])}"
        )
    small, large = config.compared
    changes = {place: gaps[place, large]["gap"] - gaps[place, small]["gap"] for place in ("none", "on z")}
    told.append(
        f"from batches of {small} to {large} that gap changes by {spread(changes['on z'])} with batch norm and by "
        f"{spread(changes['none'])} without"
    )
    return told


def figures(config, rates, shifted, noise):
    chance = 0.1  # what a training that diverged is worth
    widths = {place: trains(config.rates, accuracy) for place, accuracy in rates.items()}
    told = "; ".join(f"{place} {', '.join(f'{rate:g}' for rate in of) or 'at none'}" for place, of in widths.items())

    def at(change, place):
        return ", ".join(f"{name} {accuracy[:, place].mean():.2f}" for name, accuracy in shifted[change].items())

    sizes = np.array(list(noise))
    variances = np.stack(list(noise.values()), axis=1)
    size = (620, 320)
    return {
        f"Learning rates at which every seed reaches 0.9: {told}": curves(
            {place: (np.array(config.rates), np.nan_to_num(values, nan=chance)) for place, values in rates.items()},
            "learning rate (log scale)",
            "test accuracy (diverged: 0.1)",
            log="x",
            size=size,
        ),
        f"Test inputs shifted by {config.shifts[-1]:g}: {at('shift', -1)}": curves(
            {name: (np.array(config.shifts), values) for name, values in shifted["shift"].items()},
            "shift of the test inputs (standard deviations)",
            "test accuracy",
            size=size,
        ),
        f"Test inputs multiplied by {config.scales[0]:g}: {at('scale', 0)}": curves(
            {name: (np.array(config.scales), values) for name, values in shifted["scale"].items()},
            "scale of the test inputs (log scale)",
            "test accuracy",
            log="x",
            size=size,
        ),
        f"The noise that a batch adds to one image's output falls as (batch size)^{slope(noise):.2f}": curves(
            {"measured": (sizes, variances), "∝ 1 / batch size": (sizes, variances[:, 0].mean() * sizes[0] / sizes)},
            "batch size (log scale)",
            "variance of the logits (log scale)",
            log="xy",
            size=size,
        ),
    }


if __name__ == "__main__":
    run(main, Config)
