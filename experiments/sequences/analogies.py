"""Analogies: king − man + woman is queen, in the notes' table and in trained vectors (Mikolov et al., 2013).

    python -m experiments.sequences.analogies

About 6 s on two CPU cores. Finds: in the notes' table the answer is queen at a cosine of 0.998. Vectors of 3,000
sentences with planted relations answer 0.909 ± 0.014 of 4,560 questions, and only 0.687 ± 0.021 where the question's
own words may be the answer. Differences of gender have a cosine of 0.53 ± 0.02 from one family of nouns to another;
that to differences of number is 0.11 ± 0.01 (3 seeds).
"""

from dataclasses import dataclass

import numpy as np

from experiments import expect
from jaxdl.data import analogies
from jaxdl.models.word_training import skip_gram, skip_gram_pairs
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import dots, spread
from jaxdl.report.embedding import labelled, tsne
from jaxdl.run import run
from jaxdl.score import retrieval
from jaxdl.score.retrieval import analogy_accuracy, cosine, nearest, unit
from jaxdl.train.trials import trials

FEATURES = ("gender", "royal", "age", "food")
TABLE = {
    "man": (-1.00, 0.01, 0.03, 0.09),
    "woman": (1.00, 0.02, 0.02, 0.01),
    "king": (-0.95, 0.93, 0.70, 0.02),
    "queen": (0.97, 0.95, 0.69, 0.01),
    "apple": (0.00, -0.01, 0.03, 0.95),
    "orange": (0.01, 0.00, -0.02, 0.97),
}
"""The notes' vectors, whose features have names."""

FAMILIES = 8
"""Of the nouns, in the picture."""


@dataclass(frozen=True)
class Config:
    seeds: int = 3
    """Of the sentences too."""
    sentences: int = 3000
    dimension: int = 32
    window: int = 2
    steps: int = 600
    batch_size: int = 1024
    optimizer: Chain = Chain("adam", learning_rate=1e-2, decay="cosine")

    def __post_init__(self):
        expect(self, 1, "sentences", "dimension", "window", "steps", "batch_size")


def main(config, run):
    word, similarity = king_to_queen()
    corpora, vectors = trained(config, run)
    found = measure(corpora, vectors)
    told = [
        f"In the notes' table king − man + woman lies nearest to {word}, cosine {similarity:.3f}",
        f"Trained on sentences: {spread(found['right'])} of {len(corpora[0].questions):,} analogies right; with the "
        f"vectors as they are, not of length 1, {spread(found['as they are'])}; if the three words of the question may "
        f"be the answer too, {spread(found['any answer'])}",
        f"Cosine between two differences she − he: {spread(found['gender'], 2)}; between one and a difference of "
        f"plural and singular: {spread(found['gender and number'], 2)}",
    ]
    return told, {
        "The notes' table: from man to king as from woman to queen": labelled(
            np.array(list(TABLE.values()))[:4, :2], list(TABLE)[:4], axes_names=FEATURES[:2], size=(480, 320)
        ),
        f"Analogies right: {found['right'].mean():.2f} without the question's own words as answers, "
        f"{found['any answer'].mean():.2f} with them": dots(
            {name: found[name] for name in ("right", "as they are", "any answer")}, "share right"
        ),
        "t-SNE of some nouns, each in its four forms": picture(corpora[0], vectors[0]),
    }


def king_to_queen():
    """(the word, its cosine to king − man + woman) among the other words of the table."""
    names, vectors = list(TABLE), np.array(list(TABLE.values()))
    question = np.array([[names.index(word) for word in ("man", "woman", "king")]])
    found = retrieval.analogies(vectors, question)
    return names[int(found.rows[0, 0])], float(found.similarity[0, 0])


def build(config, seed):
    corpus = analogies.load(config.sentences, seed=seed)
    return skip_gram(
        skip_gram_pairs(corpus.texts, config.window), len(corpus.vocabulary), config.optimizer, config.steps,
        dimension=config.dimension, batch_size=config.batch_size,
    )  # fmt: skip


def trained(config, run):
    """([corpus of a seed], [its word vectors])."""
    results = trials({"skip-gram": lambda seed: build(config, seed)}, run, config.seeds)["skip-gram"]
    corpora = [analogies.load(config.sentences, seed=seed) for seed in range(config.seeds)]
    return corpora, [np.asarray(result.state.params["e"]) for result in results]


def measure(corpora, vectors):
    """{what: a value a seed}; see `judged`."""
    found = [judged(corpus, of) for corpus, of in zip(corpora, vectors, strict=True)]
    return {name: np.array([of[name] for of in found]) for name in found[0]}


def judged(corpus, vectors):
    """
    right              share of the analogies, vectors of length 1; `as they are`: as trained
    any answer         the same, where a, b and c may be the answer too
    gender             mean cosine of two differences she − he of different families
    gender and number  mean of |cosine| of one with a difference plural − singular
    """
    table = unit(vectors)
    a, b, c, d = corpus.questions.T
    answers = nearest(table, table[b] - table[a] + table[c], 1).rows[:, 0]
    forms = table[corpus.pairs.reshape(-1, 2, 2)]  # [family, number, she or he, d]
    gender, number = forms[:, 0, 0] - forms[:, 0, 1], forms[:, 1, 1] - forms[:, 0, 1]
    others = ~np.eye(len(forms), dtype=bool)
    return {
        "right": analogy_accuracy(table, corpus.questions),
        "as they are": analogy_accuracy(vectors, corpus.questions),
        "any answer": (answers == d).mean(),
        "gender": cosine(gender[:, None], gender)[others].mean(),
        "gender and number": np.abs(cosine(gender[:, None], number)[others]).mean(),
    }


def picture(corpus, vectors):
    """t-SNE of the nouns of some families."""
    rows = corpus.pairs[: 2 * FAMILIES].ravel()
    names = [corpus.vocabulary.symbols[row] for row in rows]
    groups = [names[place - place % 4 + 1] for place in range(len(names))]
    return labelled(tsne(vectors[rows], perplexity=6.0), names, groups)


if __name__ == "__main__":
    run(main, Config)
