"""The search that is best on dev is the one that is tested, and what it says is scored as sentences are."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.sequences import translation_transformer
from jaxdl.train.settings import Run

CONFIG = translation_transformer.Config(phrases=120, layers=1, width=8, heads=2, alphas=(0.0, 0.7, 1.5))


def test_the_exponent_that_is_best_on_dev_is_the_one_that_is_tested(monkeypatch, tmp_path):
    """A BLEU of the weights' number, higher on test, and highest at α = 0.7 by less than seeds differ."""

    def trained(builds, run, seeds):
        return {name: [SimpleNamespace(state=SimpleNamespace(params=seed)) for seed in range(seeds)] for name in builds}

    def bleu(model, params, data, name, width=1, alpha=0.0):
        return params + 10 * (name == "test") + (width == 4) * (0.1 - abs(alpha - 0.7) / 10)

    monkeypatch.setattr(translation_transformer, "trials", trained)
    monkeypatch.setattr(translation_transformer, "bleu", bleu)
    _, dev, test = translation_transformer.measure(CONFIG, Run(tmp_path))
    assert list(dev) == ["greedy", "beam of 4, α = 0", "beam of 4, α = 0.7", "beam of 4, α = 1.5"]
    assert {name: of.tolist() for name, of in test.items()} == {
        "greedy": [10, 11, 12],
        "beam of 4, α = 0.7": [10.1, 11.1, 12.1],
    }


def test_bleu_is_one_where_the_network_says_the_references(monkeypatch):
    data = translation_transformer.load(CONFIG)
    known = [at for at, tokens in enumerate(data.test.fields["target"]) if 1 not in tokens]
    references = {"test": tuple(data.references["test"][at] for at in known)}
    part = replace(data, test=data.test.select(np.array(known)), references=references)

    def recited(model, params, fields, limit, width, alpha):
        return SimpleNamespace(tokens=fields["target"][:, None, 1:])

    monkeypatch.setattr(translation_transformer, "translations", recited)
    assert translation_transformer.bleu(None, None, part, "test") == pytest.approx(1)
