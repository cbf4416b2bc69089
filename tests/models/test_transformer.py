"""The Transformer: counts of the paper, causality, and decoding that is the full pass."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P

from jaxdl.check.parameters import count
from jaxdl.errors import InputError
from jaxdl.models.transformer import ACTIVATIONS, BASE, BIG, Embedding, Size, Stack, Transformer, TransformerLM
from jaxdl.models.vision_transformer import VisionTransformer
from jaxdl.train.sharding import spec
from jaxdl.typing import path_name

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


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float64])
@pytest.mark.parametrize(("kind", "read"), [(TransformerLM, ()), (Transformer, (SOURCE, REAL))])
def test_what_is_decoded_has_the_precision_of_the_parameters(kind, read, dtype):
    model = kind(7, SMALL)

    def decoded():
        params = jax.tree.map(lambda leaf: leaf.astype(dtype), made(model, *read, TOKENS))
        logits, at = model.apply(params, model.apply(params, *read, 8, method="start"), TOKENS[0], method="step")
        return model.apply(params, *read, TOKENS), logits, [(cache.keys, cache.values) for cache in at.caches]

    with jax.enable_x64(dtype == jnp.float64):
        assert {leaf.dtype for leaf in jax.tree.leaves(jax.eval_shape(decoded))} == {jnp.dtype(dtype)}


def test_an_embedding_is_the_table_s_row_times_the_root_of_the_width_plus_the_position():
    table = jnp.array([[1.0, 2, 3, 4], [5, 6, 7, 8]])
    at_5 = np.array([np.sin(5), np.cos(5), np.sin(5 / 100), np.cos(5 / 100)])
    params = {"params": {"table": {"embedding": table}}}
    found = Embedding(2, replace(SMALL, width=4)).apply(params, jnp.array([1]), 5)
    np.testing.assert_allclose(found, [2 * table[1] + at_5], rtol=1e-6)


def test_gelu_is_x_times_the_share_of_a_normal_distribution_below_it():
    np.testing.assert_allclose(ACTIVATIONS["gelu"](jnp.array([1.0, -1.0])), [0.8413447, -0.1586553], rtol=1e-6)


SPLIT = {
    "table/embedding": P("tensor", None),
    "kernel": P(None, None, "tensor"),  # of q, k and v: whole heads
    "bias": P(None, "tensor"),
    "output/kernel": P("tensor", None),
    "inner/kernel": P(None, "tensor"),
    "inner/bias": P("tensor"),
    "outer/kernel": P("tensor", None),
}


def test_tensor_splits_symbols_heads_and_hidden_units_and_nothing_else():
    leaves = jax.tree_util.tree_leaves_with_path(shapes(Transformer(8, SMALL), SOURCE, REAL, TOKENS))
    split = {"embedding/table/embedding": SPLIT["table/embedding"]}
    for stack, parts in [("encoder", ["attention"]), ("decoder", ["attention", "cross"])]:
        for layer in (f"{stack}/layers_{number}" for number in range(2)):
            split |= {f"{layer}/{name}": SPLIT[name] for name in ("inner/kernel", "inner/bias", "outer/kernel")}
            for part in parts:
                split |= {f"{layer}/{part}/{name}": SPLIT[name] for name in ("kernel", "bias", "output/kernel")}
    found = {
        path_name(path): spec(path_name(path), leaf.shape, {"data": 1, "fsdp": 1, "tensor": 2}, Transformer.sharding)
        for path, leaf in leaves
    }
    assert {path: axes for path, axes in found.items() if any(axes)} == split


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
