"""Captions: a step at a time is the whole at once; where it looks adds up to one; padding has no part."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.data.source import Arrays
from jaxdl.data.text import EOS, PAD, SOS
from jaxdl.models.captioner import Captioner, captioner, captions
from jaxdl.optim.chain import Chain

IMAGE = jax.random.uniform(jax.random.key(0), (8, 12, 1))
TARGET = jnp.array([SOS, 4, 5, 6])


def small(**changes):
    return Captioner(**({"vocabulary": 8, "channels": (2, 3, 4), "embedding": 3, "hidden": 5} | changes))


def started(model):
    return jax.jit(model.init)(jax.random.key(1), IMAGE, TARGET)


def applied(model, method=None):
    """model.apply as one program."""
    return jax.jit(lambda variables, *inputs: model.apply(variables, *inputs, method=method))


@pytest.mark.parametrize(("attention", "cell"), [("additive", "gru"), ("multiplicative", "lstm"), ("none", "gru")])
def test_word_by_word_it_says_what_it_says_of_the_whole_caption(attention, cell):
    model = small(attention=attention, cell=cell)

    @jax.jit
    def both(variables):
        at, logits = model.apply(variables, IMAGE, method="start"), []
        for token in TARGET:
            of_next, at = model.apply(variables, at, token, method="step")
            logits.append(of_next)
        return model.apply(variables, IMAGE, TARGET), jnp.stack(logits)

    whole, by_word = both(started(model))
    np.testing.assert_allclose(by_word, whole, rtol=1e-4, atol=1e-5)


def test_each_word_looks_at_one_place_for_4_by_4_pixels_and_in_all_at_one():
    model = small()
    _, maps = applied(model, "with_maps")(started(model), IMAGE, TARGET)
    assert maps.shape == (4, 2, 3)
    np.testing.assert_allclose(np.sum(maps, (1, 2)), 1, rtol=1e-5)
    assert np.min(maps) > 0


def test_a_word_depends_on_the_image_and_on_the_words_before_it_alone():
    model = small()
    variables, logits = started(model), applied(model)
    whole = np.asarray(logits(variables, IMAGE, TARGET))
    other_word = np.asarray(logits(variables, IMAGE, TARGET.at[2].set(7)))
    np.testing.assert_array_equal(other_word[:2], whole[:2])
    assert np.abs(other_word - whole)[2:].min(1).max() > 0
    assert np.abs(np.asarray(logits(variables, 1 - IMAGE, TARGET)) - whole)[0].max() > 1e-4


def test_it_can_tell_the_same_thing_at_two_places_apart():
    """The map is a convolution's, the same at both, but for the places: without them they would look alike."""
    model = small()
    variables, image = started(model), jnp.zeros((16, 16, 1))
    above, below = image.at[4, 8].set(1.0), image.at[8, 8].set(1.0)
    start = applied(model, "start")
    one, other = (np.asarray(start(variables, of).source.values).reshape(4, 4, -1) for of in (above, below))
    np.testing.assert_allclose(one[:3, :, :-2], other[1:, :, :-2], atol=1e-6)
    np.testing.assert_allclose(other[1:, :, -2] - one[:3, :, -2], 2 / 3, rtol=1e-5)
    logits = applied(model)
    assert np.abs(logits(variables, above, TARGET) - logits(variables, below, TARGET)).max() > 1e-4


def test_padding_has_no_part_in_the_loss():
    model = small()
    caption = np.array([[SOS, 4, 5, EOS, PAD, PAD], [SOS, 4, EOS, PAD, PAD, PAD]], np.int32)
    fields = {"image": np.asarray(jnp.stack([IMAGE, IMAGE])), "caption": caption}
    train = Arrays(fields | {"caption_length": np.array([4, 3], np.int32)})
    task = captioner(model, train, {"test": train}, Chain("adam"), 1, 1)
    params, state = jax.jit(task.init)(jax.random.key(0))
    example = {name: jnp.asarray(values[0]) for name, values in train.fields.items()} | {"mask": jnp.float32(1)}
    loss = jax.jit(task.loss)
    cost, (_, metrics) = loss(params, state, example, jax.random.key(0))
    other, _ = loss(params, state, example | {"caption": example["caption"].at[4:].set(7)}, jax.random.key(0))
    assert float(cost.weight) == 3
    np.testing.assert_allclose(cost.total, other.total, rtol=1e-6)
    assert set(metrics) == {"accuracy", "exact"}


def test_greedy_captions_are_the_likeliest_words_one_after_the_other_and_a_wide_beam_never_scores_less():
    model = small()
    params = jax.tree.map(lambda leaf: 3 * np.asarray(leaf), started(model)["params"])
    images = np.asarray(jax.random.uniform(jax.random.key(2), (5, 8, 12, 1)))
    found, logits = captions(model, params, images, limit=3), applied(model)
    for image, tokens, length in zip(images, found.tokens[:, 0], found.lengths[:, 0], strict=True):
        target = np.array([SOS, *tokens])  # what comes after a word does not matter to it
        likeliest = np.asarray(logits({"params": params}, image, target)).argmax(-1)
        np.testing.assert_array_equal(likeliest[:length], tokens[:length])
    wide = captions(model, params, images, limit=3, width=8, alpha=0.0)
    assert (wide.log_probabilities[:, 0] >= found.log_probabilities[:, 0] - 1e-5).all()
