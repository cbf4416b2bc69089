"""Multi-head attention and the whole encoder-decoder against PyTorch's, with its weights."""

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxdl.layers.attention import MultiHeadAttention, look_ahead_mask
from jaxdl.models.transformer import Size, Stack

WIDTH, HEADS, HIDDEN = 12, 3, 20


def array(tensor):
    return jnp.asarray(tensor.detach().numpy())


def attention(theirs):
    """nn.MultiheadAttention's weights as ours."""
    return {
        "kernel": array(theirs.in_proj_weight.T).reshape(WIDTH, 3, WIDTH),
        "bias": array(theirs.in_proj_bias).reshape(3, WIDTH),
        "output": dense(theirs.out_proj),
    }


def dense(theirs):
    return {"kernel": array(theirs.weight.T), "bias": array(theirs.bias)}


def norm(theirs):
    return {"scale": array(theirs.weight), "bias": array(theirs.bias)}


def stack(theirs):
    """The weights of an nn.TransformerEncoder or -Decoder as a Stack's."""
    params = {"last": norm(theirs.norm)}
    for place, layer in enumerate(theirs.layers):
        norms = [getattr(layer, f"norm{i}") for i in (1, 2, 3) if hasattr(layer, f"norm{i}")]
        mine = {f"norms_{i}": norm(one) for i, one in enumerate(norms)}
        mine |= {"attention": attention(layer.self_attn), "inner": dense(layer.linear1), "outer": dense(layer.linear2)}
        if hasattr(layer, "multihead_attn"):
            mine["cross"] = attention(layer.multihead_attn)
        params[f"layers_{place}"] = mine
    return {"params": params}


def random(theirs):
    """Every parameter drawn anew, for zero biases and scales of one would hide a mistake."""
    torch.manual_seed(0)
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return theirs.eval()


def test_multi_head_attention_is_pytorch_s():
    theirs = random(torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True))
    x, source = torch.randn(5, WIDTH), torch.randn(7, WIDTH)
    real = torch.tensor([True] * 4 + [False] * 3)
    layer, params = MultiHeadAttention(WIDTH, HEADS), {"params": attention(theirs)}
    expected, weights = theirs(x[None], source[None], source[None], key_padding_mask=~real[None], need_weights=True,
                               average_attn_weights=False)  # fmt: skip
    memory = layer.apply(params, array(source), method="keys_and_values")
    mine, maps = layer.apply(params, array(x), memory, array(real), method="cross")
    np.testing.assert_allclose(mine, array(expected)[0], atol=1e-5)
    np.testing.assert_allclose(maps, array(weights)[0], atol=1e-6)
    future = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1)
    expected, _ = theirs(x[None], x[None], x[None], attn_mask=future)
    mine, _ = layer.apply(params, array(x), look_ahead_mask(5))
    np.testing.assert_allclose(mine, array(expected)[0], atol=1e-5)


@pytest.mark.parametrize("pre", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_the_transformer_is_pytorch_s(pre, activation):
    form = {"dropout": 0.0, "activation": activation, "batch_first": True, "norm_first": pre}
    layer, last = torch.nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, **form), torch.nn.LayerNorm(WIDTH)
    encoder = torch.nn.TransformerEncoder(layer, 2, last, enable_nested_tensor=False)  # or it warns of what it can't do
    decoder = torch.nn.TransformerDecoder(torch.nn.TransformerDecoderLayer(WIDTH, HEADS, HIDDEN, **form), 2, last)
    theirs = random(
        torch.nn.Transformer(WIDTH, HEADS, custom_encoder=encoder, custom_decoder=decoder, batch_first=True)
    )
    source, target = torch.randn(7, WIDTH), torch.randn(5, WIDTH)
    real = torch.tensor([True] * 4 + [False] * 3)
    future = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1)
    expected = theirs(source[None], target[None], tgt_mask=future, src_key_padding_mask=~real[None],
                      memory_key_padding_mask=~real[None])  # fmt: skip
    size = Size(2, WIDTH, HEADS, HIDDEN, 0.0, "pre" if pre else "post", True, activation, epsilon=1e-5)
    memory, _ = Stack(size).apply(stack(theirs.encoder), array(source), array(real))
    mine, _ = Stack(size, decoder=True).apply(
        stack(theirs.decoder), array(target), look_ahead_mask(5), memory, array(real)
    )
    np.testing.assert_allclose(mine, array(expected)[0], atol=2e-5)
