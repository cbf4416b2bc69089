"""Speech to words by CTC, of speakers never heard before, greedily and by prefix beam (Graves et al., 2006).

    python -m experiments.sequences.speech_ctc

About 60 s on two CPU cores. Finds: of the digits of speakers never heard, in noise 3 to 25 dB below them, 0.0289 ±
0.0204 are misheard by reading off the best path, 0.0276 ± 0.0214 by a prefix beam of 8 (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from jaxdl.data import speech
from jaxdl.data.source import Arrays
from jaxdl.decode.ctc import BLANK, best_path, prefix_beam
from jaxdl.errors import InputError
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
    utterances: int = 1000
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
    """A WAV file of 8,000 samples a second to be transcribed too."""
    seeds: int = 3
    """Of the utterances and their speakers too."""
    optimizer: Chain = Chain("adam", learning_rate=4e-3, decay="cosine", clip_norm=1.0)

    def __post_init__(self):
        if self.width < 1:
            raise InputError(f"width = {self.width}: expected a beam of 1 or more")


@lru_cache  # synthesising takes longer than reading the features off it
def load(utterances, most, snr, seed):
    return speech.load(utterances, most=most, room=speech.Room(snr), seed=seed)


def build(config, seed):
    data = load(config.utterances, config.most, config.snr, seed)
    model = Recognizer(len(data.vocabulary), config.hidden, config.layers, config.every, dropout=config.dropout)
    return recognizer(model, data, config.optimizer, config.epochs, config.batch_size, augment=config.augment)


def measure(config, run):
    """({decoder: label error rate on the test speakers [seeds]}, {decoder: share of utterances right}, states)."""
    builds = {"gru": partial(build, config)}
    results = trials(builds, replace(run, evaluate_every=run.evaluate_every or 10**6), config.seeds)["gru"]
    rate: dict = {name: [] for name in decoders(config)}
    whole: dict = {name: [] for name in decoders(config)}
    for seed, result in enumerate(results):
        test = heard(load(config.utterances, config.most, config.snr, seed).test).fields
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


def transcribe(config, task, state, audio, vocabulary):
    """The words of a recording [samples], by the beam."""
    part = Arrays({"audio": audio[None], "audio_length": np.array([len(audio)], np.int32)})
    (logits,) = said(config, task, state, heard(part).fields)
    return " ".join(vocabulary.decode(np.array(prefix_beam(logits, config.width)[0][0])))


def main(config, run):
    recording = speech.read_wav(config.input) if config.input else None
    rate, whole, states = measure(config, run)
    told = [
        f"{name}: label error {spread(rate[name], 4)} on speakers never heard, {spread(whole[name])} of the utterances "
        "without an error"
        for name in rate
    ]
    task, data = build(config, 0), load(config.utterances, config.most, config.snr, 0)
    if recording is not None:
        told.append(f"{config.input}: {transcribe(config, task, states[0], recording, data.vocabulary)}")
    greedy, beam = (np.mean(of) for of in rate.values())
    return told, {
        f"Label error on speakers never heard: {greedy:.4f} greedily, {beam:.4f} by the beam": dots(
            {name: np.array(of) for name, of in rate.items()}, "label error rate"
        ),
        **utterance(config, task, states[0], data),
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
        below.plot(time, probability[:, label], color=PALETTE[place], linewidth=1.6, label=name)
    tidy(above, "", "mel band")
    tidy(below, "seconds", "P(label)")
    spoken = " ".join(data.vocabulary.decode(labels))
    above.grid(visible=False)
    above.set_title(f"spoken: {spoken}", fontsize=SIZE, color=INK)
    below.legend(fontsize=SIZE - 1, frameon=False, ncols=5, loc="lower left", bbox_to_anchor=(0, 1))
    blank = (logits.argmax(-1) == BLANK).sum()
    return {f"What is said when, in an utterance of the test: {blank} of {len(logits)} steps are blank": sheet}


if __name__ == "__main__":
    run(main, Config)
