"""GloVe on a shrunken run: it finds the relations where all words meet now and then, and fewer where most never do."""

from experiments.sequences import glove
from experiments.sequences.glove import Config
from jaxdl.optim.chain import Chain
from jaxdl.train.settings import Run


def test_glove_needs_pairs_that_met_by_chance_and_skip_gram_does_not(tmp_path):
    config = Config(
        seeds=1, corpora=((30_000, 0.3), (30_000, 0.0)), steps=1000, skip_gram_steps=250,
        optimizer=Chain("adam", learning_rate=2e-2, decay="cosine"),
    )  # fmt: skip
    found = glove.measure(config, Run(tmp_path, mesh="data=1"))
    noisy, plain = ({model: of[0] for (model, _, noise), of in found.items() if noise == n} for n in (0.3, 0.0))
    assert noisy["(e + θ)/2"] >= 0.8
    assert noisy["skip-gram"] >= 0.9
    assert plain["(e + θ)/2"] < noisy["(e + θ)/2"] - 0.2
    assert glove.entries(config, 30_000, 0.0) < 0.5 < glove.entries(config, 30_000, 0.3)
