"""Caviar: 64 learning rates in one program, each the training that it would be alone (see the notes).

    python -m experiments.strategy.caviar

About 15 s on two CPU cores. Finds: of 64 learning rates the best is 0.027, with a dev accuracy of 0.963 ± 0.010, and
0.011 to 0.08 they are within two points of it; the one program trains 11.8 ± 5.7 times as many models in the same time
as one after the other, compiling included, and their losses are those of the trainings alone to 5e-05 (3 seeds).
"""

import time
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from jaxdl.data import images
from jaxdl.models.classifier import classifier
from jaxdl.models.mlp import MLP
from jaxdl.optim.chain import Chain, Varied
from jaxdl.report.comparison import curves, spread
from jaxdl.run import run
from jaxdl.train.loop import fit
from jaxdl.tune.caviar import caviar, per_trial
from jaxdl.tune.study import alive


@dataclass(frozen=True)
class Config:
    trials: int = 64
    """Learning rates, evenly in their exponent."""
    low: float = 1e-5
    high: float = 10.0
    hidden: int = 32
    epochs: int = 10
    batch_size: int = 64
    checked: int = 3
    """Of them are trained alone as well, to compare numbers and times."""
    seeds: int = 3
    optimizer: Chain = Chain("adam", decay="cosine")


def rates(config):
    return np.geomspace(config.low, config.high, config.trials).astype(np.float32)


def build(config, seed, values):
    data = images.load("digits", seed=seed)
    model = MLP((64, config.hidden, data.classes), event_axes=3)
    return classifier(model, data, Varied(config.optimizer, values), config.epochs, config.batch_size)


def measure(config, run):
    """(dev accuracy [seeds, trials], largest relative difference to those trained alone, {how: seconds of a model})."""
    once = replace(run, evaluate_every=run.evaluate_every or 10**6, checkpoint_every=10**6, quiet=True)
    accuracy, apart = [], 0.0
    seconds: dict[str, list[float]] = {"together": [], "alone": []}
    for seed in range(config.seeds):
        of_seed = partial(build, config, seed)
        began = time.monotonic()
        result = fit(caviar(of_seed, {"learning_rate": rates(config)}), once.within(f"together/{seed}"))
        seconds["together"].append((time.monotonic() - began) / config.trials)
        accuracy.append(per_trial(result.metrics, "dev/accuracy", alive(result)))
        chosen = np.linspace(0, config.trials - 1, config.checked).astype(int)
        began = time.monotonic()
        for trial in chosen:
            task = of_seed({"learning_rate": rates(config)[trial]})
            alone = fit(task, once.within(f"alone {trial}/{seed}")).metrics
            losses = alone["dev/loss"], result.metrics[f"dev/loss/{trial}"]
            apart = max(apart, abs(losses[0] - losses[1]) / max(losses))
        seconds["alone"].append((time.monotonic() - began) / config.checked)
    return np.stack(accuracy), apart, {how: np.array(of) for how, of in seconds.items()}


def main(config, run):
    accuracy, apart, seconds = measure(config, run)
    at, lost, worth = rates(config), np.isnan(accuracy).sum(), np.nan_to_num(accuracy)  # what diverged is worth 0
    best = worth.mean(0).argmax()
    ratio = seconds["alone"] / seconds["together"]
    near = worth.min(0) > worth[:, best].mean() - 0.02
    good = at[near] if near.any() else at[[best]]
    return [
        f"Best of {config.trials} learning rates: {at[best]:.2g}, dev accuracy {spread(worth[:, best])}; {good.size} "
        f"within two points of it, the least {good.min():.2g} and the largest {good.max():.2g}; {lost} of "
        f"{accuracy.size} trainings diverged",
        f"A model takes {spread(1000 * seconds['together'], 0)} ms of the one program and "
        f"{spread(1000 * seconds['alone'], 0)} ms alone, compiling included: {spread(ratio, 1)} times as many models "
        "in the same time",
        f"{config.checked} of them trained alone: their dev losses differ by at most {apart:.1g} of themselves",
    ], {
        f"The best of {config.trials} learning rates is {at[best]:.2g}": curves(
            {"dev": (at, accuracy)}, "learning rate", "dev accuracy", log="x"
        )
    }  # fmt: skip


if __name__ == "__main__":
    run(main, Config)
