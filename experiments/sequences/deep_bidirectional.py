"""Depth and direction: recurrent networks of 1 to 3 layers, one way and both ways (Schuster and Paliwal, 1997).

    python -m experiments.sequences.deep_bidirectional

About 50 s on two CPU cores. Finds: whether the letters on both sides of a gap differ is a coin's toss to a GRU that
reads one way, at any depth (0.496 ± 0.007 at depth 3), and to one layer that reads both ways (0.495 ± 0.003); two
layers and three that read both ways are right on 1.000 ± 0.000 of the gaps (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from experiments import expect
from jaxdl.data.source import Arrays
from jaxdl.data.split import split
from jaxdl.data.text import SPECIAL, Sequences, Vocabulary
from jaxdl.models.reader import Reader, reader
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import curves, spread
from jaxdl.run import run
from jaxdl.train.predictions import predictions
from jaxdl.train.trials import trials

SYMBOLS = ("gap", "a", "b")
GAP = len(SPECIAL)


@dataclass(frozen=True)
class Config:
    depths: tuple[int, ...] = (1, 2, 3)
    sequences: int = 2500
    length: int = 16
    letters: float = 0.3
    """Share of the places that hold an a or a b; the others are gaps."""
    cell: str = "gru"
    hidden: int = 16
    """To each direction; a layer that reads one way has twice as many."""
    epochs: int = 8
    batch_size: int = 32
    seeds: int = 3
    """Of the sequences too."""
    optimizer: Chain = Chain("adam", learning_rate=1e-2, decay="cosine", clip_norm=1.0)

    def __post_init__(self):
        expect(self, 1, "depths", "sequences", "length", "hidden", "epochs", "batch_size")


def load(config, seed):
    """Letters a and b with gaps between; the tags say whether the letter before a place and that after it differ.

    It takes both sides: the letter before alone says nothing. And it takes depth: one layer that reads both ways adds
    f(left) + g(right), and a sum can't tell equal from different, for f(a) + g(a) and f(b) + g(b) together are just
    f(a) + g(b) and f(b) + g(a). It is right on three of these four at the very most, and its cost is least where it
    says one half of all.
    """
    random = np.random.default_rng(seed)
    shape = (config.sequences, config.length)
    letters = random.integers(1, 3, shape) * (random.random(shape) < config.letters)
    letters[:, [0, -1]] = random.integers(1, 3, (config.sequences, 2))
    differ = last_letter(letters) != last_letter(letters[:, ::-1])[:, ::-1]
    length = np.full(config.sequences, config.length, np.int32)
    tokens, tags = (letters + GAP).astype(np.int32), differ.astype(np.int32)
    whole = Arrays({"tokens": tokens, "length": length, "tags": tags})
    train, dev, test = (whole.select(rows) for rows in split(config.sequences, (0.6, 0.2, 0.2), seed))
    return Sequences(train, dev, test, Vocabulary(SPECIAL + SYMBOLS), ("same", "different"))


def last_letter(letters):
    """At each place the last letter up to there."""
    places = np.where(letters > 0, np.arange(letters.shape[1]), 0)
    return np.take_along_axis(letters, np.maximum.accumulate(places, 1), 1)


def build(config, depth, both, seed):
    data = load(config, seed)
    model = Reader(
        len(data.vocabulary), len(data.classes), each=True, cell=config.cell, embedding=8,
        hidden=config.hidden * (1 if both else 2), layers=depth, both=both,
    )  # fmt: skip
    return reader(model, data, config.optimizer, config.epochs, config.batch_size)


def measure(config, run):
    """{way: accuracy on the gaps of test [depths, seeds]}."""
    found = {}
    for way, both in {"one way": False, "both ways": True}.items():
        builds = {f"{way}, depth {depth}": partial(build, config, depth, both) for depth in config.depths}
        results = trials(builds, replace(run, evaluate_every=run.evaluate_every or 10**6), config.seeds)
        found[way] = np.array(
            [
                [on_gaps(config, builds[name](seed), result.state, seed) for seed, result in enumerate(of)]
                for name, of in results.items()
            ]
        )
    return found


def on_gaps(config, task, state, seed):
    test = load(config, seed).test.fields
    right = predictions(task, state, test).argmax(-1) == test["tags"]
    return right[test["tokens"] == GAP].mean()


def main(config, run):
    found = measure(config, run)
    told = [
        f"{way}: accuracy on the gaps "
        + ", ".join(f"{spread(of)} at depth {depth}" for depth, of in zip(config.depths, accuracy, strict=True))
        for way, accuracy in found.items()
    ]
    best = found["both ways"].mean(1)
    depths = np.array(config.depths)
    sheet = curves({way: (depths, of.T) for way, of in found.items()}, "depth (layers)", "accuracy on the gaps of test")
    sheet.axes[0].set_xticks(depths)
    return told, {
        f"Right on the gaps, both ways: {best[0]:.2f} at depth {depths[0]} and {best[-1]:.2f} at depth {depths[-1]}; "
        f"one way {found['one way'].mean(1).max():.2f} at most": sheet
    }


if __name__ == "__main__":
    run(main, Config)
