"""Learning-rate decay: every schedule drawn, and what it does for gradient descent on noisy mini-batches.

    python -m experiments.training.learning_rate_decay

About 28 s on two CPU cores. Finds: from the same first rate, the constant one ends at a training loss of 0.210 ± 0.064
and a dev accuracy of 0.910 ± 0.011, the cosine at 0.087 ± 0.003 and 0.965 ± 0.004; every decay does better than the
constant rate and than a tenth of it, 0.151 ± 0.021 and 0.938 ± 0.013 (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import partial

import jax
import numpy as np

from jaxdl.data import images
from jaxdl.errors import chosen
from jaxdl.models.classifier import classifier
from jaxdl.models.mlp import MLP
from jaxdl.optim.chain import Chain
from jaxdl.report import records
from jaxdl.report.comparison import curves, dots, spread
from jaxdl.report.curves import weighted_average
from jaxdl.run import run
from jaxdl.train.trials import scores, trials


@dataclass(frozen=True)
class Config:
    seeds: int = 3
    learning_rate: float = 0.3
    """α₀ of every schedule."""
    epochs: int = 16
    batch_size: int = 16
    noise: float = 1.0
    """Standard deviation of what is added to each pixel, anew at each step; the pixels' own is 1."""
    hidden: tuple[int, ...] = (64,)
    warmup_steps: int = 100
    only: tuple[str, ...] = ()
    """Names of the schedules to train with. None: all."""


def schedules(config):
    """{name: (chain, whether it counts mini-batches instead of epochs)}.

    In that order: α₀; α₀/10; α₀/(1 + epoch); α₀·0.8^epoch; α₀/√epoch; three stairs down, each to 0.3 of the last; set
    by hand; half a cosine; the same after a linear rise; 2α₀/√t, t counting mini-batches.
    """
    decays = Chain("gd", config.learning_rate)
    quarter = max(1, config.epochs // 4)
    rates = ((quarter, config.learning_rate / 3), (3 * quarter, config.learning_rate / 30))
    per_epoch = {
        "constant": decays,
        "constant, a tenth": replace(decays, learning_rate=config.learning_rate / 10),
        "inverse time": replace(decays, decay="inverse_time"),
        "exponential": replace(decays, decay="exponential", decay_rate=0.8),
        "inverse root of epoch": replace(decays, decay="inverse_sqrt"),
        "staircase": replace(decays, decay="staircase", decay_rate=0.3, decay_epochs=quarter),
        "table": replace(decays, decay="table", table=rates),
        "cosine": replace(decays, decay="cosine"),
        "warm-up and cosine": replace(decays, decay="cosine", warmup_steps=config.warmup_steps),
    }
    by_batch = {"inverse root of batch": (replace(decays, decay="inverse_sqrt", decay_rate=2.0), True)}
    return {name: (chain, False) for name, chain in per_epoch.items()} | by_batch


def main(config, run):
    results = measure(config, run)
    losses, accuracies = scores(results, "train/loss"), scores(results, "dev/accuracy")
    return findings(config, losses, accuracies), figures(config, results, losses, accuracies)


def measure(config, run):
    """{schedule: [result of a seed]}."""
    builds = {name: partial(build, config, *how) for name, how in schedules(config).items()}
    return trials({name: chosen("schedule", name, builds) for name in config.only or builds}, run, config.seeds)


def build(config, chain, by_batch, seed):
    data = images.load("digits", seed=seed)
    model = MLP((64, *config.hidden, data.classes), event_axes=3)
    task = classifier(model, data, chain, config.epochs, config.batch_size, augment=partial(noisy, config.noise))
    return replace(task, optimizer=chain.build(task.steps, 1 if by_batch else task.train.steps_per_epoch))


def noisy(noise, key, image):
    return image + noise * jax.random.normal(key, image.shape)


def findings(config, losses, accuracies):
    told = [
        f"Gradient descent, α₀ = {config.learning_rate:g}, batches of {config.batch_size} images with noise, "
        f"{config.epochs} epochs, {config.seeds} seeds; scored without noise, lowest train loss first:"
    ]
    for name in sorted(losses, key=lambda name: losses[name].mean()):
        told.append(f"{name}: train loss {spread(losses[name], 4)}, dev accuracy {spread(accuracies[name])}")
    return told


def figures(config, results, losses, accuracies):
    steps = next(iter(results.values()))[0].state.step
    per_epoch = int(steps) // config.epochs
    at = np.arange(int(steps))
    rates = {
        name: (at / per_epoch, np.asarray(chain.schedule(len(at), 1 if by_batch else per_epoch)(at)))
        for name, (chain, by_batch) in schedules(config).items()
    }
    shown = slice(per_epoch, None)  # the first epoch is so steep that it would hide the rest
    falling = {
        name: (at[shown] / per_epoch, np.array([smooth_loss(result)[shown] for result in found]))
        for name, found in results.items()
    }
    least, most = (pick(losses, key=lambda name: losses[name].mean()) for pick in (min, max))
    best, worst = (pick(accuracies, key=lambda name: accuracies[name].mean()) for pick in (max, min))
    return {
        "The schedules": curves(rates, "epochs finished", "learning rate", size=(700, 380)),
        "Training loss on the noisy images, averaged over about 50 steps": curves(
            falling, "epochs finished", "cross-entropy (nats)", size=(700, 420)
        ),
        f"Final loss without noise: {least} {losses[least].mean():.3f}, {most} {losses[most].mean():.3f}": dots(
            losses, "train loss (nats)"
        ),
        f"Dev accuracy: {best} {accuracies[best].mean():.3f}, {worst} {accuracies[worst].mean():.3f}": dots(
            accuracies, "dev accuracy"
        ),
    }


def smooth_loss(result):
    values = records.series(records.read(result.directory).records)["loss"]["train"].values
    return weighted_average(values, 0.98)


if __name__ == "__main__":
    run(main, Config)
