"""Labels that nobody gave have no part in the training; to drop their scenes costs more than to mask them."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.vision import multi_task
from experiments.vision.multi_task import WAYS, Config
from jaxdl.errors import InputError
from jaxdl.train.settings import Run
from jaxdl.train.trials import scores, trials

CONFIG = Config(counts=(400, 1, 100), steps=300, channels=(8, 16, 32), missing=0.3, seeds=1)


def test_a_missing_label_may_say_anything_without_a_change_in_loss_or_gradient():
    logits, known = jnp.linspace(-2, 2, 10), jnp.arange(10) % 3 > 0
    example = {"there": jnp.ones(10), "known": known.astype(jnp.float32), "mask": jnp.float32(1)}
    other = example | {"there": jnp.where(known, 1.0, jnp.nan)}

    def cost(logits, example):
        return multi_task.grade(np.arange(10), logits, example)["loss"].value

    one, another = (jax.value_and_grad(cost)(logits, of) for of in (example, other))
    np.testing.assert_array_equal(one[0], another[0])
    np.testing.assert_array_equal(one[1], another[1])
    assert not one[1][~known].any()
    assert one[1][known].all()


def test_a_scene_has_the_digits_that_are_in_its_caption():
    data = multi_task.load(CONFIG, 0)
    scenes = multi_task.scenes.load(CONFIG.counts, CONFIG.size, scale=CONFIG.scale, seed=0)
    for there, caption in zip(data.test.fields["there"], scenes.test.fields["caption"], strict=True):
        words = scenes.vocabulary.decode(caption)
        assert [name in words for name in scenes.class_names] == (there > 0).tolist()


def test_each_way_shows_the_labels_it_promises():
    data = multi_task.load(CONFIG, 0)
    there, known = data.train.fields["there"], data.train.fields["known"]
    assert 0.25 < 1 - known.mean() < 0.35
    assert data.test.fields["known"].all()
    sets = {way: multi_task.seen(data, way).train.fields for way in WAYS}
    assert sets["all labels known"]["known"].all()
    np.testing.assert_array_equal(sets["missing labels masked"]["known"], known)
    assert len(sets["incomplete scenes dropped"]["known"]) == known.all(1).sum() < 40
    taken = sets["missing labels taken for no"]
    assert taken["known"].all()
    np.testing.assert_array_equal(taken["there"], np.where(known > 0, there, 0))


def test_who_drops_incomplete_scenes_learns_the_few_others_by_heart(tmp_path):
    """And so is sure of what is wrong in new scenes, where masking has seen enough of them to know what it can't."""
    ways = ("missing labels masked", "incomplete scenes dropped")
    builds = {way: partial(multi_task.build, CONFIG, way, range(10)) for way in ways}
    loss = scores(trials(builds, Run(tmp_path, mesh="data=1", evaluate_every=10**6), 1), "test/loss")
    assert loss["missing labels masked"][0] < 0.7 < loss["incomplete scenes dropped"][0]


def test_with_all_labels_missing_there_is_nothing_to_learn():
    with pytest.raises(InputError, match="missing = 1"):
        replace(CONFIG, missing=1.0)
