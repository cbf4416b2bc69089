"""Debiasing word vectors: a planted gender bias found, taken out, and what is left of it (Bolukbasi et al., 2016).

    python -m experiments.sequences.debiasing

About 5 s on two CPU cores. Finds: where an occupation stands among words of one gender in 80 % of its sentences, it
lies at 0.198 ± 0.023 or −0.213 ± 0.046 on the axis from he to she, pairs of nouns that the axis was not made of at
0.275 ± 0.019 and −0.259 ± 0.012. Neutralised and equalised it is as near to one of a pair as to the other, to 1e-7; its
nearest occupation has its bias no more often than by chance, and analogies of number stay at 1.000 (3 seeds).
"""

from dataclasses import dataclass

import numpy as np

from experiments import expect
from jaxdl.data import analogies
from jaxdl.errors import InputError
from jaxdl.models.word_training import skip_gram, skip_gram_pairs
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import legend, panels, spread
from jaxdl.report.style import COLORS, INK, SIZE
from jaxdl.run import run
from jaxdl.score.retrieval import analogy_accuracy, bias_axis, cosine, equalise, neighbours, neutralise, unit
from jaxdl.train.trials import trials


@dataclass(frozen=True)
class Config:
    seeds: int = 3
    """Of the sentences too."""
    sentences: int = 20_000
    bias: float = 0.8
    """How often a nurse or a secretary is a woman in these sentences, and an engineer or a pilot a man."""
    pairs: int = 10
    """Pairs (she, he) that the axis is made of; the others test it."""
    dimension: int = 32
    window: int = 2
    steps: int = 600
    batch_size: int = 1024
    optimizer: Chain = Chain("adam", learning_rate=1e-2, decay="cosine")

    def __post_init__(self):
        expect(self, 1, "sentences", "pairs", "dimension", "window", "steps", "batch_size")


def main(config, run):
    seen = measure(config, run)
    found = {name: np.array([of[name] for of in seen]) for name in seen[0] if name not in ("before", "after")}
    told = [
        f"Along the axis of {config.pairs} pairs, occupations planted as women's lie at {spread(found['women'])}, as "
        f"men's at {spread(found['men'])}, and the other pairs of she and he at {spread(found['she'])} and "
        f"{spread(found['he'])}",
        f"Neutralised, no occupation is further than {found['left'].max():.0e} off the middle",
        f"How much nearer an occupation is to she than to he: up to {spread(found['gap'])} by cosine before, "
        f"{found['gap_after'].max():.0e} after both steps",
        f"The nearest other occupation has the same bias for {spread(found['same'], 2)} of them before and "
        f"{spread(found['same_after'], 2)} after (chance 0.45)",
        f"Analogies of number, which have nothing to do with it: {spread(found['number'])} right before, "
        f"{spread(found['number_after'])} after",
    ]
    caption = f"Occupations lie up to {np.abs(seen[0]['before']).max():.2f} off the middle before, and at 0 after"
    return told, {caption: picture(config, seen[0])}


def build(config, seed):
    corpus = analogies.load(config.sentences, bias=config.bias, seed=seed)
    if config.pairs >= len(corpus.pairs):
        raise InputError(f"--pairs {config.pairs}: expected less than {len(corpus.pairs)}: the others test the axis")
    return skip_gram(
        skip_gram_pairs(corpus.texts, config.window), len(corpus.vocabulary), config.optimizer, config.steps,
        dimension=config.dimension, batch_size=config.batch_size,
    )  # fmt: skip


def measure(config, run):
    """[{what: value} of a seed]; see `judged`."""
    results = trials({"skip-gram": lambda seed: build(config, seed)}, run, config.seeds)["skip-gram"]
    return [
        judged(config, analogies.load(config.sentences, bias=config.bias, seed=seed), np.asarray(of.state.params["e"]))
        for seed, of in enumerate(results)
    ]


def judged(config, corpus, vectors):
    """What the axis says of the words before and after:

    before, after   places of the occupations along the axis [12]
    women, men      their means, of the occupations planted as women's and as men's; she, he: of the pairs held out
    left            the largest place of an occupation after
    gap             the largest |cos(occupation, she) − cos(occupation, he)| over occupations and pairs; gap_after
    same            the share of the occupations whose nearest has the same bias; same_after
    number          analogy accuracy where only number differs; number_after
    """
    vectors = unit(vectors)
    axis = bias_axis(vectors, corpus.pairs[: config.pairs])
    after = debiased(vectors, axis, corpus)
    work, held_out = corpus.occupations, corpus.pairs[config.pairs :]
    places, women = vectors[work] @ axis, corpus.female > 0.5
    a, b = corpus.questions[:, 0], corpus.questions[:, 1]
    of_number = corpus.questions[~np.isin(a * len(vectors) + b, changes_of_gender(corpus))]
    return {
        "before": places,
        "after": after[work] @ axis,
        "women": places[women].mean(),
        "men": places[~women].mean(),
        "she": (vectors[held_out[:, 0]] @ axis).mean(),
        "he": (vectors[held_out[:, 1]] @ axis).mean(),
        "left": np.abs(after[work] @ axis).max(),
        "gap": gap(vectors, corpus),
        "gap_after": gap(after, corpus),
        "same": same_bias(vectors[work], women),
        "same_after": same_bias(after[work], women),
        "number": analogy_accuracy(vectors, of_number),
        "number_after": analogy_accuracy(after, of_number),
    }


def debiased(vectors, axis, corpus):
    """Neutralise the occupations; equalise each pair (she, he)."""
    after = vectors.copy()
    after[corpus.occupations] = unit(neutralise(vectors[corpus.occupations], axis))
    for pair in corpus.pairs:
        after[pair] = equalise(vectors[pair], axis)
    return after


def gap(vectors, corpus):
    """How much nearer an occupation is to one of a pair than to the other, at most."""
    work, (she, he) = vectors[corpus.occupations][:, None], vectors[corpus.pairs].swapaxes(0, 1)
    return np.abs(cosine(work, she) - cosine(work, he)).max()


def same_bias(vectors, women):
    return (women[neighbours(vectors, np.arange(len(vectors)), 1).rows[:, 0]] == women).mean()


def changes_of_gender(corpus):
    """a · words + b of all (a, b) of one family that differ in gender."""
    forms = corpus.pairs.reshape(-1, 2, 2)  # [family, number, she or he]
    words = len(corpus.vocabulary)
    she, he = forms[:, :, None, 0], forms[:, None, :, 1]
    return np.concatenate([(she * words + he).ravel(), (he * words + she).ravel()])


def picture(config, seen):
    """The occupations along the axis, before and after."""
    corpus = analogies.load(config.sentences, bias=config.bias)
    sheet, found = panels(
        ["before", "after"], "man's ← place along the axis → woman's", "", columns=2, width=320, height=300
    )
    for axes, places in zip(found, (seen["before"], seen["after"]), strict=True):
        for group, shade, of in (
            ("women's", COLORS["dev"], corpus.female > 0.5),
            ("men's", COLORS["train"], corpus.female < 0.5),
        ):
            label = f"planted as {group}" if places is seen["before"] else None
            axes.plot(places[of], np.flatnonzero(of), "o", color=shade, label=label)
        names = [corpus.vocabulary.symbols[word] for word in corpus.occupations]
        axes.set_yticks(range(len(names)), names, fontsize=SIZE - 1, color=INK)
        axes.axvline(0, color=INK, linewidth=0.8)
        reach = 1.1 * np.abs(seen["before"]).max()
        axes.set_xlim(-reach, reach)
    legend(sheet)
    return sheet


if __name__ == "__main__":
    run(main, Config)
