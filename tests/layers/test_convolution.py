"""Convolution: worked numbers, naive loops, and what holds for linear maps."""

import itertools
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.errors import InputError
from jaxdl.layers.arithmetic import window
from jaxdl.layers.convolution import (
    Conv,
    by_library,
    by_patches,
    by_places,
    by_rows,
    convolve,
    fastest,
    flipped,
    transpose_convolve,
)

CYCLIC = [[1.0, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1]]
KERNEL = [[2.0, 0, 1], [0, 1, 2], [1, 0, 2]]
RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def in_float64():
    with jax.enable_x64():
        yield


def image(values):
    return jnp.asarray(values, float)[..., None]


def filtering(values):
    return jnp.asarray(values, float)[..., None, None]


def by_loops(x, kernel, sliding, groups=1):
    """The definition, one place of the output, one of the kernel and one channel at a time."""
    y = np.zeros((len(x), *sliding.places(x.shape[1:-1]), kernel.shape[-1]))
    inputs, outputs = kernel.shape[-2], kernel.shape[-1] // groups
    for i, a in itertools.product(np.ndindex(y.shape[1:-1]), np.ndindex(sliding.size)):
        geometry = zip(i, a, sliding.strides, sliding.dilation, sliding.pads, strict=True)
        at = tuple(s * i + d * a - before for i, a, s, d, (before, _) in geometry)
        if all(0 <= place < n for place, n in zip(at, x.shape[1:-1], strict=True)):
            for o in range(kernel.shape[-1]):
                group = slice(o // outputs * inputs, (o // outputs + 1) * inputs)
                y[(slice(None), *i, o)] += x[(slice(None), *at, group)] @ kernel[(*a, slice(None), o)]
    return y


FORMS = {"library": by_library, "patches": by_patches, "rows": lambda x, kernel, sliding: by_rows(x, kernel)}


@pytest.mark.parametrize("form", FORMS)
def test_the_worked_example(form):
    y = FORMS[form](image(CYCLIC), filtering(KERNEL), window((4, 4), (3, 3)))
    np.testing.assert_array_equal(y[..., 0], [[15, 16], [6, 15]])


def test_the_worked_example_with_a_frame_of_zeros_keeps_its_size_and_begins_with_7_12_10_2():
    y = convolve(image(CYCLIC), filtering(KERNEL), padding=1)[..., 0]
    np.testing.assert_array_equal(y[0], [7, 12, 10, 2])
    np.testing.assert_array_equal(y[1:3, 1:3], [[15, 16], [6, 15]])
    np.testing.assert_array_equal(y, convolve(image(CYCLIC), filtering(KERNEL), padding="SAME")[..., 0])


def test_the_cyclic_seven_by_seven_in_steps_of_two():
    cyclic = (1 + np.arange(7) - np.arange(7)[:, None]) % 4
    np.testing.assert_array_equal(cyclic[:4, :4], CYCLIC)
    y = convolve(image(cyclic), filtering(KERNEL), strides=2)[..., 0]
    np.testing.assert_array_equal(y, [[15, 17, 15], [17, 15, 17], [15, 17, 15]])


def test_fourteen_by_fourteen_shrinks_to_ten_and_six_in_the_worked_shapes():
    x = jax.eval_shape(Conv(16, 5).init_with_output, jax.random.key(0), jnp.zeros((14, 14, 3)))[0]
    assert x.shape == (10, 10, 16)
    assert jax.eval_shape(Conv(32, 5).init_with_output, jax.random.key(0), x)[0].shape == (6, 6, 32)


SIZES = {1: (3,), 2: (3, 2), 3: (2, 3, 2)}
SPACES = {1: (9,), 2: (7, 6), 3: (4, 6, 4)}
UNEVEN = ((0, 2), (1, 0), (2, 1))


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2), (3, 2)])
@pytest.mark.parametrize(
    ("dimensions", "padding"),
    [(1, "SAME"), (1, "uneven"), (2, "VALID"), (2, "SAME"), (2, 1), (2, "uneven"), (3, "VALID"), (3, "uneven")],
)
def test_every_form_is_the_naive_loop(dimensions, padding, stride, dilation, groups):
    size, space = SIZES[dimensions], SPACES[dimensions]
    padding = UNEVEN[:dimensions] if padding == "uneven" else padding
    sliding = window(space, size, stride, padding, dilation)
    x, kernel = RANDOM.normal(size=(2, *space, 4)), RANDOM.normal(size=(*size, 4 // groups, 8))

    @jax.jit
    def forms(x, kernel):
        found = [convolve(x, kernel, stride, padding, dilation, groups), by_library(x, kernel, sliding, groups)]
        if groups == 1:
            found.append(by_patches(x, kernel, sliding))
        if groups == 4:
            found.append(by_places(x, kernel, sliding))
        return found

    expected = by_loops(x, kernel, sliding, groups)
    for y in forms(x, kernel):
        np.testing.assert_allclose(y, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "kernel"),
    [
        ((2, 7, 6, 2), (3, 2, 2, 4)),
        ((3, 5, 5, 1), (5, 5, 1, 3)),
        ((4, 9, 9, 3), (1, 1, 3, 2)),
        ((1, 4, 8, 1), (2, 5, 1, 1)),
    ],
)
def test_the_banded_matrix_is_the_naive_loop_and_has_the_library_s_gradients(shape, kernel):
    x, w = RANDOM.normal(size=shape), RANDOM.normal(size=kernel)
    sliding = window(shape[1:3], kernel[:2])
    y, pull = jax.vjp(by_rows, jnp.asarray(x), jnp.asarray(w))
    np.testing.assert_allclose(y, by_loops(x, w, sliding), atol=1e-12)
    upstream = jnp.asarray(RANDOM.normal(size=y.shape))
    library = jax.vjp(lambda x, w: by_library(x, w, sliding), jnp.asarray(x), jnp.asarray(w))[1]
    for ours, theirs in zip(pull(upstream), library(upstream), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_any_axes_in_front_are_a_batch(batch):
    x, kernel = jnp.asarray(RANDOM.normal(size=(*batch, 6, 5, 4))), jnp.asarray(RANDOM.normal(size=(3, 3, 4, 8)))
    depthwise, sliding = kernel[:, :, :1], window((6, 5), (3, 3))
    alone = jnp.reshape(x, (-1, 6, 5, 4))
    for form in (by_rows, partial(by_library, sliding=sliding), partial(by_patches, sliding=sliding)):
        each = jnp.stack([form(one, kernel) for one in alone])
        np.testing.assert_allclose(form(x, kernel).reshape(each.shape), each, atol=1e-12)
        assert form(x, kernel).shape == (*batch, 4, 3, 8)
    assert by_places(x, depthwise, sliding).shape == (*batch, 4, 3, 8)


FORMS_OF_X_AND_KERNEL = {
    "rows": (by_rows, 1),
    "padded rows": (partial(convolve, padding=1), 1),
    "library": (lambda x, w: by_library(x, w, window((4, 5), (3, 2), 2, 1)), 1),
    "patches": (lambda x, w: by_patches(x, w, window((4, 5), (3, 2), 2, 1)), 1),
    "places": (lambda x, w: by_places(x, w, window((4, 5), (3, 2), 2, 1)), 2),
}


@pytest.mark.parametrize("form", FORMS_OF_X_AND_KERNEL)
def test_its_gradients_are_the_numerical_ones(form):
    function, groups = FORMS_OF_X_AND_KERNEL[form]
    x, kernel = RANDOM.normal(size=(4, 5, 2)), RANDOM.normal(size=(3, 2, 2 // groups, 2))
    modes = ["rev"] if form == "places" else ["fwd", "rev"]  # its backward pass is written by hand
    check_grads(jax.jit(lambda x, w: function(jnp.asarray(x), jnp.asarray(w))), (x, kernel), order=2, modes=modes)


@pytest.mark.parametrize("outputs", [2, 6])
@pytest.mark.parametrize("padding", ["VALID", "SAME", 2, ((1, 0), (0, 2))])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_the_backward_pass_of_a_sum_of_shifted_images_is_the_library_s(padding, stride, dilation, outputs):
    x, kernel = jnp.asarray(RANDOM.normal(size=(3, 8, 9, 2))), jnp.asarray(RANDOM.normal(size=(3, 2, 1, outputs)))
    sliding = window((8, 9), (3, 2), stride, padding, dilation)
    y, back = jax.vjp(lambda x, w: by_places(x, w, sliding), x, kernel)
    expected, library = jax.vjp(lambda x, w: by_library(x, w, sliding, 2), x, kernel)
    g = jnp.asarray(RANDOM.normal(size=y.shape))
    np.testing.assert_allclose(y, expected, atol=1e-12)
    for ours, theirs in zip(back(g), library(g), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


@pytest.mark.parametrize(
    ("form", "x", "kernel", "settings"),
    [
        ("rows", (32, 32, 1), (5, 5, 1, 6), {}),
        ("rows", (14, 14, 6), (5, 5, 6, 16), {}),
        ("rows", (28, 28, 1), (3, 3, 1, 6), {"padding": 1}),
        ("library", (28, 28, 1), (3, 3, 1, 6), {"padding": 2}),
        ("library", (32, 32, 1), (5, 5, 1, 6), {"strides": 2}),
        ("library", (32, 32, 1), (5, 5, 1, 6), {"dilation": 2}),
        ("library", (32, 32, 3), (3, 3, 3, 16), {}),
        ("library", (8, 8, 9), (3, 3, 9, 4), {}),
        ("library", (9,), (3, 1, 4), {}),
        ("places", (12, 12, 64), (3, 3, 1, 64), {"strides": 2, "groups": 64}),
        ("places", (12, 64), (3, 1, 128), {"groups": 64}),
        ("library", (8, 8, 4), (3, 3, 2, 4), {"groups": 2}),
        ("patches", (5, 5, 16), (5, 5, 16, 120), {}),
        ("patches", (2, 2, 64), (3, 3, 64, 64), {"padding": 1}),
        ("patches", (4, 4, 64), (3, 3, 64, 64), {"padding": 1, "strides": 2}),
        ("library", (3, 3, 64), (3, 3, 64, 64), {"padding": 1}),
        ("library", (2, 9, 64), (3, 3, 64, 64), {"padding": 1}),
        ("library", (8, 8, 64), (1, 1, 64, 64), {}),
    ],
)
def test_the_form_that_is_taken_follows_from_the_shapes_and_only_the_library_s_has_a_convolution(
    form, x, kernel, settings
):
    x = (*x, 1) if len(x) == len(kernel) - 2 else x
    groups = settings.pop("groups", 1)
    x, kernel = jax.ShapeDtypeStruct(x, jnp.float32), jax.ShapeDtypeStruct(kernel, jnp.float32)
    assert fastest(x, kernel, window(x.shape[:-1], kernel.shape[:-2], **settings), groups) == form
    program = str(jax.make_jaxpr(lambda x, kernel: convolve(x, kernel, **settings, groups=groups))(x, kernel))
    assert ("conv_general_dilated" in program) == (form == "library")


def test_off_the_cpu_every_convolution_is_the_library_s(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "tpu")
    for kernel, groups in (((5, 5, 4, 4), 1), ((5, 5, 1, 4), 4)):
        assert fastest(jnp.zeros((6, 6, 4)), jnp.zeros(kernel), window((6, 6), (5, 5)), groups) == "library"


def test_a_kernel_turned_round_both_ways():
    turned = flipped(filtering([[3, 4, 5], [1, 0, 2], [-1, 9, 7]]))
    np.testing.assert_array_equal(turned[..., 0, 0], [[7, 9, -1], [2, 0, 1], [5, 4, 3]])


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_true_convolution_is_associative_and_cross_correlation_is_not(dimensions):
    """(x ∗ a) ∗ b = x ∗ (a ∗ b), a ∗ b having all 3 + 2 − 1 places; with cross-correlation b comes out turned round."""
    x, a, b = (jnp.asarray(RANDOM.normal(size=(n,) * dimensions)) for n in (8, 3, 2))

    def true(x, kernel, padding=0):
        return convolve(x[..., None], flipped(kernel[..., None, None]), padding=padding)[..., 0]

    def cross(x, kernel, padding=0):
        return convolve(x[..., None], kernel[..., None, None], padding=padding)[..., 0]

    np.testing.assert_allclose(true(true(x, a), b), true(x, true(a, b, padding=1)), atol=1e-12)
    assert np.abs(cross(cross(x, a), b) - cross(x, cross(a, b, padding=1))).max() > 0.1
    np.testing.assert_allclose(true(a, b, padding=1), true(b, a, padding=2), atol=1e-12)


@pytest.mark.parametrize("padding", ["VALID", "SAME", 1, "uneven"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_the_transpose_is_the_adjoint_and_the_vector_jacobian_product(dimensions, stride, padding):
    """⟨Ax, y⟩ = ⟨x, Aᵀy⟩."""
    size, places = SIZES[dimensions], (3, 4, 2)[:dimensions]
    padding = [(1, 0), (0, 1), (1, 1)][:dimensions] if padding == "uneven" else padding
    y, kernel = jnp.asarray(RANDOM.normal(size=(2, *places, 3))), jnp.asarray(RANDOM.normal(size=(*size, 2, 3)))
    transposed = transpose_convolve(y, kernel, stride, padding)
    x = jnp.asarray(RANDOM.normal(size=transposed.shape))
    forward, pull = jax.vjp(lambda x: convolve(x, kernel, stride, padding), x)
    assert forward.shape == y.shape
    np.testing.assert_allclose((forward * y).sum(), (x * transposed).sum(), rtol=1e-10)
    np.testing.assert_allclose(transposed, pull(y)[0], atol=1e-12)
    if padding == "VALID":
        assert transposed.shape[1:-1] == tuple((n - 1) * stride + f for n, f in zip(places, size, strict=True))
    if padding == "SAME":
        assert transposed.shape[1:-1] == tuple(n * stride for n in places)


def test_the_transpose_of_one_value_is_the_kernel_and_where_two_overlap_they_add():
    y = jnp.asarray([1.0, 10.0])[:, None]
    kernel = jnp.asarray([1.0, 2.0, 3.0])[:, None, None]
    np.testing.assert_array_equal(transpose_convolve(y, kernel)[:, 0], [1, 12, 23, 30])
    np.testing.assert_array_equal(transpose_convolve(y, kernel, strides=2)[:, 0], [1, 2, 13, 20, 30])


@pytest.mark.parametrize("channels", [(1, 6, 1), (16, 32, 1), (4, 8, 4), (8, 8, 2)])
def test_bfloat16_stays_bfloat16_and_is_float32_to_its_precision(channels):
    """Rows, the library's, places, and the library's in groups."""
    c_in, c_out, groups = channels
    x = jnp.asarray(RANDOM.normal(size=(2, 8, 8, c_in)), jnp.bfloat16)
    kernel = jnp.asarray(RANDOM.normal(size=(3, 3, c_in // groups, c_out)), jnp.bfloat16)
    y = convolve(x, kernel, padding=1, groups=groups)
    assert y.dtype == jnp.bfloat16
    exact = convolve(x.astype(float), kernel.astype(float), padding=1, groups=groups)
    np.testing.assert_allclose(y.astype(float), exact, atol=2**-8 * np.abs(exact).max() * 3)
    layer = Conv(4, 3)
    variables = layer.init(jax.random.key(0), x.astype(jnp.float32))
    assert layer.apply(variables, x).dtype == jnp.bfloat16


def test_the_layer_is_the_library_s_with_the_same_parameters():
    x = jax.random.normal(jax.random.key(0), (2, 6, 6, 4))
    for settings in ({}, {"use_bias": False}, {"strides": 2, "padding": "SAME"}, {"dilation": 2}, {"groups": 2}):
        names = {"groups": "feature_group_count", "dilation": "kernel_dilation"}
        known = {names.get(name, name): value for name, value in settings.items()}
        ours, theirs = Conv(4, 3, **settings), nn.Conv(4, (3, 3), **{"padding": "VALID"} | known)
        variables = theirs.init(jax.random.key(1), x)
        if "bias" in variables["params"]:
            variables["params"]["bias"] = jnp.arange(4.0)
        shapes = [jax.tree.map(jnp.shape, layer.init(jax.random.key(1), x)) for layer in (ours, theirs)]
        assert shapes[0] == shapes[1]
        np.testing.assert_allclose(ours.apply(variables, x), theirs.apply(variables, x), atol=1e-5)


def test_the_layer_takes_kernels_of_any_dimension_and_groups_0_is_depthwise():
    def kernel(x, *args, **settings):
        return jax.eval_shape(Conv(*args, **settings).init, jax.random.key(0), jnp.zeros(x))["params"]["kernel"].shape

    assert kernel((9, 2), 8, (3,)) == (3, 2, 8)
    assert kernel((4, 9, 2), 8, (3, 2)) == (3, 2, 2, 8)
    assert kernel((4, 4, 4, 2), 8, (3, 3, 1)) == (3, 3, 1, 2, 8)
    assert kernel((4, 4, 6), 12, 3, groups=0) == (3, 3, 1, 12)


X, W = (5, 5, 4), (3, 3, 4, 8)


@pytest.mark.parametrize(
    ("x", "kernel", "settings", "message"),
    [
        ((2, 5, 4), W, {}, "an input of 2×5 is too small for a window of 3×3"),
        ((4, 4, 4), W, {"dilation": 2}, "an input of 4×4 is too small for a window of 3×3, its places 2×2 apart"),
        ((5, 5, 3), W, {}, r"an input of 3 channels and a kernel \(3, 3, 4, 8\) in 1 group.*expected 4 channels"),
        (X, (3, 3, 4, 8), {"groups": 2}, "expected 8 channels"),
        ((5, 5, 12), (3, 3, 4, 8), {"groups": 3}, "outputs that the groups divide"),
        (X, W, {"groups": 0}, "groups"),
        ((4,), W, {}, r"expected \(\*space, c\) and \(\*size, c, o\)"),
        ((5, 4), W, {}, r"expected \(\*space, c\) and \(\*size, c, o\)"),
        (X, W, {"padding": "FULL"}, "padding 'FULL': expected VALID, SAME, a number"),
        (X, W, {"padding": -1}, "padding -1: expected"),
        (X, W, {"padding": (1,)}, r"padding \(1,\): expected .* each of 2 dimensions"),
        (X, W, {"padding": ((1, 1), (0, -1))}, "padding .* expected"),
        (X, W, {"strides": 0}, "strides 0: expected a number of at least 1, or 2 of them"),
        (X, W, {"strides": (1, 1, 1)}, "strides .*expected a number of at least 1, or 2 of them"),
        (X, W, {"dilation": 0}, "dilation 0: expected a number of at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(x, kernel, settings, message):
    with pytest.raises(InputError, match=message):
        convolve(jnp.zeros(x), jnp.zeros(kernel), **settings)


def test_a_transpose_of_other_channels_is_refused():
    with pytest.raises(InputError, match=r"3 channels to take back through a kernel \(3, 3, 4, 8\): expected 8"):
        transpose_convolve(jnp.zeros((5, 5, 3)), jnp.zeros(W))


def test_a_padding_that_takes_the_whole_result_of_a_transpose_is_refused():
    with pytest.raises(InputError, match=r"padding 2 leaves -1×-1 places of a transpose .*: expected less of it"):
        transpose_convolve(jnp.zeros((1, 1, 2)), jnp.zeros((3, 3, 1, 2)), padding=2)
