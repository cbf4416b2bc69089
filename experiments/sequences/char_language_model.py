"""A character language model: an LSTM that reads Python's documentation, against counting (Mikolov et al., 2010).

    python -m experiments.sequences.char_language_model

About 140 s on two CPU cores. Finds: after 9 epochs of 299,000 characters an LSTM needs 2.064 ± 0.011 bits for each
character of topics it has not seen, a 5-gram model, the best of its kind, 2.190 (3 seeds).
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from experiments import expect
from experiments.sequences import VOCABULARY, earlier, lines
from jaxdl.data import corpora
from jaxdl.data.text import EOS, Vocabulary
from jaxdl.decode.sampling import check, sample
from jaxdl.models.generator import NEVER
from jaxdl.models.language_model import LanguageModel, language_model, stepper
from jaxdl.models.ngram import NGram
from jaxdl.optim.chain import Chain
from jaxdl.report import records
from jaxdl.report.comparison import curves, dots, spread
from jaxdl.run import run
from jaxdl.train.trials import scores, trials


@dataclass(frozen=True)
class Config:
    dataset: str = "prose"
    """`prose`, which is Python's own documentation, or a TFDS set of texts: tiny_shakespeare, text8, lm1b, …"""
    seeds: int = 3
    cell: str = "lstm"
    """rnn, simplified_gru, gru, reset_after_gru, lstm or peephole_lstm."""
    embedding: int = 64
    hidden: int = 256
    layers: int = 1
    tied: bool = False
    """The output matrix is the embedding's."""
    dropout: float = 0.2
    epochs: int = 9
    batch_size: int = 32
    length: int = 64
    """Characters to a segment: gradients go no further back, the state does."""
    optimizer: Chain = Chain("adam", learning_rate=4e-3, decay="cosine", clip_norm=1.0)
    order: int = 5
    """Of the n-gram model."""
    temperature: float = 0.7
    top_k: int = 0
    top_p: float = 1.0
    characters: int = 300
    """To be drawn for a sample."""
    input: str = "The "
    """What a sample goes on from; “-”: from each line of standard input."""
    load: Path | None = None
    """The directory of an earlier run: draw from its first network, and train nothing."""

    def __post_init__(self):
        expect(self, 1, "embedding", "hidden", "layers", "epochs", "batch_size", "length", "order", "characters")


def main(config, run):
    prompts = lines(config.input)
    if config.load:
        return drawn(config, prompts, run.seed, *earlier(config.load, Config, "network/0")), {}
    texts, vocabulary, corpus = load(config.dataset)
    vocabulary.save(run.directory / VOCABULARY)
    check_drawing(config, prompts, vocabulary)
    counted = {name: ngram_bits(config, texts, len(vocabulary), name) for name in ("dev", "test")}
    results = measure(config, run, texts, vocabulary)
    learned = {name: scores(results, f"{name}/bits") for name in ("dev", "test")}
    told = [
        f"Text: {len(texts['train']):,} characters to learn from, {len(texts['test']):,} of other topics to be tested "
        f"on, {len(vocabulary)} symbols; Python {corpus.python}, sha256 {corpus.digest[:12]}."
    ]
    told += [
        f"Bits per character on {name}: {config.cell} {spread(learned[name][config.cell], 3)}, "
        f"{config.order}-gram {counted[name]:.3f}"
        for name in counted
    ]
    told += drawn(config, prompts, run.seed, config, vocabulary, results[config.cell][0].state.params)
    return told, figures(config, results, learned, counted)


def load(dataset):
    """({set: tokens}, vocabulary, corpus): the topics of each set one after the other, with an <EOS> between."""
    corpus = corpora.load(dataset)
    vocabulary = Vocabulary.build(corpus.train.values())
    parts = {"train": corpus.train, "dev": corpus.dev, "test": corpus.test}
    end = np.array([EOS], np.int32)
    texts = {
        name: np.concatenate([piece for text in topics.values() for piece in (vocabulary.encode(text), end)])
        for name, topics in parts.items()
    }
    return texts, vocabulary, corpus


def measure(config, run, texts, vocabulary):
    """{cell: [result of a seed]}."""
    results = trials({"network": lambda seed: build(config, texts, len(vocabulary))}, run, config.seeds)
    return {config.cell: results["network"]}


def build(config, texts, symbols):
    model = network(config, symbols)
    return language_model(model, texts, config.optimizer, config.epochs, config.batch_size, config.length)


def network(config, symbols):
    return LanguageModel(
        symbols, config.cell, config.embedding, config.hidden, config.layers, config.tied, config.dropout
    )


def ngram_bits(config, texts, symbols, name):
    """−log₂ P a character, over all but the first, as the network is scored."""
    model = NGram.count(texts["train"], config.order, symbols)
    return -np.log2(model.probability(texts[name])[1:]).mean()


def check_drawing(config, prompts, vocabulary):
    """InputError for what can't be drawn: it is better told before the training."""
    for prompt in prompts:
        vocabulary.encode_known(prompt)
    check(len(vocabulary), config.temperature, config.top_k, config.top_p, NEVER)


def drawn(config, prompts, seed, trained, vocabulary, params):
    """What a trained network goes on with after each prompt."""
    model = network(trained, len(vocabulary))
    draw = sampler(config, stepper(model, params))

    def goes_on(prompt):
        tokens = vocabulary.encode_known(prompt)
        return np.concatenate([tokens, draw(model.start(), tokens, jax.random.key(seed), config.characters)])

    return [as_sample(config, vocabulary, goes_on(prompt)) for prompt in prompts]


def sampler(config, step):
    """draw(carry, prompt, key, limit) -> the tokens that come next, up to <EOS>."""
    options = {name: getattr(config, name) for name in ("temperature", "top_k", "top_p")}
    program = jax.jit(partial(sample, step, end=EOS, banned=NEVER, **options), static_argnums=3)

    def draw(carry, prompt, key, limit):
        found = program(carry, jnp.asarray(prompt), key, limit)
        return np.asarray(found.tokens[: found.length])

    return draw


def as_sample(config, vocabulary, tokens):
    return f"A sample at temperature {config.temperature:g}: {''.join(vocabulary.decode(tokens))}"


def figures(config, results, learned, counted):
    cell, grams = config.cell, f"{config.order}-gram"
    logs = [records.series(records.read(result.directory).records) for result in results[cell]]
    falling = np.array([log["bits"]["dev"].values for log in logs])
    epochs = np.arange(1, falling.shape[1] + 1)
    lines = {cell: (epochs, falling), grams: (epochs, np.full(len(epochs), counted["dev"]))}
    scored = {cell: learned["test"][cell], grams: np.array([counted["test"]])}
    return {
        f"Epoch by epoch, bits per character on dev; the {grams} model has {counted['dev']:.2f}": curves(
            lines, "epochs finished", "bits per character"
        ),
        f"Bits per character on test: {cell} {scored[cell].mean():.2f}, {grams} {counted['test']:.2f}": dots(
            scored, "bits per character"
        ),
    }


if __name__ == "__main__":
    run(main, Config)
