"""English phrases to French by a recurrent encoder and decoder, with attention and without (Luong et al., 2015).

    python -m experiments.sequences.translation_rnn

About 99 s on two CPU cores. Finds: BLEU on held-out phrases is 0.986 ± 0.004 with additive attention, 0.945 ± 0.044
with multiplicative, 0.647 ± 0.004 without any; a beam of 4 changes it by 0.001 at most. The Transformer of
`translation_transformer` has 0.870 ± 0.048 after as many epochs of the same phrases (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from experiments import expect
from experiments.sequences.translation_transformer import bleu, load
from jaxdl.models.seq2seq import ATTENTION, Seq2Seq
from jaxdl.models.translation import translator
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import dots, spread
from jaxdl.run import run
from jaxdl.train.trials import scores, trials


@dataclass(frozen=True)
class Config:
    phrases: int = 3000
    """Those of `translation_transformer`, so that the two can be compared."""
    target: str = "fr"
    dataset: str = "phrases"
    embedding: int = 48
    hidden: int = 64
    cell: str = "gru"
    dropout: float = 0.1
    epochs: int = 12
    batch_size: int = 64
    smoothing: float = 0.1
    """Of the labels."""
    beam: int = 4
    """Hypotheses at a time."""
    alpha: float = 0.7
    """Score = log P / T^α."""
    seeds: int = 3
    """Of the weights and the order; the phrases are the same for all."""
    optimizer: Chain = Chain("adam", learning_rate=8e-3, decay="cosine", clip_norm=1.0)

    def __post_init__(self):
        expect(self, 1, "phrases", "embedding", "hidden", "epochs", "batch_size", "beam")
        expect(self, 0, "alpha")


def build(config, data, attention, seed):
    model = network(config, data, attention)
    return translator(model, data, config.optimizer, config.epochs, config.batch_size, smoothing=config.smoothing)


def network(config, data, attention):
    return Seq2Seq(len(data.vocabulary), config.embedding, config.hidden, attention, config.cell, config.dropout)


def measure(config, run):
    """({attention: results}, {search: {attention: BLEU of each seed on test}})."""
    data, run = load(config), replace(run, evaluate_every=run.evaluate_every or 10**6)
    results = trials({name: partial(build, config, data, name) for name in ATTENTION}, run, config.seeds)
    searches = {"greedy": {}, f"beam of {config.beam}": {"width": config.beam, "alpha": config.alpha}}

    def scored(attention, search):
        model = network(config, data, attention)
        return np.array([bleu(model, of.state.params, data, "test", **search) for of in results[attention]])

    return results, {name: {of: scored(of, search) for of in ATTENTION} for name, search in searches.items()}


def main(config, run):
    results, found = measure(config, run)
    exact = scores(results, "test/exact")
    told = [
        f"attention {name}: BLEU {', '.join(f'{spread(of[name])} ({search})' for search, of in found.items())}; "
        f"{spread(exact[name])} of the test phrases word by word right"
        for name in ATTENTION
    ]
    best = max((name for name in ATTENTION if name != "none"), key=lambda name: found["greedy"][name].mean())
    rows = {f"{name}, {search}": of[name] for name in ATTENTION for search, of in found.items()}
    title = f"BLEU of greedy search: {found['greedy'][best].mean():.3f} with {best} attention, "
    return told, {title + f"{found['greedy']['none'].mean():.3f} without": dots(rows, "BLEU on test")}


if __name__ == "__main__":
    run(main, Config)
