"""The neural language model on a shrunken run: its perplexities are those of its probabilities; contexts are right."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest

from experiments.sequences import neural_language_model as experiment
from experiments.sequences.neural_language_model import CONTEXTS, Config
from jaxdl.models.ngram import NGram
from jaxdl.optim.chain import Chain
from jaxdl.train.settings import Run
from jaxdl.train.trials import trials

FAST = Chain("adam", learning_rate=1e-2, decay="cosine")
CONFIG = Config(
    seeds=1, minimum=30, dimension=16, hidden=16, epochs=2, batch_size=512, order=3, optimizer=FAST, sentences=6000
)


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ("last 4", [0, 1, 2, 3]),
        ("last 4 and next 4", [0, 1, 2, 3, 5, 6, 7, 8]),
        ("last 1", [3]),
    ],
)
def test_a_context_is_the_words_it_is_named_by(context, expected):
    contexts, targets = experiment.examples(context, np.arange(20))
    assert contexts[targets == 4].tolist() == [expected]


def test_one_nearby_word_is_one_of_the_four_on_either_side():
    contexts, targets = experiment.examples("nearby 1", np.arange(20))
    assert set(np.abs(contexts[:, 0] - targets).tolist()) <= {1, 2, 3, 4}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    texts, vocabulary, _ = experiment.load(CONFIG)
    texts = {name: tokens[:20_000] for name, tokens in texts.items()}
    builds = {
        context: lambda seed, context=context: experiment.build(CONFIG, context, texts, len(vocabulary), seed)
        for context in CONTEXTS
    }
    results = trials(builds, Run(tmp_path_factory.mktemp("run"), mesh="data=1"), 1)
    counted = NGram.count(texts["train"], CONFIG.order, len(vocabulary))
    return experiment.perplexities(CONFIG, texts, len(vocabulary), results, counted)


def test_more_of_the_right_context_is_less_perplexity(trained):
    assert trained["last 4 and next 4"] < trained["last 1"] < trained["nearby 1"]
    assert trained["last 4"] < trained["nearby 1"]


def test_the_mean_of_both_models_is_better_than_either(trained):
    assert trained["mixture"] < min(trained["n-gram"], trained["last 4"])


def test_both_models_are_judged_by_the_words_that_have_four_before_them():
    """Four unknown words and then what counting knows by heart: only what comes after the four is to be judged."""
    cycle = np.tile(np.arange(2, 8), 50).astype(np.int32)
    texts = {"train": cycle, "test": np.concatenate([np.ones(4, np.int32), cycle[:60]])}
    params = experiment.network(CONFIG, "last 4", 8).init(jax.random.key(0), jax.numpy.zeros(4, int))["params"]
    one = SimpleNamespace(metrics={"test/loss": 0.0}, state=SimpleNamespace(params=params))
    model = NGram.count(cycle, CONFIG.order, 8)
    found = experiment.perplexities(CONFIG, texts, 8, {context: [one] for context in CONTEXTS}, model)
    counted = model.probability(texts["test"])
    assert found["n-gram"][0] == pytest.approx(np.exp(-np.log(counted[4:]).mean()))
    assert found["n-gram"][0] < 1.2 < np.exp(-np.log(counted[:-4]).mean())


def test_words_that_all_have_probability_one_eighth_are_a_perplexity_of_eight():
    assert experiment.of_words(np.full(5, 1 / 8)) == pytest.approx(8)


def test_the_planted_analogies_are_found_from_the_last_four_words(tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "CONTEXTS", ("last 4",))
    config = Config(seeds=1, sentences=20_000, planted_epochs=2, dimension=16, planted_optimizer=FAST)
    right = experiment.analogies_right(config, Run(tmp_path, mesh="data=1"))
    assert right["last 4"][0] >= 0.7
