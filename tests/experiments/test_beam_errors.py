"""Blame is by the model's own log-probabilities, of its sentences and of a person's."""

from dataclasses import replace
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from experiments.sequences import beam_errors, translation_transformer
from jaxdl.data.text import EOS, SOS, UNK
from jaxdl.models.translation import translations
from jaxdl.train.state import create

FLAGS = translation_transformer.Config(phrases=120, layers=1, width=8, heads=2, epochs=50)
"""Of a network without training: nothing that it says is right."""


@pytest.fixture(scope="module")
def untrained():
    data = translation_transformer.load(FLAGS)
    task = translation_transformer.build(FLAGS, data, 0)
    return data, task, create(task.init, task.optimizer, jax.random.key(0))


def test_a_person_who_says_what_the_search_found_is_given_its_log_probability(untrained):
    data, task, state = untrained
    fields = {name: values[:9] for name, values in data.dev.fields.items()}
    found = translations(translation_transformer.network(FLAGS, data.vocabulary), state.params, fields, 6, 2, 0.0)
    said = np.asarray(found.tokens)[:, 0]
    fields["target"] = np.concatenate([np.full((9, 1), SOS), said], 1).astype(np.int32)
    fields["target_length"] = 1 + np.asarray(found.lengths)[:, 0]
    log_p = beam_errors.reference_log_p(task, state, fields)
    np.testing.assert_allclose(log_p, np.asarray(found.log_probabilities)[:, 0], rtol=1e-5)


def test_only_wrong_translations_are_blamed_on_somebody(untrained, monkeypatch):
    """Of four phrases, one is recited; of the others one reference is more probable than what was found."""
    data, _, _ = untrained
    known = [
        at for at, texts in enumerate(data.references["dev"]) if UNK not in data.vocabulary.encode(texts[-1].split())
    ]
    rows = [*known[:1], *[at for at in range(len(data.dev)) if at != known[0]][:3]]
    references = {"dev": tuple(data.references["dev"][at] for at in rows)}
    tokens = np.full((4, 1, 20), EOS)
    right = data.vocabulary.encode(references["dev"][0][-1].split())
    tokens[0, 0, : len(right)] = right
    beams = SimpleNamespace(tokens=tokens, log_probabilities=np.full((4, 1), -5.0))
    monkeypatch.setattr(beam_errors, "translations", lambda *args, **options: beams)
    four = replace(data, dev=data.dev.select(np.array(rows)), references=references)
    errors = beam_errors.blamed(None, None, four, np.array([-1.0, -4.0, -6.0, -7.0]), width=1)
    assert errors.counts == {"search": 1, "model": 2}
