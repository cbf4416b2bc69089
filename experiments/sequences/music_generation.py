"""Melodies by a recurrent network, judged by the grammar they are learnt from (Eck and Schmidhuber, 2002).

    python -m experiments.sequences.music_generation

About 75 s on two CPU cores. Finds: at temperature 0.25 a GRU makes melodies of which 0.818 ± 0.020 obey every rule, and
0.772 ± 0.050 are new as well; a 9-gram model obeys in 0.832 ± 0.012, all of them quoted from the training set, a 3-gram
in none. At temperature 1 the form is the first to go: 0.278 ± 0.055 of the GRU's have it (3 seeds).
"""

from dataclasses import dataclass

import jax
import numpy as np

from experiments import expect
from jaxdl.data import melodies
from jaxdl.decode.sampling import check
from jaxdl.models.generator import NEVER, CountModel, drawn, generator
from jaxdl.models.language_model import LanguageModel
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import PALETTE, curves, legend, panels, spread
from jaxdl.report.style import INK, figure, tidy
from jaxdl.run import run
from jaxdl.train.trials import scores, trials


@dataclass(frozen=True)
class Config:
    seeds: int = 3
    size: int = 4000
    """Melodies in all."""
    cell: str = "gru"
    """rnn, simplified_gru, gru, reset_after_gru, lstm or peephole_lstm."""
    embedding: int = 32
    hidden: int = 128
    epochs: int = 30
    batch_size: int = 32
    optimizer: Chain = Chain("adam", learning_rate=1e-2, decay="cosine", clip_norm=1.0)
    orders: tuple[int, ...] = (3, 9)
    """Of the n-gram models: the notes, and one, that they look back."""
    temperatures: tuple[float, ...] = (0.25, 0.5, 1.0)
    samples: int = 200
    """Melodies drawn at each temperature."""

    def __post_init__(self):
        expect(self, 1, "size", "embedding", "hidden", "epochs", "batch_size", "samples")
        expect(self, 0, "temperatures")


RULES = ("key", "range", "rhythm", "steps", "cadence", "form")
SHARES = (*RULES, "all", "all and new")
LIMIT = 40  # notes: no melody of the grammar has so many


def main(config, run):
    bits, shares, examples = measure(config, run)
    return findings(config, bits, shares), figures(config, shares, examples)


def measure(config, run):
    """({model: bits a note on test [seeds]}, {model: the SHARES of its melodies [seeds, temperatures, 8]},
    {what: a melody}, the first of the test set and one of each model)."""
    data = melodies.load(config.size)
    known = {symbols(data, tokens) for tokens in data.train.fields["tokens"]}
    model = LanguageModel(len(data.vocabulary), config.cell, config.embedding, config.hidden)
    for temperature in config.temperatures:
        check(len(data.vocabulary), temperature, 0, 1.0, NEVER)
    task = generator(model, data, config.optimizer, config.epochs, config.batch_size)
    counted = {f"{order}-gram": CountModel.of(data, order) for order in config.orders}
    results = trials({config.cell: lambda seed: task}, run, config.seeds)
    bits = {**scores(results, "test/bits"), **{name: np.array([of.bits(data.test)]) for name, of in counted.items()}}
    shares: dict = {name: [] for name in bits}
    examples = {"grammar": symbols(data, data.test.fields["tokens"][0])}
    for seed, result in enumerate(results[config.cell]):
        for place, temperature in enumerate(config.temperatures):
            number, limits = seed * len(config.temperatures) + place, (config.samples, LIMIT, temperature)
            made = {config.cell: drawn(model, result.state.params, jax.random.key(number), *limits)}
            made |= {name: of.drawn(number, *limits) for name, of in counted.items()}
            for name, sequences in made.items():
                found = [symbols(data, tokens) for tokens in sequences]
                shares[name].append(judged(found, known))
                if seed == place == 0:
                    examples[f"{name}, temperature {temperature:g}"] = found[0]
    by_temperature = (config.seeds, len(config.temperatures), len(SHARES))
    return bits, {name: np.array(of).reshape(by_temperature) for name, of in shares.items()}, examples


def symbols(data, tokens):
    return tuple(data.vocabulary.decode(tokens))


def judged(found, known):
    """The SHARES of these melodies: how many obey each rule, all of them, and all without being one of train."""
    broken = [melodies.broken_rules(melody) for melody in found]
    obeyed = [np.mean([rule not in rules for rules in broken]) for rule in RULES]
    right = [not rules for rules in broken]
    new = [well and melody not in known for well, melody in zip(right, found, strict=True)]
    return *obeyed, np.mean(right), np.mean(new)


def findings(config, bits, shares):
    told = ["Bits a note on test: " + ", ".join(f"{name} {spread(of)}" for name, of in bits.items())]
    for name, found in shares.items():
        told += [
            f"{name} at temperature {temperature:g}, share that obeys: "
            + ", ".join(f"{share} {spread(of)}" for share, of in zip(SHARES, found[:, place].T, strict=True))
            for place, temperature in enumerate(config.temperatures)
        ]
    return told


def figures(config, shares, examples):
    warm = np.array(config.temperatures)
    told = ", ".join(f"{name} {found[..., -1].mean(0).max():.2f}" for name, found in shares.items())
    obeyed = {f"{name}, {share}": (warm, found[..., SHARES.index(share)]) for name, found in shares.items()
              for share in ("all", "all and new")}  # fmt: skip
    rules = dict(zip(RULES, shares[config.cell][:, 0, : len(RULES)].mean(0), strict=True))
    hardest = min(rules, key=lambda rule: rules[rule])
    return {
        f"Melodies that obey every rule and are new, at each model's best temperature: {told}": curves(
            obeyed, "temperature", "share of the melodies drawn"
        ),
        f"Temperature {warm[0]:g}, rule by rule: the {config.cell} is worst at {hardest}, {rules[hardest]:.2f}": bars(
            {name: found[:, 0, : len(RULES)] for name, found in shares.items()}
        ),
        "A melody of the grammar, and the first that each model makes": rolls(examples),
    }


def bars(shares):
    """{model: share of each rule [seeds, rules]}: their means side by side, every seed a dot."""
    sheet = figure(560, 280)
    axes, width = sheet.add_subplot(), 0.8 / len(shares)
    for place, (name, found) in enumerate(shares.items()):
        x = np.arange(len(RULES)) + (place - (len(shares) - 1) / 2) * width
        axes.bar(x, found.mean(0), 0.9 * width, color=PALETTE[place], label=name)
        axes.plot(np.tile(x, len(found)), found.ravel(), ".", color=INK, markersize=3)
    tidy(axes, "rule", "share that obeys it")
    axes.set_xticks(range(len(RULES)), RULES)
    legend(sheet)
    return sheet


def rolls(examples):
    """{what: a melody} as piano rolls: a bar for each note, its length in time, its height the pitch."""
    titles = [
        f"{what}: breaks {', '.join(melodies.broken_rules(melody)) or 'no rule'}" for what, melody in examples.items()
    ]
    sheet, found = panels(titles, "bar", "pitch", columns=1, width=600, height=150)
    for axes, melody in zip(found, examples.values(), strict=True):
        notes = [note.split(":") for note in melody if ":" in note]
        lengths = np.array([int(eighths) for _, eighths in notes]) / 8
        ends = 1 + np.cumsum(lengths)
        heights = [semitones(pitch) for pitch, _ in notes]
        axes.barh(heights, 0.95 * lengths, 0.8, left=ends - lengths, color=PALETTE[0])
        axes.set_xticks(range(1, 1 + max(9, int(np.ceil(ends[-1])))))
        axes.set_yticks([semitones(pitch) for pitch in ("C4", "G4", "C5", "G5", "C6")], ["C4", "G4", "C5", "G5", "C6"])
    return sheet


def semitones(pitch):
    """From C4 up: 6 for F#4, 10 for Bb4."""
    letter, accidental, octave = pitch[0], pitch[1:-1], int(pitch[-1])
    return (
        {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[letter]
        + {"": 0, "#": 1, "b": -1}[accidental]
        + 12 * (octave - 4)
    )


if __name__ == "__main__":
    run(main, Config)
