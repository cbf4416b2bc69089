"""English phrases to French by a small Transformer: greedy and beam search (Vaswani et al., 2017; Wu et al., 2016).

    python -m experiments.sequences.translation_transformer

About 83 s on two CPU cores. Finds: from 1,786 phrases it learns to translate others with a BLEU of 0.870 ± 0.048
(greedy search) and 0.871 ± 0.047 (a beam of 4, α = 1): 0.0015 ± 0.0020 more. The exponent α of the length, from 0 to
1.5, moves the BLEU on dev by 0.002 (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from experiments import expect
from experiments.sequences import VOCABULARY, earlier, lines
from jaxdl.data import corpora, phrases
from jaxdl.data.text import words
from jaxdl.errors import InputError
from jaxdl.models.transformer import Size, Transformer
from jaxdl.models.translation import translations, translator
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import curves, dots, spread
from jaxdl.run import run
from jaxdl.score.bleu import corpus_bleu
from jaxdl.train.trials import scores, trials

LIMIT = 24
"""Words of a translation and its end; the longest right one has 15."""


@dataclass(frozen=True)
class Config:
    phrases: int = 3000
    """As many pairs; of a TFDS set as many to learn from, and a third as many each to choose α and to be tested on."""
    target: str = "fr"
    """fr or ko; of a TFDS set the language that it has beside en."""
    dataset: str = "phrases"
    """`phrases`, which are made on the spot, or a prepared TFDS set of translations, such as wmt14_translate/fr-en."""
    layers: int = 2
    """Of the encoder, and of the decoder."""
    width: int = 64
    heads: int = 4
    dropout: float = 0.1
    norm: Literal["pre", "post"] = "pre"
    smoothing: float = 0.1
    """Of the labels."""
    epochs: int = 12
    batch_size: int = 64
    optimizer: Chain = Chain("adam", learning_rate=3e-3, decay="cosine", warmup_steps=100, clip_norm=1.0)
    beam: int = 4
    """Hypotheses at a time."""
    alphas: tuple[float, ...] = (0.0, 0.7, 1.0, 1.5)
    """Score = log P / T^α: the best on dev is taken on test."""
    seeds: int = 3
    """Of the weights and the order; the phrases are the same for all."""
    input: str = "the meeting is on july 14 , 2015 ."
    """An English phrase to be translated; “-”: the lines of standard input."""
    load: Path | None = None
    """The directory of an earlier run: translate by its first network, and train nothing."""

    def __post_init__(self):
        expect(self, 1, "phrases", "layers", "width", "heads", "epochs", "batch_size", "beam")
        expect(self, 0, "alphas")


def main(config, run):
    sources = lines(config.input)
    if config.load:
        return translated(config, sources, *earlier(config.load, Config, "transformer/0")), {}
    data = load(config)
    data.vocabulary.save(run.directory / VOCABULARY)
    for source in sources:
        encoded(config, data.vocabulary, source)  # an unknown word is better told before the training
    results, dev, test = measure(config, run)
    greedy, (beam, searched) = test["greedy"], list(test.items())[-1]
    told = [
        f"{len(data.train):,} phrases to learn from; {spread(scores(results, 'test/exact')['transformer'])} of the "
        f"{len(data.test)} test phrases are the first reference word by word",
        *(f"BLEU on dev, {search}: {spread(of, 4)}" for search, of in dev.items()),
        f"BLEU on test, greedy: {spread(greedy, 4)}",
        f"BLEU on test, {beam}: {spread(searched, 4)}, {spread(searched - greedy, 4)} more than greedy search's",
        *translated(config, sources, config, data.vocabulary, results["transformer"][0].state.params),
    ]
    return told, figures(config, dev, test)


def load(config):
    """Three fifths to learn from; the rest, as many as that, makes small differences between searches worth a look."""
    if config.dataset != "phrases":
        return corpora.translated(config.dataset, config.target, size=config.phrases, limit=LIMIT - 1)
    return phrases.load(config.phrases, config.target, (0.6, 0.2, 0.2))


def encoded(config, vocabulary, phrase):
    """A word that no phrase has is a mistake; of a real language no vocabulary has all words."""
    symbols = words(phrase.lower())
    if len(symbols) > LIMIT:
        raise InputError(f"--input: a phrase of {len(symbols)} words: expected {LIMIT} at most")
    return vocabulary.encode_known(symbols) if config.dataset == "phrases" else vocabulary.encode(symbols)


def build(config, data, seed):
    model = network(config, data.vocabulary)
    return translator(model, data, config.optimizer, config.epochs, config.batch_size, smoothing=config.smoothing)


def network(config, vocabulary):
    hidden = 2 * config.width
    size = Size(config.layers, config.width, config.heads, hidden, config.dropout, config.norm, limit=LIMIT)
    return Transformer(len(vocabulary), size)


def measure(config, run):
    """(results, BLEU of each seed on dev by search, the same on test of greedy search and dev's best α)."""
    data, run = load(config), replace(run, evaluate_every=run.evaluate_every or 10**6)
    results = trials({"transformer": partial(build, config, data)}, run, config.seeds)
    every = [result.state.params for result in results["transformer"]]

    def found(name, **search):
        return np.array([bleu(network(config, data.vocabulary), params, data, name, **search) for params in every])

    swept = {alpha: found("dev", width=config.beam, alpha=alpha) for alpha in config.alphas}
    best = max(swept, key=lambda alpha: swept[alpha].mean())
    dev = {"greedy": found("dev")} | {named(config, alpha): of for alpha, of in swept.items()}
    test = {"greedy": found("test"), named(config, best): found("test", width=config.beam, alpha=best)}
    return results, dev, test


def bleu(model, params, data, name, width=1, alpha=0.0):
    """Of the best translations of a set, against all references."""
    fields = {"dev": data.dev, "test": data.test}[name].fields
    found = translations(model, params, fields, LIMIT, width, alpha)
    said = [data.vocabulary.decode(tokens) for tokens in found.tokens[:, 0]]
    return corpus_bleu(said, [[text.split() for text in texts] for texts in data.references[name]]).score


def named(config, alpha):
    return f"beam of {config.beam}, α = {alpha:g}"


def translated(config, sources, trained, vocabulary, params):
    """“phrase” is “translation”, by a trained network and a beam search at α = 0.7."""
    model, told = network(trained, vocabulary), []
    for source in sources:
        tokens = encoded(trained, vocabulary, source)
        row = {"source": tokens[None], "source_length": np.array([len(tokens)], np.int32)}
        found = translations(model, params, row, LIMIT, config.beam)
        told.append(f"“{source}” is “{' '.join(vocabulary.decode(found.tokens[0, 0]))}”")
    return told


def figures(config, dev, test):
    gained = np.array([dev[named(config, alpha)] - dev["greedy"] for alpha in config.alphas])
    low, high = gained.mean(1).min(), gained.mean(1).max()
    means = ", ".join(f"{name} {of.mean():.3f}" for name, of in test.items())
    return {
        f"BLEU on test: {means}": dots(test, "BLEU on test"),
        f"BLEU that a beam of {config.beam} gains on dev, by the exponent α of the length: {low:.4f} to "
        f"{high:.4f}": curves({"mean over seeds, lowest to highest": (config.alphas, gained.T)}, "α", "BLEU gained"),
    }


if __name__ == "__main__":
    run(main, Config)
