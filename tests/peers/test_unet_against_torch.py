"""U-Net beside the same written in PyTorch, with the same weights."""

import jax
import numpy as np
import torch
from torch.nn import functional

from jaxdl.losses.segmentation import pixel_cross_entropy
from jaxdl.models.unet import UNet


def torch_unet(params, image):
    """Logits (1, classes, h, w) of an image (1, c, h, w) by valid convolutions, with two poolings."""

    def layer(x, name, apply=functional.conv2d, order=(3, 2, 0, 1), **settings):
        kernel, bias = params[name]["kernel"], params[name]["bias"]
        return apply(x, kernel.permute(*order), bias, **settings)

    def twice(x, name):
        for number in (1, 2):
            x = functional.relu(layer(x, f"{name}_conv{number}"))
        return x

    first = twice(image, "down1")
    second = twice(functional.max_pool2d(first, 2), "down2")
    x = twice(functional.max_pool2d(second, 2), "bottom")
    for level, before in ((2, second), (1, first)):
        # PyTorch's kernel of a transpose convolution is (from, to, …), ours (…, to, from).
        x = layer(x, f"up{level}", functional.conv_transpose2d, stride=2)
        cut = (before.shape[-1] - x.shape[-1]) // 2
        x = twice(torch.cat([before[..., cut:-cut, cut:-cut], x], 1), f"merge{level}")
    return layer(x, "output")


def test_it_is_pytorch_s_in_logits_loss_and_gradients():
    model = UNet(3, (2, 3, 4))
    with jax.enable_x64():
        image = jax.random.normal(jax.random.key(0), (44, 44, 2))
        params = jax.jit(model.init)(jax.random.key(1), image)["params"]
        segments = jax.random.randint(jax.random.key(2), (4, 4), 0, 3)
        logits = jax.jit(model.apply)({"params": params}, image)
        cost = jax.jit(jax.value_and_grad(lambda p: pixel_cross_entropy(model.apply({"params": p}, image), segments)))
        value, gradient = cost(params)
    theirs = jax.tree.map(lambda leaf: torch.tensor(np.asarray(leaf, np.float64), requires_grad=True), params)
    expected = torch_unet(theirs, torch.tensor(np.asarray(image, np.float64)).permute(2, 0, 1)[None])
    np.testing.assert_allclose(logits, expected[0].permute(1, 2, 0).detach(), rtol=1e-5, atol=1e-6)
    loss = functional.cross_entropy(expected, torch.tensor(np.array(segments))[None].long())
    loss.backward()
    np.testing.assert_allclose(value, loss.item(), rtol=1e-6)
    jax.tree.map(lambda ours, leaf: np.testing.assert_allclose(ours, leaf.grad, rtol=1e-4, atol=1e-6), gradient, theirs)
