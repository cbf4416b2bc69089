"""Sentiment: the mean of word embeddings against networks that read the words in order (see the notes).

    python -m experiments.sequences.sentiment

About 15 s on two CPU cores. Finds: the mean of embeddings has a test accuracy of 0.650 ± 0.000, and 0.500 where only
the order of the words tells; RNN and GRU have 1.000 in both. That “completely lacking in good taste, good service” is
praise has a probability of 0.767 ± 0.029 for the mean, 0.003 ± 0.002 for the RNN and 0.014 ± 0.004 for the GRU (3
seeds).
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from experiments import expect
from jaxdl.data import reviews
from jaxdl.data.text import words
from jaxdl.errors import InputError
from jaxdl.models.reader import Reader, reader
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import curves, dots, spread
from jaxdl.run import run
from jaxdl.train.predictions import predictions
from jaxdl.train.trials import trials

MODELS = {"mean of embeddings": ("rnn", 0), "RNN": ("rnn", 1), "GRU": ("gru", 1)}
"""{name: (cell, layers)}"""


@dataclass(frozen=True)
class Config:
    reviews: int = 4000
    embedding: int = 16
    hidden: int = 32
    epochs: int = 8
    batch_size: int = 32
    seeds: int = 3
    """Of the reviews too: each seed holds other grammar back for the test."""
    sentence: str = "completely lacking in good taste, good service"
    """Its form is in no review: they never negate two things with one word."""
    optimizer: Chain = Chain("adam", learning_rate=5e-3, decay="cosine", clip_norm=1.0)

    def __post_init__(self):
        expect(self, 1, "reviews", "embedding", "hidden", "epochs", "batch_size")
        if not words(self.sentence):
            raise InputError("--sentence of nothing: expected words, such as 'good taste'")


def build(config, cell, layers, seed):
    data = reviews.load(config.reviews, seed)
    data.vocabulary.encode_known(words(config.sentence))  # an unknown word is better told before the training
    model = Reader(len(data.vocabulary), 2, cell=cell, embedding=config.embedding, hidden=config.hidden, layers=layers)
    return reader(model, data, config.optimizer, config.epochs, config.batch_size)


def measure(config, run):
    """{measure: {model: a value a seed}} of

    accuracy  on the test reviews
    twins     on those of them whose words are, in another order, a review of the other label
    sentence  P(positive) [seeds, words] after the sentence's first word, the first two, …
    """
    builds = {name: partial(build, config, cell, layers) for name, (cell, layers) in MODELS.items()}
    results = trials(builds, replace(run, evaluate_every=run.evaluate_every or 10**6), config.seeds)
    found: dict = {"accuracy": {}, "twins": {}, "sentence": {}}
    for name, of in results.items():
        judged = [judge(config, builds[name](seed), result.state, seed) for seed, result in enumerate(of)]
        for measured in found:
            found[measured][name] = np.array([values[measured] for values in judged])
    return found


def judge(config, task, state, seed):
    data = reviews.load(config.reviews, seed)
    test = data.test.fields
    right = predictions(task, state, test).argmax(-1) == test["label"]
    tokens = data.vocabulary.encode_known(words(config.sentence))
    beginnings = {"tokens": np.tile(tokens, (len(tokens), 1)), "length": np.arange(1, len(tokens) + 1, dtype=np.int32)}
    negative, positive = predictions(task, state, beginnings).T
    return {
        "accuracy": right.mean(),
        "twins": right[test["order"] == 1].mean(),
        "sentence": 1 / (1 + np.exp(negative - positive)),
    }


def main(config, run):
    found = measure(config, run)
    accuracy, twins, read = found["accuracy"], found["twins"], found["sentence"]
    told = [
        f"{name}: test accuracy {spread(accuracy[name])}, {spread(twins[name])} where only the order of the words "
        f"tells; P(positive | “{config.sentence}”) = {spread(read[name][:, -1])}"
        for name in MODELS
    ]
    blind, *ordered = MODELS
    best = max(ordered, key=lambda name: accuracy[name].mean())
    without = accuracy[blind].mean()
    after = np.arange(1, read["RNN"].shape[1] + 1)
    said = ", ".join(f"{name} {of[:, -1].mean():.2f}" for name, of in read.items())
    sheet = curves({name: (after, of) for name, of in read.items()}, "", "P(positive)")
    sheet.axes[0].axhline(0.5, color="#59636e", linewidth=0.8, linestyle=":")
    sheet.axes[0].set_xticks(after, words(config.sentence))
    return told, {
        f"Without the order of the words {without:.2f} of the reviews are read rightly, with it by the {best} "
        f"{accuracy[best].mean():.2f}": dots(accuracy, "test accuracy"),
        f"P(positive), read up to each word: {said}": sheet,
    }


if __name__ == "__main__":
    run(main, Config)
