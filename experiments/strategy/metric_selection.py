"""Which metric chooses: accuracy, recall, weighted error and size pick different networks (see the notes).

    python -m experiments.strategy.metric_selection

About 10 s on two CPU cores. Finds: of nine candidates for breast cancer, what accuracy or F1 chooses has a test recall
of 0.958 ± 0.046 and an accuracy of 0.973 ± 0.015; what the weighted error chooses, with 10 for a missed tumour,
0.984 ± 0.016 and 0.926 ± 0.018, and the same networks are the most accurate with a recall of 0.98 on dev (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxdl.check.parameters import count
from jaxdl.data import tables
from jaxdl.errors import InputError
from jaxdl.losses.classification import graded
from jaxdl.models.classifier import classifier
from jaxdl.models.mlp import MLP
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import dots, spread
from jaxdl.run import run
from jaxdl.score.classification import accuracy, confusion_matrix, precision_recall, weighted_error
from jaxdl.strategy.select import select
from jaxdl.train.trials import trials

MALIGNANT = 0
"""The class that must not be missed."""


@dataclass(frozen=True)
class Config:
    hidden: tuple[int, ...] = (2, 8, 64)
    thresholds: tuple[float, ...] = (0.5, 0.1, 0.02)
    """From this probability of a malignant tumour on the network says so."""
    weight: float = 10.0
    """Of a missed malignant tumour, in false alarms."""
    recall: float = 0.98
    """What is required where it is a threshold."""
    epochs: int = 30
    batch_size: int = 32
    fractions: tuple[float, float, float] = (0.4, 0.3, 0.3)
    seeds: int = 3
    optimizer: Chain = Chain("adam", learning_rate=3e-3, decay="cosine")


def load(config, seed):
    return tables.load("breast_cancer", config.fractions, seed)


def build(config, hidden, seed):
    data = load(config, seed)
    model = MLP((data.shape[0], hidden, data.classes))
    return classifier(model, data, config.optimizer, config.epochs, config.batch_size, grade=graded)


def judged(config, hidden, seed, result):
    """{candidate: {metric: value on dev, and on test}} of one network at each threshold."""
    task, data = build(config, hidden, seed), load(config, seed)
    found = {}
    for threshold in config.thresholds:
        metrics: dict[str, float] = {"parameters": count(result.state.params)}
        for name, source in (("dev", data.dev), ("test", data.test)):
            logits = jax.vmap(lambda x: task.predict(result.state.params, {}, {"x": x, "mask": jnp.ones(())}))
            malignant = np.asarray(jax.nn.softmax(logits(jnp.asarray(source.fields["x"])))[:, MALIGNANT])
            true, said = source.fields["label"] == MALIGNANT, malignant >= threshold
            of = precision_recall(confusion_matrix(true, said, 2))
            metrics |= {
                f"{name}/accuracy": accuracy(true, said), f"{name}/recall": of.recall, f"{name}/f1": of.f1,
                f"{name}/weighted_error": weighted_error(true, said, np.where(true, config.weight, 1.0)),
            }  # fmt: skip
        found[f"{hidden} units at {threshold:g}"] = metrics
    return found


def questions(config):
    """{what is asked for: (the metric to optimise, thresholds)}."""
    return {
        "accuracy": ("dev/accuracy", []),
        "F1": ("dev/f1", []),
        "weighted error": ("dev/weighted_error", []),
        "accuracy where recall is high": ("dev/accuracy", [f"dev/recall>={config.recall}"]),
        "smallest where recall is high": ("parameters", [f"dev/recall>={config.recall}"]),
    }


def measure(config, run):
    """{what was asked for: {test metric, or "who": of each seed}}."""
    if not 0 <= config.recall <= 1:
        raise InputError(f"--recall {config.recall:g}: expected a share between 0 and 1, such as 0.98")
    once = replace(run, evaluate_every=run.evaluate_every or 10**6)
    builds = {f"{hidden} units": partial(build, config, hidden) for hidden in config.hidden}
    results = trials(builds, once, config.seeds)
    found: dict[str, dict[str, list]] = {
        asked: {"who": [], "accuracy": [], "recall": [], "weighted_error": []} for asked in questions(config)
    }
    for seed in range(config.seeds):
        candidates: dict[str, dict[str, float]] = {}
        for hidden in config.hidden:
            candidates |= judged(config, hidden, seed, results[f"{hidden} units"][seed])
        for asked, (metric, require) in questions(config).items():
            choice = select(candidates, metric, require)
            best = (choice.best or select(candidates, "dev/recall").best)[0]
            found[asked]["who"].append(best if choice.best else f"{best}, for want of one (the highest recall)")
            for name in ("accuracy", "recall", "weighted_error"):
                found[asked][name].append(candidates[best][f"test/{name}"])
    return {asked: {name: np.array(values) for name, values in of.items()} for asked, of in found.items()}


def main(config, run):
    found = measure(config, run)
    told = [
        f"Chosen by {asked}: {', '.join(of['who'])}; on the test set accuracy {spread(of['accuracy'])}, "
        f"recall {spread(of['recall'])}, weighted error {spread(of['weighted_error'])}"
        for asked, of in found.items()
    ]
    missed = {asked: 100 * (1 - of["recall"]) for asked, of in found.items()}
    plain, weighed = missed["accuracy"].mean(), missed["weighted error"].mean()
    return told, {
        f"Of 100 malignant tumours {plain:.1f} are missed by what accuracy chooses, {weighed:.1f} by what the weighted "
        "error chooses": dots(missed, "missed of 100 malignant tumours of the test set")
    }


if __name__ == "__main__":
    run(main, Config)
