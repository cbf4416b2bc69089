"""Named entities on a shrunken run: only who reads both ways knows the name that the words after it tell."""

import jax
import jax.numpy as jnp
import pytest

from experiments.sequences import named_entities
from experiments.sequences.named_entities import Config
from jaxdl.optim.chain import Chain
from jaxdl.train.settings import Run


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    adam = Chain("adam", learning_rate=1e-2, clip_norm=1.0)
    config = Config(sentences=1500, epochs=10, seeds=1, optimizer=adam)
    run = Run(tmp_path_factory.mktemp("entities"), mesh="data=1")
    found = named_entities.measure(config, run)
    return {name: {model: of[0] for model, of in values.items()} for name, values in found.items()}


def test_one_way_at_most_half_of_the_ambiguous_words_are_right_and_both_ways_nearly_all(measured):
    assert measured["ambiguous"]["each word alone"] <= 0.5
    assert measured["ambiguous"]["one way"] <= 0.5
    assert measured["ambiguous"]["both ways"] >= 0.85


def test_both_ways_find_more_whole_names_and_words_alone_next_to_none(measured):
    f1 = measured["f1"]
    assert f1["each word alone"] < 0.4 < f1["one way"] < f1["both ways"]


@pytest.mark.parametrize(("unknown", "same"), [(0.0, False), (1.0, True)])
def test_words_are_unknown_in_training_in_the_share_that_is_asked_for(unknown, same):
    task = named_entities.build(Config(sentences=100, unknown=unknown, dropout=0.0), 1, True, 0)
    batch = next(task.train.iterate(0))
    example = {name: jnp.asarray(values[0]) for name, values in batch.items()}
    other = {**example, "tokens": jnp.where(example["tokens"] > 0, 4, 0)}
    params, _ = task.init(jax.random.key(0))
    one, two = (task.loss(params, {}, of, jax.random.key(1))[0].total for of in (example, other))
    assert (one == two) == same
    assert task.score(params, {}, example)["loss"].total != task.score(params, {}, other)["loss"].total
