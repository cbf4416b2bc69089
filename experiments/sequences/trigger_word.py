"""Trigger word: a GRU listens frame by frame and says when “activate” has been said, not “active” (see the notes).

    python -m experiments.sequences.trigger_word

About 65 s on two CPU cores. Finds: of speakers never heard, triggers are told with F1 0.988 ± 0.005 (precision 0.996 ±
0.006, recall 0.979 ± 0.013), 0.01 s after the word's end (median). That 0.992 ± 0.002 of the frames are right says
little: 0.860 ± 0.016 would be by never telling (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from experiments import expect
from jaxdl.data import speech
from jaxdl.models.speech import Detector, detector, unnormalized
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import dots, spread
from jaxdl.report.style import COLORS, INK, SIZE, figure, tidy
from jaxdl.run import run
from jaxdl.train.predictions import predictions
from jaxdl.train.trials import trials


@dataclass(frozen=True)
class Config:
    clips: int = 1000
    """Of 3 s, with one to five words and pauses between them."""
    trigger: str = "activate"
    size: int = 320
    """Samples of a frame, of 8,000 a second."""
    hop: int = 160
    """Samples from frame to frame."""
    hold: int = 25
    """Frames after the word that are labelled 1."""
    early: float = 0.1
    """Seconds before the word's end at which a detection is right already."""
    hidden: int = 48
    cell: str = "gru"
    epochs: int = 12
    batch_size: int = 32
    seeds: int = 3
    """Of the clips and their speakers too."""
    optimizer: Chain = Chain("adam", learning_rate=5e-3, decay="cosine", clip_norm=1.0)

    def __post_init__(self):
        expect(self, 1, "clips", "size", "hop", "hold", "hidden", "epochs", "batch_size")


def load(config, seed):
    return synthesized(config.clips, config.trigger, config.size, config.hop, config.hold, seed)


@lru_cache  # synthesising takes longer than reading the features off it
def synthesized(clips, trigger, size, hop, hold, seed):
    return speech.load_triggers(clips, trigger, frame=size, hop=hop, hold=hold, seed=seed)


def build(config, seed):
    model = Detector(config.hidden, config.cell)
    return detector(
        model, load(config, seed), config.optimizer, config.epochs, config.batch_size, config.size, config.hop
    )


def measure(config, run):
    """({precision, recall, f1, accuracy, always silent: [seeds]}, delays in seconds, states)."""
    builds = {config.cell: partial(build, config)}
    results = trials(builds, replace(run, evaluate_every=run.evaluate_every or 10**6), config.seeds)[config.cell]
    found: dict = {name: [] for name in ("precision", "recall", "f1", "accuracy of frames", "never a trigger")}
    delays: list = []
    for seed, result in enumerate(results):
        test = load(config, seed).test
        probability = heard_in(config, build(config, seed), result.state, test)
        pairs, said, there = matched(config, probability, test.fields["ends"])
        for name, value in scored(len(pairs), said, there).items():
            found[name].append(value)
        delays += pairs
        found["accuracy of frames"].append(result.metrics["test/accuracy"])
        found["never a trigger"].append(1 - test.fields["trigger"].mean())
    return {name: np.array(of) for name, of in found.items()}, np.array(delays), [one.state for one in results]


def heard_in(config, task, state, part):
    """P(the word has just been said) at each frame [N, frames]."""
    features = unnormalized(part, config.size, config.hop).fields["features"]
    return 1 / (1 + np.exp(-predictions(task, state, {"features": features})))


def detections(probability, quiet):
    """The frames at which P [frames] comes to one half or more, but for those within `quiet` frames of the last."""
    found: list = []
    for frame in np.flatnonzero(np.diff(probability >= 0.5, prepend=False) & (probability >= 0.5)).tolist():
        if not found or frame - found[-1] > quiet:
            found.append(frame)
    return found


def matched(config, probability, ends):
    """(seconds from each trigger's end to its detection, number of detections, number of triggers) over all clips.

    A detection is right from `early` seconds before the end of a trigger until its label is 0 again; each counts once.
    """
    delays: list = []
    said = 0
    last = config.hold * config.hop / speech.RATE
    for row, true in zip(probability, ends, strict=True):
        found = detections(row, config.hold // 2)
        said += len(found)
        times = [(frame * config.hop + config.size) / speech.RATE for frame in found]
        for end in true[true >= 0] / speech.RATE:
            right = [time for time in times if -config.early <= time - end <= last]
            if right:
                times.remove(right[0])
                delays.append(right[0] - end)
    return delays, said, int((ends >= 0).sum())


def scored(hits, said, there):
    """Precision, recall and F1; 0 for 0/0."""
    return {"precision": hits / max(said, 1), "recall": hits / max(there, 1), "f1": 2 * hits / max(said + there, 1)}


def main(config, run):
    found, delays, states = measure(config, run)
    told = [
        f"“{config.trigger}” on speakers never heard: F1 {spread(found['f1'])}, precision "
        f"{spread(found['precision'])}, recall {spread(found['recall'])}",
        f"It is told {np.median(delays):.2f} s after the end of the word (median), never more than "
        f"{delays.max():.2f} s after it" if delays.size else "It is never told",
        f"Of the frames {spread(found['accuracy of frames'])} are right, which says little: "
        f"{spread(found['never a trigger'])} would be by never telling",
    ]  # fmt: skip
    return told, {
        f"Triggers told on speakers never heard: F1 {found['f1'].mean():.3f}": dots(
            {name: found[name] for name in ("precision", "recall", "f1")}, "score"
        ),
        f"A clip of the test: P(“{config.trigger}” has just been said), frame by frame; shaded where the label is 1": (
            time_line(config, states[0])
        ),
    }


def time_line(config, state):
    """Log-mel over probability, for the first test clip with two triggers and “active”, or as near as there is."""
    data = load(config, 0)
    of = data.test.fields
    there = [
        data.vocabulary.decode(labels[:size]) for labels, size in zip(of["labels"], of["label_length"], strict=True)
    ]
    row = max(range(len(there)), key=lambda row: (there[row].count(config.trigger), "active" in there[row]))
    clip = data.test.select(np.array([row]))
    probability = heard_in(config, build(config, 0), state, clip)[0]
    features = unnormalized(clip, config.size, config.hop).fields["features"][0]
    time = (np.arange(len(probability)) * config.hop + config.size) / speech.RATE
    sheet = figure(560, 360)
    above, below = sheet.subplots(2, sharex=True)
    above.imshow(
        features.T, origin="lower", aspect="auto", cmap="gray_r", extent=(time[0], time[-1], 0, features.shape[1])
    )
    above.set_title(f"spoken: {' '.join(there[row])}", fontsize=SIZE, color=INK)
    trigger = clip.fields["trigger"][0]
    below.fill_between(time, trigger, step="mid", color="#999999", alpha=0.3, linewidth=0)
    below.plot(time, probability, color=COLORS["train"], linewidth=1.6)
    for frame in detections(probability, config.hold // 2):
        below.plot(time[frame], probability[frame], "o", color=COLORS["dev"], markersize=6)
    below.set_ylim(0, 1.05)
    tidy(above, "", "mel band")
    above.grid(visible=False)
    tidy(below, "seconds", "P(trigger)")
    return sheet


if __name__ == "__main__":
    run(main, Config)
