"""Encoder and decoder: attention is a distribution over the real source, decoding is the full pass."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.models.seq2seq import Listener, Seq2Seq

SOURCE, REAL = jnp.array([3, 1, 6, 2, 0, 0]), jnp.array([True, True, True, True, False, False])
TARGET = jnp.array([2, 5, 4, 6])
FORMS = ["additive", "multiplicative", "none"]


def made(model):
    return model.init(jax.random.key(0), SOURCE, REAL, TARGET)


def small(attention="additive", **options):
    return Seq2Seq(7, 5, 6, attention, **options)


@pytest.mark.parametrize(("attention", "cell"), [(form, "gru") for form in FORMS] + [("additive", "lstm")])
def test_it_decodes_step_by_step_what_it_says_in_one_pass(attention, cell):
    model = small(attention, cell=cell)
    params = made(model)
    at, logits = model.apply(params, SOURCE, REAL, 9, method="start"), []
    for token in TARGET:
        one, at = model.apply(params, at, token, method="step")
        logits.append(one)
    np.testing.assert_allclose(jnp.stack(logits), model.apply(params, SOURCE, REAL, TARGET), atol=1e-5)


@pytest.mark.parametrize("attention", FORMS)
def test_padding_of_the_source_changes_nothing(attention):
    model = small(attention)
    params = made(model)
    expected = model.apply(params, SOURCE[:4], REAL[:4], TARGET)
    np.testing.assert_allclose(model.apply(params, jnp.where(REAL, SOURCE, 5), REAL, TARGET), expected, atol=1e-6)


@pytest.mark.parametrize("attention", ["additive", "multiplicative"])
def test_attention_sums_to_one_over_the_real_source(attention):
    model = small(attention)
    _, weights = model.apply(made(model), SOURCE, REAL, TARGET, method="with_maps")
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(weights[:, 4:], 0)
    assert weights.shape == (4, 6)


def test_nothing_comes_back_from_later_targets():
    model = small()
    params = made(model)
    one = model.apply(params, SOURCE, REAL, TARGET)
    other = model.apply(params, SOURCE, REAL, TARGET.at[2].set(1))
    np.testing.assert_array_equal(one[:2], other[:2])
    assert not np.allclose(one[2], other[2])


def test_without_attention_the_decoder_sees_only_the_summary():
    """Its outputs depend on the source through one vector: no weights, no values, no keys."""
    model = small("none")
    params = made(model)
    at = model.apply(params, SOURCE, REAL, 9, method="start")
    blind = at._replace(source=at.source._replace(values=at.source.values * 0, keys=at.source.keys * 0))
    one, _ = model.apply(params, at, TARGET[0], method="step")
    np.testing.assert_array_equal(one, model.apply(params, blind, TARGET[0], method="step")[0])


def test_an_unknown_attention_is_refused():
    with pytest.raises(InputError, match="additive"):
        made(replace(small(), attention="aditive"))


FEATURES, FRAMES = jax.random.normal(jax.random.key(1), (11, 3)), jnp.arange(11) < 8


def listener(every=2):
    return Listener(7, 5, 6, every=every)


def heard(model):
    return model.init(jax.random.key(0), FEATURES, FRAMES, TARGET)


def test_a_listener_decodes_step_by_step_what_it_says_in_one_pass():
    params = heard(listener())
    at, logits = listener().apply(params, FEATURES, FRAMES, 9, method="start"), []
    for token in TARGET:
        one, at = listener().apply(params, at, token, method="step")
        logits.append(one)
    np.testing.assert_allclose(jnp.stack(logits), listener().apply(params, FEATURES, FRAMES, TARGET), atol=1e-5)


@pytest.mark.parametrize(("every", "steps", "real"), [(1, 11, 8), (2, 5, 4), (3, 3, 2)])
def test_so_many_frames_are_a_step_to_listen_to_and_one_that_is_not_whole_is_none(every, steps, real):
    model = listener(every)
    params = heard(model)
    _, weights = model.apply(params, FEATURES, FRAMES, TARGET, method="with_maps")
    assert weights.shape == (4, steps)
    assert (weights[:, :real] > 0).all()
    np.testing.assert_array_equal(weights[:, real:], 0)
    other = FEATURES.at[real * every :].set(9.0)
    expected = model.apply(params, FEATURES, FRAMES, TARGET)
    np.testing.assert_allclose(model.apply(params, other, FRAMES, TARGET), expected, atol=1e-6)
    early = model.apply(params, FEATURES.at[real * every - 1].set(9.0), FRAMES, TARGET)
    assert not np.allclose(early, expected)
