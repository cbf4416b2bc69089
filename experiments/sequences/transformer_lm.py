"""A character language model again: a Transformer that looks back, in the place of an LSTM (Radford et al., 2018).

    python -m experiments.sequences.transformer_lm

About 105 s on two CPU cores. Finds: a Transformer of 2 layers, which sees 128 characters at a time, needs 2.059 ± 0.012
bits for each character of topics it has not seen. So does the LSTM of `char_language_model`, 2.064 ± 0.011 after more
epochs and in a third more time; a 5-gram model needs 2.190 (3 seeds).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import jax
import numpy as np

from experiments import expect
from experiments.sequences import VOCABULARY, earlier, lines
from experiments.sequences.char_language_model import as_sample, check_drawing, load, ngram_bits, sampler
from jaxdl.data.text import EOS
from jaxdl.errors import InputError
from jaxdl.models.language_model import language_model
from jaxdl.models.transformer import Size, TransformerLM
from jaxdl.models.translation import stepper
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import dots, spread
from jaxdl.run import run
from jaxdl.train.trials import scores, trials


@dataclass(frozen=True)
class Config:
    dataset: str = "prose"
    """`prose`, which is Python's own documentation, or a TFDS set of texts: tiny_shakespeare, text8, lm1b, …"""
    layers: int = 2
    width: int = 96
    heads: int = 4
    hidden: int = 384
    dropout: float = 0.0
    positions: str = "rotary"
    """sinusoidal, learned or rotary."""
    epochs: int = 6
    batch_size: int = 16
    length: int = 128
    """Characters that the network sees at a time: it knows nothing of what came before them."""
    seeds: int = 3
    optimizer: Chain = Chain("adam", learning_rate=1e-2, decay="cosine", warmup_steps=100, clip_norm=1.0)
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
        expect(self, 1, "layers", "width", "heads", "hidden", "epochs", "batch_size", "order", "characters")
        if self.length < 4:
            raise InputError(f"length {self.length}: expected 4 or more, for a quarter is only looked at in scoring")


def main(config, run):
    prompts = lines(config.input)
    if config.load:
        return drawn(config, prompts, run.seed, *earlier(config.load, Config, "transformer/0")), {}
    texts, vocabulary, corpus = load(config.dataset)
    vocabulary.save(run.directory / VOCABULARY)
    check_drawing(config, prompts, vocabulary)
    counted = {name: ngram_bits(config, texts, len(vocabulary), name) for name in ("dev", "test")}
    results = measure(config, run, texts, vocabulary)
    bits = {name: compared(config, results, name, of) for name, of in counted.items()}
    told = [
        f"Text: {len(texts['train']):,} characters to learn from, {len(texts['test']):,} of other topics to be tested "
        f"on, {len(vocabulary)} symbols; Python {corpus.python}, sha256 {corpus.digest[:12]}."
    ]
    told += [
        f"Bits per character on {name}: " + ", ".join(f"{model} {spread(of, 3)}" for model, of in found.items())
        for name, found in bits.items()
    ]
    told += drawn(config, prompts, run.seed, config, vocabulary, results["transformer"][0].state.params)
    means = ", ".join(f"{model} {of.mean():.3f}" for model, of in bits["test"].items())
    return told, {f"Bits per character on test: {means}": dots(bits["test"], "bits per character")}


def measure(config, run, texts, vocabulary):
    """{model: [result of a seed]}."""
    run = replace(run, evaluate_every=run.evaluate_every or 10**6)
    return trials({"transformer": lambda seed: build(config, texts, vocabulary)}, run, config.seeds)


def compared(config, results, name, counted):
    """{model: bits a character of a set [seeds]}, of the Transformer and of counting."""
    return {**scores(results, f"{name}/bits"), f"{config.order}-gram": np.array([counted])}


def build(config, texts, vocabulary):
    """In scoring a quarter of what the network sees is only looked back on; each of the rest is predicted."""
    return language_model(
        network(config, vocabulary), texts, config.optimizer, config.epochs, config.batch_size, config.length,
        context=config.length // 4,
    )  # fmt: skip


def network(config, vocabulary):
    size = Size(
        config.layers, config.width, config.heads, config.hidden, config.dropout, norm="pre",
        positions=config.positions, limit=config.length,
    )  # fmt: skip
    return TransformerLM(len(vocabulary), size)


def drawn(config, prompts, seed, trained, vocabulary, params):
    """What a trained network goes on with after each prompt.

    It sees `length` characters at most: when they are full, it goes on from the second half of them.
    """
    model, half = network(trained, vocabulary), trained.length // 2
    draw = sampler(config, stepper(model, params))
    empty = model.apply({"params": params}, trained.length, method="start")

    def goes_on(prompt):
        tokens = vocabulary.encode_known(prompt).tolist()
        end = len(tokens) + config.characters
        while len(tokens) < end and EOS not in tokens:
            key = jax.random.fold_in(jax.random.key(seed), len(tokens))
            tokens += draw(empty, np.array(tokens[-half:]), key, half).tolist()
        return tokens[:end]

    return [as_sample(config, vocabulary, goes_on(prompt)) for prompt in prompts]


if __name__ == "__main__":
    run(main, Config)
