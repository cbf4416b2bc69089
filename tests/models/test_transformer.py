"""The Transformer: counts of the paper, causality, and decoding that is the full pass."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.parameters import count
from jaxdl.errors import InputError
from jaxdl.models.transformer import BASE, BIG, Size, Stack, Transformer, TransformerLM
from jaxdl.models.vision_transformer import VisionTransformer

SMALL = Size(layers=2, width=8, heads=2, hidden=16, dropout=0.0, limit=12)
TOKENS = jnp.array([1, 4, 2, 6, 3, 5])
SOURCE, REAL = jnp.array([3, 1, 6, 2, 0, 0]), jnp.array([True, True, True, True, False, False])


def shapes(module, *inputs):
    return jax.eval_shape(lambda key: module.init(key, *inputs), jax.random.key(0))["params"]


def made(module, *inputs):
    return module.init(jax.random.key(0), *inputs)


@pytest.mark.parametrize(("size", "expected"), [(BASE, 63_082_496), (BIG, 214_245_376)])
def test_the_paper_s_models_have_their_parameters(size, expected):
    tokens = jnp.zeros(3, jnp.int32)
    assert count(shapes(Transformer(37_000, size), tokens, tokens > 0, tokens)) == expected


def test_encoder_and_decoder_have_pytorch_s_parameters():
    size, x = replace(BASE, final_norm=True), jnp.zeros((3, 512))
    encoder, decoder = shapes(Stack(size), x), shapes(Stack(size, decoder=True), x, None, x)
    assert count(encoder) + count(decoder) == 44_140_544


FORMS = [("post", "sinusoidal"), ("pre", "learned"), ("pre", "rotary")]


@pytest.mark.parametrize(("norm", "positions"), FORMS)
def test_a_language_model_decodes_step_by_step_what_it_says_in_one_pass(norm, positions):
    model = TransformerLM(7, replace(SMALL, norm=norm, positions=positions))
    params = made(model, TOKENS)
    full = model.apply(params, TOKENS)
    at, logits = model.apply(params, 12, method="start"), []
    step = jax.jit(lambda at, token: model.apply(params, at, token, method="step"))
    for token in TOKENS:
        one, at = step(at, token)
        logits.append(one)
    np.testing.assert_allclose(jnp.stack(logits), full, atol=1e-5)


@pytest.mark.parametrize(("norm", "positions"), FORMS)
def test_a_translator_decodes_step_by_step_what_it_says_in_one_pass(norm, positions):
    model = Transformer(7, replace(SMALL, norm=norm, positions=positions))
    params = made(model, SOURCE, REAL, TOKENS)
    full = model.apply(params, SOURCE, REAL, TOKENS)
    at, logits = model.apply(params, SOURCE, REAL, 8, method="start"), []
    for token in TOKENS:
        one, at = model.apply(params, at, token, method="step")
        logits.append(one)
    np.testing.assert_allclose(jnp.stack(logits), full, atol=1e-5)


def test_no_gradient_comes_from_the_future():
    model = TransformerLM(7, SMALL)
    params = made(model, TOKENS)
    table = params["params"]["embedding"]["table"]["embedding"]

    def logits(table):
        inner = {**params["params"]["embedding"], "table": {"embedding": table}}
        return model.apply({"params": {**params["params"], "embedding": inner}}, TOKENS)[2, 0]

    seen = np.abs(np.asarray(jax.grad(logits)(table))).sum(-1) > 1e-9
    assert seen[[1, 4, 2]].all()
    assert not seen[[6, 3, 5]].any()  # these come after place 2; token 0's row is the output's own


def test_padding_of_the_source_changes_nothing():
    model = Transformer(7, SMALL)
    params = made(model, SOURCE, REAL, TOKENS)
    other = jnp.where(REAL, SOURCE, 5)
    one, two = (model.apply(params, source, REAL, TOKENS) for source in (SOURCE, other))
    np.testing.assert_allclose(one, two, atol=1e-6)
    np.testing.assert_allclose(one, model.apply(params, SOURCE[:4], REAL[:4], TOKENS), atol=1e-6)


def test_attention_maps_are_distributions_over_the_real_source():
    model = Transformer(7, SMALL)
    params = made(model, SOURCE, REAL, TOKENS)
    _, maps = model.apply(params, SOURCE, REAL, TOKENS, method="with_maps")
    for layer in maps["decoder"]:
        np.testing.assert_allclose(layer["cross"].sum(-1), 1, rtol=1e-5)
        assert (np.asarray(layer["cross"])[..., 4:] == 0).all()


def test_a_vision_transformer_reads_patches_whatever_their_order_but_for_their_places():
    """With the rows of `positions` moved along with the patches it says the same."""
    image = jnp.asarray(np.random.default_rng(0).normal(size=(4, 6, 1)), jnp.float32)
    model = VisionTransformer(3, 2, SMALL)
    params = made(model, image)["params"]
    swapped = jnp.concatenate([image[2:], image[:2]])
    places = params["positions"]
    moved = {**params, "positions": jnp.concatenate([places[:1], places[4:], places[1:4]])}
    np.testing.assert_allclose(
        model.apply({"params": params}, image), model.apply({"params": moved}, swapped), atol=1e-5
    )
    assert not np.allclose(model.apply({"params": params}, image), model.apply({"params": params}, swapped), atol=1e-4)


def test_what_does_not_fit_is_refused():
    model = TransformerLM(7, SMALL)
    for make, message in [
        (lambda: made(model, jnp.zeros(13, jnp.int32)), "up to 12"),
        (lambda: model.apply(made(model, TOKENS), 13, method="start"), "room for 13"),
        (lambda: made(VisionTransformer(3, 4, SMALL), jnp.zeros((4, 6, 1))), "don't fill"),
        (lambda: Size(norm="prae"), "did you mean"),
        (lambda: Size(dropout=1.0), "dropout"),
    ]:
        with pytest.raises(InputError, match=message):
            make()
