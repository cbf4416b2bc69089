"""Word vectors from text without labels, where labels are few: from scratch, frozen, tuned (Turian et al., 2010).

    python -m experiments.sequences.pretrained_embeddings

About 105 s on two CPU cores. Finds: of the words that 20 labelled sentences lack, a tagger of names from scratch gets
0.584 ± 0.040 right, with frozen vectors 0.816 ± 0.014; of those that 100 lack 0.754 ± 0.054 and 0.770 ± 0.027, as good
as the same. Of reviews whose words of opinion 20 labelled ones lack it is 0.502 ± 0.003 and 1.000 ± 0.000. Tuning moves
the words that it sees away from those that it does not: with 20 labels 0.582 ± 0.040 and 0.595 ± 0.022 (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from experiments import expect
from jaxdl.data import entities, reviews
from jaxdl.data.source import Arrays
from jaxdl.data.text import UNK, Sequences
from jaxdl.errors import InputError
from jaxdl.models.reader import Reader, reader
from jaxdl.models.word_training import skip_gram, skip_gram_pairs
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import dots, spread
from jaxdl.run import run
from jaxdl.train.predictions import predictions
from jaxdl.train.transfer import Transfer, transferred
from jaxdl.train.trials import trials

METHODS = ("from scratch", "frozen", "tuned")


@dataclass(frozen=True)
class Config:
    seeds: int = 3
    """Of the texts, too."""
    sentences: int = 4000
    """Of named entities; the training part is used here, and nothing else of them."""
    reviews: int = 8000
    labels: tuple[int, ...] = (20, 100)
    """Sentences, and reviews, that have labels."""
    tested: int = 400
    opinions: int = 6
    """Words of praise, and as many of blame, that reviews with labels have; those tested have others."""
    dimension: int = 32
    hidden: int = 16
    """Of the tagger's LSTM, to each direction."""
    pretraining_steps: int = 1500
    pretraining: Chain = Chain("adam", learning_rate=1e-2, decay="cosine")
    steps: int = 150
    """Of the training with labels, however few."""
    batch_size: int = 20
    optimizer: Chain = Chain("adam", learning_rate=1e-2, decay="cosine", clip_norm=1.0)

    def __post_init__(self):
        expect(self, 1, "sentences", "reviews", "labels", "tested", "opinions", "dimension")
        expect(self, 1, "hidden", "pretraining_steps", "steps", "batch_size")


class Setting(NamedTuple):
    """What there is to learn from: sequences with labels, many more without, and others with labels to be tested on."""

    labelled: Arrays
    unlabelled: Arrays
    test: Arrays
    data: Sequences


def tagging(config, labels, seed):
    """Names: of the training part of `entities` the first sentences have labels and the last are tested."""
    data = entities.load(config.sentences, seed)
    rows = np.random.default_rng(seed).permutation(len(data.train))
    enough("sentences", labels, len(rows) - config.tested)
    labelled, unlabelled, tested = map(data.train.select, np.split(rows, [labels, len(rows) - config.tested]))
    return Setting(labelled, unlabelled, tested, data)


def sentiment(config, labels, seed):
    """Reviews without a negation, in which the words alone tell: no word of opinion with labels is in the test."""
    data = reviews.load(config.reviews, seed)
    negations = {*" ".join(reviews.NEGATED).split()} - {*" ".join(reviews.SAID).split()}
    opinions = chain(reviews.POSITIVE[: config.opinions], reviews.NEGATIVE[: config.opinions])
    taught, negating = data.vocabulary.encode(opinions), data.vocabulary.encode_known(negations)
    others = np.setdiff1d(data.vocabulary.encode((*reviews.POSITIVE, *reviews.NEGATIVE)), taught)
    plain = data.train.select(np.flatnonzero(~np.isin(data.train.fields["tokens"], negating).any(1)))
    rows = np.random.default_rng(seed).permutation(len(plain))
    with_taught, with_others = (np.isin(plain.fields["tokens"][rows], of).max(1) for of in (taught, others))
    enough("reviews", labels, (with_taught & ~with_others).sum())
    labelled = rows[with_taught & ~with_others][:labels]
    tested = rows[with_others & ~with_taught][: config.tested]
    unlabelled = np.setdiff1d(rows, np.concatenate([labelled, tested]))
    return Setting(plain.select(labelled), plain.select(unlabelled), plain.select(tested), data)


def enough(what, labels, most):
    if labels > most:
        raise InputError(f"--labels {labels}: expected at most the {most} that there are; give more --{what}")


TASKS = {"tagging": tagging, "sentiment": sentiment}
JUDGED = {"tagging": "words", "sentiment": "reviews with words"}


def main(config, run):
    found = measure(config, run)
    told, figures = [], {}
    for task, of in found.items():
        for labels in config.labels:
            told.append(
                f"{task} with {labels} labelled texts, on {of['unseen', labels].mean():.0f} test {JUDGED[task]} that "
                "these lack: " + "; ".join(f"{method} {spread(of[method, labels])} right" for method in METHODS)
            )
        few = config.labels[0]
        scratch, frozen = (of[method, few].mean() for method in ("from scratch", "frozen"))
        caption = f"{task}, {few} labelled texts: {scratch:.2f} right from scratch, {frozen:.2f} with vectors, frozen"
        figures[caption] = dots(
            {f"{labels} labels, {method}": of[method, labels] for labels in config.labels for method in METHODS},
            f"accuracy on {JUDGED[task]} that the labelled texts lack",
        )
    return told, figures


def measure(config, run):
    """{task: {(method, labels): accuracy where a word is unseen; ("unseen", labels): of how many}}, a value a seed."""
    run = replace(run, evaluate_every=run.evaluate_every or 10**6)
    found: dict[str, dict] = {task: {} for task in TASKS}
    every = {  # all first: too many labels are refused before anything is trained
        (task, labels): [TASKS[task](config, labels, seed) for seed in range(config.seeds)]
        for task in TASKS
        for labels in config.labels
    }
    for (task, labels), settings in every.items():
        for name, of in compared(config, task, f"{task}, {labels} labels", settings, run).items():
            found[task][name, labels] = of
        found[task]["unseen", labels] = np.array([judged(of).sum() for of in settings])
    return found


def compared(config, task, name, settings, run):
    """{method: accuracy where a word is unseen, a value a seed}."""
    vectors = pretrained(config, settings, f"{name}, without", run)

    def made(method, seed):
        return build(config, task, method, settings[seed], vectors[seed])

    results = trials({f"{name}, {method}": partial(made, method) for method in METHODS}, run, config.seeds)
    return {
        method: np.array(
            [
                accuracy(made(method, seed), result.state, settings[seed], method)
                for seed, result in enumerate(results[f"{name}, {method}"])
            ]
        )
        for method in METHODS
    }


def pretrained(config, settings, name, run):
    """The word vectors of each seed's unlabelled text, of variance 0.3² as embeddings begin here."""
    results = trials({name: lambda seed: without_labels(config, settings[seed])}, run, len(settings))[name]
    tables = [np.asarray(result.state.params["e"]) for result in results]
    return [jnp.asarray(0.3 * table / table.std()) for table in tables]


def without_labels(config, setting):
    fields = setting.unlabelled.fields
    texts = [row[:size] for row, size in zip(fields["tokens"], fields["length"], strict=True)]
    pairs = skip_gram_pairs(texts, window=2 if "tags" in fields else 10)
    return skip_gram(
        pairs, len(setting.data.vocabulary), config.pretraining, config.pretraining_steps,
        dimension=config.dimension, batch_size=1024,
    )  # fmt: skip


def build(config, task, method, setting, vectors):
    """The tagger, an LSTM both ways, or the mean of embeddings, on the labelled texts."""
    model = Reader(
        len(setting.data.vocabulary), len(setting.data.classes), each=task == "tagging", embedding=config.dimension,
        hidden=config.hidden, layers=int(task == "tagging"), both=True,
    )  # fmt: skip
    labelled, test = (
        as_known(part, setting.labelled) if method == "from scratch" else part
        for part in (setting.labelled, setting.test)
    )
    data = Sequences(labelled, test, test, setting.data.vocabulary, setting.data.classes)  # the test is not looked at
    size = min(config.batch_size, len(data.train))
    epochs = max(1, config.steps * size // len(data.train))
    made = replace(reader(model, data, config.optimizer, epochs, size), evaluate={})
    if method == "from scratch":
        return made

    def init(key):
        params, model_state = made.init(key)
        return {**params, "embed": {"embedding": vectors}}, model_state

    return transferred(replace(made, init=init), Transfer(freeze=("embed/*",) if method == "frozen" else ()))


def as_known(part, labelled):
    """A part in which a word that the labelled texts have no more than once is <UNK>, so that <UNK> is learnt too."""
    counts = np.bincount(labelled.fields["tokens"].ravel(), minlength=part.fields["tokens"].max() + 1)
    tokens = part.fields["tokens"]
    return Arrays({**part.fields, "tokens": np.where(counts[tokens] < 2, UNK, tokens).astype(np.int32)})


def judged(setting):
    """Which words of the test, or which reviews, have what the labelled texts lack."""
    tokens, length = setting.test.fields["tokens"], setting.test.fields["length"]
    real = np.arange(tokens.shape[1]) < length[:, None]
    unseen = real & ~np.isin(tokens, setting.labelled.fields["tokens"])
    return unseen if "tags" in setting.test.fields else unseen.any(1)


def accuracy(task, state, setting, method):
    """The share of these that are right."""
    fields = setting.test.fields
    known = as_known(setting.test, setting.labelled).fields if method == "from scratch" else fields
    said = predictions(task, state, known).argmax(-1)
    return (said == fields["tags" if "tags" in fields else "label"])[judged(setting)].mean()


if __name__ == "__main__":
    run(main, Config)
