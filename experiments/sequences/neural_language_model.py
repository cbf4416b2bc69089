"""A neural language model of the last four words, against counting, and other contexts (Bengio et al., 2003).

    python -m experiments.sequences.neural_language_model

About 60 s on two CPU cores. Finds: on topics of Python's documentation that it has not seen the perplexity is
26.3 ± 0.3, of a 5-gram model 31.2, of the mean of both 21.1 ± 0.2. From four words on either side it is 15.9 ± 0.1,
from the last one 31.8 ± 0.2, from one nearby 52.8 ± 0.7; vectors so learnt answer 1.000 (both sides), 0.996
(last 4), 0.943 (last 1) and 0.470 (nearby 1) of the planted analogies (3 seeds).
"""

import math
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from experiments import expect
from jaxdl.data import analogies, prose
from jaxdl.data.contexts import BOTH_SIDES, LAST_FOUR, LAST_ONE, nearby_one, windows
from jaxdl.data.text import Vocabulary, words
from jaxdl.models.ngram import NGram
from jaxdl.models.word_training import word_model
from jaxdl.models.word_vectors import NeuralLanguageModel
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import dots, spread
from jaxdl.run import run
from jaxdl.score.retrieval import analogy_accuracy, neighbours, unit
from jaxdl.task import EarlyStopping
from jaxdl.train.trials import trials

CONTEXTS = ("last 4", "last 4 and next 4", "last 1", "nearby 1")


@dataclass(frozen=True)
class Config:
    seeds: int = 3
    """Of the weights, and of the sentences with planted relations."""
    minimum: int = 3
    """How often a word of `prose` must occur in its training part; others are <UNK>."""
    dimension: int = 32
    hidden: int = 64
    epochs: int = 12
    """At most: training stops when dev has not got better twice."""
    batch_size: int = 256
    optimizer: Chain = Chain("adam", learning_rate=2e-3)
    order: int = 5
    """Of the n-gram model: it looks at four words, too."""
    sentences: int = 20_000
    """Of the corpus with planted relations, on which analogies are asked."""
    planted_epochs: int = 3
    planted_optimizer: Chain = Chain("adam", learning_rate=1e-2, decay="cosine")
    shown: tuple[str, ...] = ("class", "list", "may")
    """Words of `prose` whose neighbours are printed."""

    def __post_init__(self):
        expect(self, 1, "minimum", "dimension", "hidden", "epochs", "batch_size")
        expect(self, 1, "order", "sentences", "planted_epochs")


def main(config, run):
    texts, vocabulary, corpus = load(config)
    vocabulary.encode_known(config.shown)  # an unknown word is better told before the training
    counted = NGram.count(texts["train"], config.order, len(vocabulary))
    results = trials(
        {context: partial(build, config, context, texts, len(vocabulary)) for context in CONTEXTS}, run, config.seeds
    )
    perplexity = perplexities(config, texts, len(vocabulary), results, counted)
    right = analogies_right(config, run)
    last_four = perplexity["last 4"]
    told = [
        f"Text: {len(texts['train']):,} words to learn from, {len(texts['test']):,} of other topics, "
        f"{len(vocabulary):,} different; Python {corpus.python}, sha256 {corpus.digest[:12]}",
        f"Perplexity on test: neural, last 4 words {spread(last_four, 1)}; {config.order}-gram "
        f"{perplexity['n-gram'][0]:.1f}; the mean of their probabilities {spread(perplexity['mixture'], 1)}",
    ]
    for context in CONTEXTS:
        told.append(
            f"{context}: perplexity {spread(perplexity[context], 1)}, {spread(right[context])} of the planted "
            f"analogies right; {near(results[context][0], vocabulary, config.shown)}"
        )
    return told, {
        f"Perplexity on test: neural {last_four.mean():.0f}, counting {perplexity['n-gram'][0]:.0f}, the mean of both "
        f"{perplexity['mixture'].mean():.0f}": dots(perplexity, "perplexity", log=True),
        "Analogies right, by the context that the vectors were learnt in": dots(right, "share of analogies right"),
    }


def load(config):
    """({set: tokens}, vocabulary, corpus): the words of the topics of each set, one topic after the other."""
    corpus = prose.load()
    parts = {"train": corpus.train, "dev": corpus.dev, "test": corpus.test}
    split = {name: words("\n".join(topics.values()).lower()) for name, topics in parts.items()}
    vocabulary = Vocabulary.build([split["train"]], config.minimum)
    return {name: vocabulary.encode(text) for name, text in split.items()}, vocabulary, corpus


def examples(context, tokens, seed=0):
    """(contexts [P, C], targets [P]) of a text."""
    if context == "nearby 1":
        other, target = nearby_one(tokens, seed=seed)
        return other[:, None], target
    return windows(tokens, {"last 4": LAST_FOUR, "last 4 and next 4": BOTH_SIDES, "last 1": LAST_ONE}[context])


def network(config, context, symbols):
    size = {"last 4": 4, "last 4 and next 4": 8, "last 1": 1, "nearby 1": 1}[context]
    return NeuralLanguageModel(symbols, config.dimension, config.hidden, size)


def build(config, context, texts, symbols, seed):
    parts = {name: examples(context, tokens, seed) for name, tokens in texts.items()}
    model = network(config, context, symbols)
    task = word_model(model, parts, config.optimizer, config.epochs, config.batch_size)
    return replace(task, stopping=EarlyStopping("dev/loss", patience=2))


def perplexities(config, texts, symbols, results, counted):
    """{model: a value a seed}: exp of the mean −log P(word) on test; `mixture` is ½ (neural + n-gram), word by word."""
    counted = counted.probability(texts["test"])[len(LAST_FOUR) :]
    contexts, targets = map(jnp.asarray, windows(texts["test"], LAST_FOUR))
    model = network(config, "last 4", symbols)
    told = [
        np.asarray(target_probability(model, result.state.params, contexts, targets)) for result in results["last 4"]
    ]
    learned = {name: np.array([math.exp(of.metrics["test/loss"]) for of in results[name]]) for name in CONTEXTS}
    return {
        "n-gram": np.array([of_words(counted)]),
        "mixture": np.array([of_words((p + counted) / 2) for p in told]),
        **learned,
    }


@partial(jax.jit, static_argnums=0)
def target_probability(model, params, contexts, targets):
    """P(target | context) [P]."""
    p = jax.nn.softmax(model.apply({"params": params}, contexts))
    return jnp.take_along_axis(p, targets[:, None], 1)[:, 0]


def of_words(p):
    return math.exp(-np.log(p).mean())


def analogies_right(config, run):
    """{context: the share of the planted analogies that are right, a value a seed}."""
    corpora = [analogies.load(config.sentences, seed=seed) for seed in range(config.seeds)]

    def planted(context, seed):
        texts, symbols = np.concatenate(corpora[seed].texts), len(corpora[seed].vocabulary)
        model = network(config, context, symbols)
        windows_of = {"train": examples(context, texts, seed)}
        return word_model(model, windows_of, config.planted_optimizer, config.planted_epochs, config.batch_size)

    builds = {f"planted, {context}": partial(planted, context) for context in CONTEXTS}
    results = trials(builds, run, config.seeds)
    return {
        context: np.array(
            [
                analogy_accuracy(unit(vectors_of(result)), corpus.questions)
                for result, corpus in zip(results[f"planted, {context}"], corpora, strict=True)
            ]
        )
        for context in CONTEXTS
    }


def vectors_of(result):
    return np.asarray(result.state.params["e"])


def near(result, vocabulary, shown):
    """`list is near tuple, set, dict` of each word."""
    rows = neighbours(vectors_of(result), vocabulary.encode_known(shown), 4).rows
    return ", ".join(
        f"{word} lies near {' '.join(vocabulary.symbols[row] for row in of)}"
        for word, of in zip(shown, rows, strict=True)
    )


if __name__ == "__main__":
    run(main, Config)
