"""Is the search to blame for a wrong translation, or the model? Sentence by sentence, by beam width (see the notes).

    python -m experiments.sequences.beam_errors

About 53 s on two CPU cores. Finds: of the wrong translations of dev phrases greedy search is to blame for 7.7 ± 2.5
and the model for 145.7 ± 39.3; with a beam of 2 the search is for 2.0 ± 0.0, with one of 8 for none (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from experiments import expect
from experiments.sequences import translation_transformer as translation
from jaxdl.models.translation import translations
from jaxdl.report.comparison import dots, spread
from jaxdl.run import run
from jaxdl.score.search_errors import SearchErrors, search_errors
from jaxdl.train.predictions import predictions
from jaxdl.train.trials import trials


@dataclass(frozen=True)
class Config:
    phrases: int = 3000
    epochs: int = 12
    """Of the Transformer of `translation_transformer`."""
    widths: tuple[int, ...] = (1, 2, 8)
    """Hypotheses at a time; 1 is greedy. Score = log P, so that search and model can be told apart."""
    seeds: int = 3
    """Of the weights and the order; the phrases are the same for all."""

    def __post_init__(self):
        expect(self, 1, "phrases", "epochs", "widths")


def measure(config, run):
    """{beam width: [the search errors of each seed, among the phrases of dev that came out as no reference]}."""
    flags = translation.Config(config.phrases, epochs=config.epochs)
    data, run = translation.load(flags), replace(run, evaluate_every=run.evaluate_every or 10**6)
    results = trials({"transformer": partial(translation.build, flags, data)}, run, config.seeds)["transformer"]
    task, model = translation.build(flags, data, 0), translation.network(flags, data.vocabulary)
    human = [reference_log_p(task, result.state, data.dev.fields) for result in results]
    return {
        width: [
            blamed(model, result.state.params, data, log_p, width) for result, log_p in zip(results, human, strict=True)
        ]
        for width in config.widths
    }


def reference_log_p(task, state, fields):
    """log P(y* | x), of the first reference of each."""

    def log_p(params, model_state, example):
        return -task.score(params, model_state, example)["loss"].total

    return predictions(replace(task, predict=log_p), state, {**fields, "mask": np.ones(len(fields["target"]))})


def blamed(model, params, data, human, width):
    found = translations(model, params, data.dev.fields, translation.LIMIT, width, alpha=0.0)
    said = [" ".join(data.vocabulary.decode(tokens)) for tokens in found.tokens[:, 0]]
    wrong = np.array([text not in right for text, right in zip(said, data.references["dev"], strict=True)])
    if not wrong.any():
        return SearchErrors(wrong[wrong])  # of none
    return search_errors(human[wrong], np.asarray(found.log_probabilities)[wrong, 0])


def main(config, run):
    found = measure(config, run)
    counts = {
        (width, part): np.array([errors.counts[part] for errors in of])
        for width, of in found.items()
        for part in ("search", "model")
    }
    told = [
        f"beam of {width}: {spread(counts[width, 'search'] + counts[width, 'model'], 1)} phrases of dev are wrong, by "
        f"the search {spread(counts[width, 'search'], 1)}, by the model {spread(counts[width, 'model'], 1)}; with seed "
        f"0 {of[0].advice if len(of[0].by_search) else 'nothing is'}"
        for width, of in found.items()
    ]
    ends = [
        f"{counts[width, 'search'].mean():.1f} with a beam of {width}" for width in sorted({min(found), max(found)})
    ]
    rows = {f"beam of {width}: by the {part}": values for (width, part), values in counts.items()}
    title = f"Phrases that the search is to blame for: {', '.join(ends)}"
    return told, {title: dots(rows, "wrong translations of dev phrases")}


if __name__ == "__main__":
    run(main, Config)
