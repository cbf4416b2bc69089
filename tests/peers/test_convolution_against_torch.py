"""Convolution and pooling beside PyTorch's, true convolution beside SciPy's.

PyTorch's padding is a number for both sides of a dimension; it has channels first and kernels OI….
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
import torch
from torch.nn import functional

from jaxdl.layers.convolution import convolve, flipped, transpose_convolve
from jaxdl.layers.pooling import adaptive_average_pool, average_pool, max_pool

RANDOM = np.random.default_rng(0)
SPACES, SIZES = {1: (9,), 2: (8, 7), 3: (5, 6, 4)}, {1: (3,), 2: (3, 2), 3: (2, 3, 2)}


@pytest.fixture(autouse=True)
def in_float64():
    with jax.enable_x64():
        yield


def channels_first(x):
    return np.moveaxis(x, -1, 1)


def outputs_first(kernel):
    """(*size, i, o) as (o, i, *size)."""
    return np.moveaxis(kernel, (-1, -2), (0, 1))


def assert_same(ours, theirs, *pairs):
    """Value and gradients of a weighted sum agree to 1e-12; each input comes as (value, how PyTorch has it)."""
    values = [value for value, _ in pairs]
    leaves = [torch.tensor(np.ascontiguousarray(turn(value)), requires_grad=True) for value, turn in pairs]
    expected = theirs(*leaves)
    y, pull = jax.vjp(jax.jit(ours), *map(jnp.asarray, values))
    np.testing.assert_allclose(channels_first(y), expected.detach(), atol=1e-12)
    upstream = RANDOM.normal(size=y.shape)
    expected.backward(torch.tensor(channels_first(upstream)))
    for gradient, leaf, (_, turn) in zip(pull(jnp.asarray(upstream)), leaves, pairs, strict=True):
        np.testing.assert_allclose(turn(gradient), leaf.grad, atol=1e-12)


@pytest.mark.parametrize(
    "settings",
    [{}, {"stride": 2, "padding": 1}, {"padding": 1, "dilation": 2}, {"groups": 2}, {"groups": 4, "stride": 2}],
)
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_the_convolution_is_pytorch_s_in_value_and_gradients(dimensions, settings):
    x = RANDOM.normal(size=(2, *SPACES[dimensions], 4))
    kernel = RANDOM.normal(size=(*SIZES[dimensions], 4 // settings.get("groups", 1), 8))
    theirs = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}[dimensions]
    known = {{"stride": "strides"}.get(name, name): value for name, value in settings.items()}
    assert_same(
        lambda x, kernel: convolve(x, kernel, **known),
        lambda x, kernel: theirs(x, kernel, **settings),
        (x, channels_first),
        (kernel, outputs_first),
    )


def test_same_padding_with_stride_2_is_not_pytorch_s_padding_1():
    """On an even side SAME needs one zero in all, and puts it after."""
    x, kernel = RANDOM.normal(size=(1, 8, 8, 2)), RANDOM.normal(size=(3, 3, 2, 3))
    theirs = functional.conv2d(
        torch.tensor(channels_first(x)), torch.tensor(outputs_first(kernel)), stride=2, padding=1
    ).numpy()
    ours = {p: channels_first(convolve(jnp.asarray(x), jnp.asarray(kernel), 2, p)) for p in ("SAME", 1)}
    np.testing.assert_allclose(ours[1], theirs, atol=1e-12)
    assert ours["SAME"].shape == theirs.shape
    assert np.abs(ours["SAME"] - theirs).max() > 0.1


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 0), (2, 1), (3, 1)])
def test_the_transpose_convolution_is_pytorch_s_in_value_and_gradients(stride, padding):
    """PyTorch's kernel is (channels it takes, channels it gives, …): ours, which is that of the convolution, OI too."""
    y, kernel = RANDOM.normal(size=(2, 4, 5, 3)), RANDOM.normal(size=(3, 3, 2, 3))
    assert_same(
        lambda y, kernel: transpose_convolve(y, kernel, stride, padding),
        lambda y, kernel: functional.conv_transpose2d(y, kernel, stride=stride, padding=padding),
        (y, channels_first),
        (kernel, outputs_first),
    )


@pytest.mark.parametrize(("size", "stride", "padding"), [(2, 2, 0), (3, 3, 0), (3, 2, 0), (3, 2, 1), (2, 1, 0)])
def test_pooling_is_pytorch_s_in_value_and_gradients(size, stride, padding):
    x = (RANDOM.normal(size=(2, 8, 7, 3)), channels_first)
    assert_same(
        lambda x: max_pool(x, size, stride, padding),
        lambda x: functional.max_pool2d(x, size, stride, padding),
        x,
    )
    assert_same(
        lambda x: average_pool(x, size, stride, padding),
        lambda x: functional.avg_pool2d(x, size, stride, padding, count_include_pad=False),
        x,
    )


@pytest.mark.parametrize("size", [1, 3, 7, 9])
def test_adaptive_pooling_is_pytorch_s_in_value_and_gradients(size):
    assert_same(
        lambda x: adaptive_average_pool(x, size),
        lambda x: functional.adaptive_avg_pool2d(x, size),
        (RANDOM.normal(size=(2, 8, 7, 3)), channels_first),
    )


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("mode", ["valid", "full"])
def test_with_the_kernel_turned_round_it_is_scipy_s_convolution_and_without_its_correlation(dimensions, mode):
    x, kernel = RANDOM.normal(size=SPACES[dimensions]), RANDOM.normal(size=SIZES[dimensions])
    padding = "VALID" if mode == "valid" else [(f - 1, f - 1) for f in kernel.shape]
    ours_x, ours_kernel = jnp.asarray(x)[..., None], jnp.asarray(kernel)[..., None, None]
    true = convolve(ours_x, flipped(ours_kernel), padding=padding)[..., 0]
    np.testing.assert_allclose(true, scipy.signal.convolve(x, kernel, mode, "direct"), atol=1e-12)
    cross = convolve(ours_x, ours_kernel, padding=padding)[..., 0]
    np.testing.assert_allclose(cross, scipy.signal.correlate(x, kernel, mode, "direct"), atol=1e-12)
