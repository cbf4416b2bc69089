"""Speech to words by attention, word after word, in the place of CTC (Chan et al., 2016; Bahdanau et al., 2016).

    python -m experiments.sequences.speech_attention

About 55 s on two CPU cores. Finds: of the digits of speakers never heard 0.0388 ± 0.0172 are misheard; `speech_ctc`,
after as many epochs of the same utterances, mishears 0.0289 ± 0.0204. Where to look is learnt from the words alone, and
0.990 ± 0.012 of them look further on than the word before them (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial

import jax
import numpy as np

from experiments import expect
from experiments.sequences import speech_ctc
from jaxdl.data.speech import RATE
from jaxdl.layers.recurrence import length_mask
from jaxdl.layers.spectrogram import HOP
from jaxdl.models.seq2seq import Listener
from jaxdl.models.speech import transcripts
from jaxdl.models.translation import translations, translator
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import dots, spread
from jaxdl.report.style import INK, SIZE, figure, tidy
from jaxdl.run import run
from jaxdl.score.edit_distance import error_rate
from jaxdl.train.trials import trials


@dataclass(frozen=True)
class Config:
    dataset: str = "speech"
    """`speech`, which is synthesised on the spot, or a prepared TFDS set: librispeech, speech_commands."""
    utterances: int = 1000
    """Those of `speech_ctc`, so that the two can be compared."""
    seconds: float = 16.0
    """Of a TFDS set: what is longer is left out."""
    most: int = 4
    """Words to an utterance, of the ten digits."""
    snr: tuple[float, float] = (3.0, 25.0)
    """Decibels by which the speech is louder than the noise."""
    attention: str = "additive"
    """additive, multiplicative or none."""
    embedding: int = 16
    hidden: int = 48
    """To each direction of the encoder, and of the decoder."""
    every: int = 3
    """Frames, of 10 ms, that are joined to one step."""
    dropout: float = 0.1
    smoothing: float = 0.0
    """Of the labels."""
    epochs: int = 14
    batch_size: int = 32
    width: int = 8
    """Of the beam."""
    seeds: int = 3
    """Of the utterances and their speakers too."""
    optimizer: Chain = Chain("adam", learning_rate=8e-3, decay="cosine", clip_norm=1.0)

    def __post_init__(self):
        expect(self, 1, "utterances", "most", "embedding", "hidden", "every", "epochs", "batch_size", "width")


@lru_cache
def load(dataset, utterances, most, snr, seconds, seed):
    return transcripts(speech_ctc.load(dataset, utterances, most, snr, seconds, seed))


def data_of(config, seed):
    return load(config.dataset, config.utterances, config.most, config.snr, config.seconds, seed)


def network(config, data):
    return Listener(
        len(data.vocabulary), config.embedding, config.hidden, config.attention, dropout=config.dropout,
        every=config.every,
    )  # fmt: skip


def build(config, seed):
    data = data_of(config, seed)
    model = network(config, data)
    return translator(model, data, config.optimizer, config.epochs, config.batch_size, smoothing=config.smoothing)


def measure(config, run):
    """({search: label error rate on the test speakers [seeds]}, share of words in order [seeds], weights of each)."""
    run = replace(run, evaluate_every=run.evaluate_every or 10**6)
    results = trials({config.attention: partial(build, config)}, run, config.seeds)[config.attention]
    weights = [result.state.params for result in results]
    searches = {"greedy": 1, f"beam of {config.width}": config.width}
    rate = {
        name: np.array([label_error(config, params, seed, width) for seed, params in enumerate(weights)])
        for name, width in searches.items()
    }
    return rate, np.array([in_order(config, params, seed) for seed, params in enumerate(weights)]), weights


def label_error(config, params, seed, width):
    data = data_of(config, seed)
    target = data.test.fields["target"]
    found = translations(network(config, data), params, data.test.fields, target.shape[1], width)
    true, said = ([data.vocabulary.decode(tokens) for tokens in of] for of in (target, found.tokens[:, 0]))
    return error_rate(true, said).rate


def maps(config, params, data):
    """What the true words of the test utterances look at, <EOS> too: [utterances, words, steps]."""
    model = network(config, data)

    def of(row):
        mask = length_mask(row["source_length"], len(row["source"]))
        return model.apply({"params": params}, row["source"], mask, row["target"][:-1], method="with_maps")[1]

    return np.asarray(jax.jit(lambda rows: jax.lax.map(of, rows, batch_size=64))(data.test.fields))


def in_order(config, params, seed):
    """The share of words, from the second of an utterance on, whose attention lies further on than that of the last;
    NaN where no utterance has two."""
    data = data_of(config, seed)
    weights = maps(config, params, data)
    centre = weights @ np.arange(weights.shape[-1])
    words = np.arange(1, centre.shape[1]) < data.test.fields["target_length"][:, None] - 2
    return (np.diff(centre) > 0)[words].mean() if words.any() else np.nan


def main(config, run):
    rate, order, weights = measure(config, run)
    told = [f"{search}: label error {spread(of, 4)} on speakers never heard" for search, of in rate.items()]
    ordered = f"{spread(order)} of the words look further on than the word before them"
    if np.isnan(order).any():
        ordered = "No utterance has two words, of which the second could look further on"
    told.append(ordered)
    means = ", ".join(f"{of.mean():.4f} ({search})" for search, of in rate.items())
    return told, {
        f"Label error on speakers never heard: {means}": dots(rate, "label error rate"),
        f"Where to look is learnt from words alone. {ordered}": utterance(config, weights[0], data_of(config, 0)),
    }


def utterance(config, params, data):
    """Log-mel over what each word looks at, for the first test utterance with the most words."""
    row = int(data.test.fields["target_length"].argmax())
    shown = {name: values[row] for name, values in data.test.fields.items()}
    frames, words = int(shown["source_length"]), int(shown["target_length"]) - 2
    weights = maps(config, params, data)[row, : words + 1, : frames // config.every]
    seconds = frames * HOP / RATE
    sheet = figure(560, 340)
    above, below = sheet.subplots(2, sharex=True)
    above.imshow(shown["source"][:frames].T, origin="lower", aspect="auto", cmap="gray_r", extent=(0, seconds, 0, 40))
    below.imshow(weights, aspect="auto", cmap="Blues", vmin=0, extent=(0, seconds, words + 0.5, -0.5))
    names = [*data.vocabulary.decode(shown["target"]), "<EOS>"]
    tidy(above, "", "mel band")
    tidy(below, "seconds")
    below.set_yticks(range(words + 1), names, fontsize=SIZE, color=INK)
    for axes in (above, below):
        axes.grid(visible=False)
    return sheet


if __name__ == "__main__":
    run(main, Config)
