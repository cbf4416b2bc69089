"""Speech to words by CTC, of speakers never heard before, greedily and by prefix beam (Graves et al., 2006).

    python -m experiments.sequences.speech_ctc

About 60 s on two CPU cores. Finds: of the digits of speakers never heard, in noise 3 to 25 dB below them, 0.0289 ±
0.0204 are misheard by reading off the best path, 0.0276 ± 0.0214 by a prefix beam of 8 (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from experiments import expect
from experiments.sequences import VOCABULARY, earlier, lines
from jaxdl.data import recordings, speech
from jaxdl.data.source import Arrays
from jaxdl.data.text import SPECIAL
from jaxdl.decode.ctc import BLANK, best_path, prefix_beam
from jaxdl.layers.spectrogram import HOP
from jaxdl.models.speech import Recognizer, heard, recognizer
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import PALETTE, dots, spread
from jaxdl.report.style import INK, SIZE, figure, tidy
from jaxdl.run import run
from jaxdl.score.edit_distance import error_rate
from jaxdl.train.predictions import predictions
from jaxdl.train.trials import trials


@dataclass(frozen=True)
class Config:
    dataset: str = "speech"
    """`speech`, which is synthesised on the spot, or a prepared TFDS set: librispeech, speech_commands."""
    utterances: int = 1000
    """Of a TFDS set: as many to learn from at most, and a tenth as many to be tested on."""
    seconds: float = 16.0
    """Of a TFDS set: what is longer is left out."""
    most: int = 4
    """Words to an utterance, of the ten digits."""
    snr: tuple[float, float] = (3.0, 25.0)
    """Decibels by which the speech is louder than the noise."""
    hidden: int = 48
    """To each direction."""
    layers: int = 1
    every: int = 3
    """Frames, of 10 ms, that are joined to one step."""
    dropout: float = 0.1
    augment: bool = False
    """SpecAugment."""
    epochs: int = 14
    batch_size: int = 32
    width: int = 8
    """Of the beam."""
    input: str = ""
    """A WAV file of 8,000 samples a second to be transcribed too; “-”: the files that standard input names."""
    load: Path | None = None
    """The directory of an earlier run: transcribe by its first network, and train nothing."""
    seeds: int = 3
    """Of the utterances and their speakers too."""
    optimizer: Chain = Chain("adam", learning_rate=4e-3, decay="cosine", clip_norm=1.0)

    def __post_init__(self):
        expect(self, 1, "utterances", "most", "hidden", "layers", "every", "epochs", "batch_size", "width")


@lru_cache  # synthesising takes longer than reading the features off it
def load(dataset, utterances, most, snr, seconds, seed):
    if dataset == "speech":
        return speech.load(utterances, most=most, room=speech.Room(snr), seed=seed)
    return recordings.load(dataset, utterances, seconds)


def data_of(config, seed):
    return load(config.dataset, config.utterances, config.most, config.snr, config.seconds, seed)


def network(config, vocabulary):
    return Recognizer(len(vocabulary), config.hidden, config.layers, config.every, dropout=config.dropout)


def build(config, seed):
    data = data_of(config, seed)
    model = network(config, data.vocabulary)
    return recognizer(model, data, config.optimizer, config.epochs, config.batch_size, augment=config.augment)


def measure(config, run):
    """({decoder: label error rate on the test speakers [seeds]}, {decoder: share of utterances right}, states)."""
    builds = {"gru": partial(build, config)}
    results = trials(builds, replace(run, evaluate_every=run.evaluate_every or 10**6), config.seeds)["gru"]
    rate: dict = {name: [] for name in decoders(config)}
    whole: dict = {name: [] for name in decoders(config)}
    for seed, result in enumerate(results):
        test = heard(data_of(config, seed).test).fields
        outputs = said(config, build(config, seed), result.state, test)
        true = [labels[:size].tolist() for labels, size in zip(test["labels"], test["label_length"], strict=True)]
        for name, decode in decoders(config).items():
            found = [decode(logits) for logits in outputs]
            rate[name].append(error_rate(true, found).rate)
            whole[name].append(np.mean([one == other for one, other in zip(true, found, strict=True)]))
    return rate, whole, [result.state for result in results]


def decoders(config):
    """{name: logits [time, classes] -> labels}."""
    return {
        "greedy": best_path,
        f"prefix beam of {config.width}": lambda logits: prefix_beam(logits, config.width)[0][0],
    }


def said(config, task, state, utterances):
    """The logits of each utterance, as many steps as it has."""
    logits = predictions(task, state, utterances)
    return [of[: size // config.every] for of, size in zip(logits, utterances["length"], strict=True)]


def transcribed(config, recorded, trained, vocabulary, params):
    """What is said in each of {path: recording [samples]}, by a trained network and the beam."""
    model, told = network(trained, vocabulary), []
    hears = jax.jit(lambda *heard: model.apply({"params": params}, *heard))
    for path, audio in recorded.items():
        part = Arrays({"audio": audio[None], "audio_length": np.array([len(audio)], np.int32)})
        features, length = (jnp.asarray(heard(part).fields[name][0]) for name in ("features", "length"))
        labels = prefix_beam(np.asarray(hears(features, length)), config.width)[0][0]
        told.append(f"{path}: {written(vocabulary, labels)}")
    return told


def written(vocabulary, labels):
    """Words with spaces between them; of characters the space is one itself."""
    of_words = max(map(len, vocabulary.symbols[len(SPECIAL) :])) > 1
    return (" " if of_words else "").join(vocabulary.decode(np.array(labels, np.int32)))


def main(config, run):
    paths = lines(config.input) if config.input or config.load else []
    recorded = {path: speech.read_wav(path) for path in paths}
    if config.load:
        return transcribed(config, recorded, *earlier(config.load, Config, "gru/0")), {}
    data = data_of(config, 0)
    data.vocabulary.save(run.directory / VOCABULARY)
    rate, whole, states = measure(config, run)
    told = [
        f"{name}: label error {spread(rate[name], 4)} on speakers never heard, {spread(whole[name])} of the utterances "
        "without an error"
        for name in rate
    ]
    told += transcribed(config, recorded, config, data.vocabulary, states[0].params)
    greedy, beam = (np.mean(of) for of in rate.values())
    return told, {
        f"Label error on speakers never heard: {greedy:.4f} greedily, {beam:.4f} by the beam": dots(
            {name: np.array(of) for name, of in rate.items()}, "label error rate"
        ),
        **utterance(config, build(config, 0), states[0], data),
    }


def utterance(config, task, state, data):
    """{title: log-mel over the probabilities of the labels}, for the first test utterance with the most words."""
    row = int(data.test.fields["label_length"].argmax())
    shown = heard(data.test.select(np.array([row]))).fields
    (logits,) = said(config, task, state, shown)
    probability = np.exp(logits - np.logaddexp.reduce(logits, -1, keepdims=True))
    frames = int(shown["length"][0])
    seconds = frames * HOP / speech.RATE
    sheet = figure(560, 380)
    above, below = sheet.subplots(2, sharex=True)
    above.imshow(
        shown["features"][0, :frames].T, origin="lower", aspect="auto", cmap="gray_r", extent=(0, seconds, 0, 40)
    )
    time = (np.arange(len(logits)) + 0.5) * config.every * HOP / speech.RATE
    below.plot(time, probability[:, BLANK], ":", color="#999999", linewidth=1.2, label="blank")
    labels = shown["labels"][0, : shown["label_length"][0]]
    for place, label in enumerate(dict.fromkeys(labels.tolist())):
        name = data.vocabulary.decode(np.array([label]))[0]
        below.plot(time, probability[:, label], color=PALETTE[place % len(PALETTE)], linewidth=1.6, label=name)
    tidy(above, "", "mel band")
    tidy(below, "seconds", "P(label)")
    spoken = written(data.vocabulary, labels)
    above.grid(visible=False)
    above.set_title(f"spoken: {spoken}", fontsize=SIZE, color=INK)
    below.legend(fontsize=SIZE - 1, frameon=False, ncols=5, loc="lower left", bbox_to_anchor=(0, 1))
    blank = (logits.argmax(-1) == BLANK).sum()
    return {f"What is said when, in an utterance of the test: {blank} of {len(logits)} steps are blank": sheet}


if __name__ == "__main__":
    run(main, Config)
