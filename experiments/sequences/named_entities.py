"""Named entities: both directions against one, where only the words after a name tell what it is (see the notes).

    python -m experiments.sequences.named_entities

About 20 s on two CPU cores. Finds: of the words that only what follows explains, an LSTM gets 0.443 ± 0.017 right one
way and 1.000 ± 0.000 both ways; F1 of the names, none of which was seen in training but Teddy, is 0.780 ± 0.021 and
0.974 ± 0.016, and 0.006 ± 0.002 where each word is judged alone (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from experiments import expect
from jaxdl.data import entities
from jaxdl.data.text import UNK
from jaxdl.models.reader import Reader, reader
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import dots, spread
from jaxdl.run import run
from jaxdl.score.tagging import span_scores, spelled
from jaxdl.train.predictions import predictions
from jaxdl.train.trials import trials

MODELS = {"each word alone": (0, False), "one way": (1, False), "both ways": (1, True)}
"""{name: (layers, both)}"""


@dataclass(frozen=True)
class Config:
    sentences: int = 3000
    cell: str = "lstm"
    embedding: int = 32
    hidden: int = 32
    """To each direction; a network that reads one way has twice as many."""
    dropout: float = 0.3
    unknown: float = 0.2
    """Share of the words that are <UNK> in training, drawn anew each time: the names of the test are all unknown."""
    epochs: int = 12
    batch_size: int = 32
    seeds: int = 3
    """Of the sentences too: each seed has other names in the test."""
    optimizer: Chain = Chain("adam", learning_rate=5e-3, decay="cosine", clip_norm=1.0)

    def __post_init__(self):
        expect(self, 1, "sentences", "embedding", "hidden", "epochs", "batch_size")


def build(config, layers, both, seed):
    data = entities.load(config.sentences, seed)
    model = Reader(
        len(data.vocabulary), len(data.classes), each=True, cell=config.cell, embedding=config.embedding,
        hidden=config.hidden * (1 if both else 2), layers=layers, both=both, dropout=config.dropout,
    )  # fmt: skip
    return forgetful(reader(model, data, config.optimizer, config.epochs, config.batch_size), config.unknown)


def forgetful(task, unknown):
    """The same task with that share of the words <UNK> in training."""

    def loss(params, model_state, example, key):
        k_unknown, k_loss = jax.random.split(key)
        hidden = jax.random.bernoulli(k_unknown, unknown, example["tokens"].shape)
        tokens = jnp.where(hidden, UNK, example["tokens"])
        return task.loss(params, model_state, {**example, "tokens": tokens}, k_loss)

    return replace(task, loss=loss)


def measure(config, run):
    """{measure: {model: a value a seed}} of

    f1         of the names in the test sentences, right if place and kind are
    ambiguous  accuracy on the words whose tag only the words after them tell
    others     accuracy on all other words
    """
    builds = {name: partial(build, config, layers, both) for name, (layers, both) in MODELS.items()}
    return judged(config, builds, run)


def judged(config, builds, run):
    """What `measure` gives, of any models."""
    results = trials(builds, replace(run, evaluate_every=run.evaluate_every or 10**6), config.seeds)
    found: dict = {"f1": {}, "ambiguous": {}, "others": {}}
    for name, of in results.items():
        scored = [judge(config, builds[name](seed), result.state, seed) for seed, result in enumerate(of)]
        for measured in found:
            found[measured][name] = np.array([values[measured] for values in scored])
    return found


def judge(config, task, state, seed):
    data = entities.load(config.sentences, seed)
    test = data.test.fields
    tags, length = predictions(task, state, test).argmax(-1), test["length"]
    right, ambiguous = tags == test["tags"], test["ambiguous"] == 1
    others = ~ambiguous & (np.arange(tags.shape[1]) < length[:, None])
    said, true = (spelled(of, length, data.classes) for of in (tags, test["tags"]))
    return {"f1": span_scores(said, true)["f1"], "ambiguous": right[ambiguous].mean(), "others": right[others].mean()}


def main(config, run):
    found = measure(config, run)
    told = [
        f"{name}: F1 of the names {spread(found['f1'][name])}; accuracy on the ambiguous words "
        f"{spread(found['ambiguous'][name])}, on the others {spread(found['others'][name])}"
        for name in MODELS
    ]
    one, both = (found["ambiguous"][name].mean() for name in ("one way", "both ways"))
    return told, {
        f"Words that only what follows explains: {one:.2f} are right one way, {both:.2f} both ways": dots(
            found["ambiguous"], "accuracy on the ambiguous words of test"
        ),
        "Names found whole, F1": dots(found["f1"], "F1 on test"),
    }


if __name__ == "__main__":
    run(main, Config)
