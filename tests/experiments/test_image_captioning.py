"""A short training learns to say what is said of scenes; what greedy search gets right is what the training counts."""

from functools import partial

import numpy as np
import pytest

from experiments.sequences import image_captioning
from experiments.sequences.image_captioning import Config
from jaxdl.errors import InputError
from jaxdl.train.settings import Run
from jaxdl.train.trials import scores, trials

CONFIG = Config(counts=(240, 1, 60), digits=(1, 1), epochs=5, batch_size=8, hidden=16, channels=(4, 8), beam=2, seeds=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return Run(tmp_path_factory.mktemp("run"), mesh="data=1")


def test_it_learns_the_grammar_first(run):
    """Of a single digit two words are said, an article and a name."""
    exact, bleu, (params,) = image_captioning.measure(CONFIG, run)
    data = image_captioning.load(CONFIG, 0)
    said = image_captioning.said(CONFIG, data, params, data.test.fields["image"])
    assert np.mean([len(words) == 2 and words[0] in ("a", "an") for words in said]) > 0.9
    assert len({words[-1] for words in said}) > 2
    assert set(exact) == set(bleu) == {"greedy", "beam of 2"}


def test_greedy_search_is_right_as_often_as_the_training_says(run):
    exact, *_ = image_captioning.measure(CONFIG, run)
    results = trials({"captioner": partial(image_captioning.build, CONFIG)}, run, 1)
    np.testing.assert_allclose(exact["greedy"], scores(results, "test/exact")["captioner"], atol=1e-6)
    assert 0.05 < exact["greedy"][0] < 1


def test_a_beam_of_0_is_refused_before_training():
    with pytest.raises(InputError, match="--beam 0: expected 1 or more"):
        Config(beam=0)
