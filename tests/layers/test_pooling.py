"""Pooling: hand-worked windows, naive loops, and where gradients go."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.errors import InputError
from jaxdl.layers.arithmetic import window
from jaxdl.layers.pooling import adaptive_average_pool, average_pool, global_average_pool, max_pool

IMAGE = jnp.array([[1.0, 3, 2, 1], [2, 9, 1, 1], [1, 3, 2, 3], [5, 6, 1, 2]])[..., None]
RANDOM = np.random.default_rng(0)


def by_loops(summary, x, size, strides, padding):
    """What lies in the image under each window, and nothing else, in NumPy."""
    sliding = window(x.shape[-3:-1], (size, size), strides, padding)
    (top, _), (left, _) = sliding.pads
    high, wide = sliding.places(x.shape[-3:-1])
    y = np.zeros((*x.shape[:-3], high, wide, x.shape[-1]))
    for i, j in np.ndindex(high, wide):
        a, b = strides * i - top, strides * j - left
        y[..., i, j, :] = summary(x[..., max(a, 0) : a + size, max(b, 0) : b + size, :], (-3, -2))
    return y


POOLS = {"max": (max_pool, np.max), "average": (average_pool, np.mean)}


@pytest.mark.parametrize("kind", POOLS)
@pytest.mark.parametrize("padding", ["VALID", "SAME", 1, ((1, 0), (0, 1))])
@pytest.mark.parametrize(("size", "strides"), [(2, 2), (3, 3), (3, 2), (2, 1), (2, 3)])
def test_it_summarises_what_the_window_has_of_the_image(kind, size, strides, padding):
    """Negative images too: a zero of the padding would win their maximum and pull at their mean."""
    pool, summary = POOLS[kind]
    x = RANDOM.normal(size=(2, 1, 7, 6, 3)) - 5
    y = jax.jit(lambda x: pool(x, size, strides, padding))(x)
    np.testing.assert_allclose(y, by_loops(summary, x, size, strides, padding), rtol=1e-6)


def test_the_maxima_and_means_of_two_by_two_windows():
    np.testing.assert_array_equal(max_pool(IMAGE)[..., 0], [[9, 2], [6, 3]])
    np.testing.assert_array_equal(average_pool(IMAGE)[..., 0], [[3.75, 1.25], [3.75, 2]])
    np.testing.assert_array_equal(max_pool(IMAGE, 3, 1)[..., 0], [[9, 9], [9, 9]])
    np.testing.assert_array_equal(global_average_pool(IMAGE), [2.6875])


def test_the_stride_is_the_size_unless_given():
    for pool in (max_pool, average_pool):
        np.testing.assert_array_equal(pool(IMAGE, 2), pool(IMAGE, 2, 2))


def test_the_gradient_of_a_maximum_goes_to_where_it_was_and_that_of_a_mean_to_all_alike():
    upstream = jnp.array([[4.0, 8.0], [12.0, 16.0]])[..., None]
    through_max = jax.vjp(max_pool, IMAGE)[1](upstream)[0][..., 0]
    np.testing.assert_array_equal(through_max, [[0, 0, 8, 0], [0, 4, 0, 0], [0, 0, 0, 16], [0, 12, 0, 0]])
    through_mean = jax.vjp(average_pool, IMAGE)[1](upstream)[0][..., 0]
    np.testing.assert_array_equal(through_mean, np.kron([[1, 2], [3, 4]], np.ones((2, 2))))


def test_a_tie_shares_the_gradient_and_without_overlap_in_equal_parts():
    apart, sliding = (jax.grad(lambda x, s=s: max_pool(x, 2, s).sum())(jnp.zeros((2, 2, 1))) for s in (2, 1))
    np.testing.assert_array_equal(apart, np.full((2, 2, 1), 0.25))
    assert (sliding > 0).all()
    assert sliding.sum() == 1


@pytest.mark.parametrize("pool", [max_pool, average_pool])
@pytest.mark.parametrize("settings", [(2,), (3, 2, 1)])
def test_its_gradient_is_the_numerical_one(pool, settings):
    with jax.enable_x64():
        x = RANDOM.permutation(5.0 * np.arange(5 * 4 * 2)).reshape(5, 4, 2) / 40  # no two values close together
        check_grads(jax.jit(lambda x: pool(jnp.asarray(x), *settings)), (x,), order=2)


@pytest.mark.parametrize(("side", "size"), [(8, 2), (7, 3), (3, 7), (5, 5), (6, 1)])
def test_adaptive_means_are_those_of_windows_that_cover_the_image(side, size):
    x = RANDOM.normal(size=(2, side, side + 1, 3))
    edges = [[(i * n // size, -(-(i + 1) * n // size)) for i in range(size)] for n in (side, side + 1)]
    expected = [[x[:, a:b, c:d].mean((1, 2)) for c, d in edges[1]] for a, b in edges[0]]
    y = jax.jit(adaptive_average_pool, static_argnums=1)(x, size)
    np.testing.assert_allclose(y, np.array(expected).transpose(2, 0, 1, 3), atol=1e-6)


def test_adaptive_means_of_one_window_are_global_and_of_as_many_as_places_the_image():
    x = jnp.asarray(RANDOM.normal(size=(6, 6, 2)), jnp.float32)
    np.testing.assert_allclose(adaptive_average_pool(x, 1)[0, 0], global_average_pool(x), atol=1e-6)
    assert adaptive_average_pool(x, 6) is x


@pytest.mark.parametrize("settings", [(2,), (3, 1, 1)])
def test_bfloat16_stays_bfloat16(settings):
    x = jnp.asarray(RANDOM.normal(size=(6, 6, 2)), jnp.bfloat16)
    for pool in (max_pool, average_pool):
        y = pool(x, *settings)
        assert y.dtype == jnp.bfloat16
        np.testing.assert_allclose(y.astype(jnp.float32), pool(x.astype(jnp.float32), *settings), atol=0.03)
    assert adaptive_average_pool(x, 4).dtype == global_average_pool(x).dtype == jnp.bfloat16


@pytest.mark.parametrize("pool", [max_pool, average_pool])
def test_what_does_not_fit_is_refused(pool):
    with pytest.raises(InputError, match="an input of 1×4 is too small for a window of 2×2"):
        pool(jnp.zeros((1, 4, 3)))
    with pytest.raises(InputError, match="padding 2 for windows of 2×2: expected less than 2"):
        pool(jnp.zeros((4, 4, 3)), 2, 2, 2)
    with pytest.raises(InputError, match=r"size \(0, 0\): expected a number of at least 1"):
        pool(jnp.zeros((4, 4, 3)), 0)
    with pytest.raises(InputError, match="strides 0: expected a number of at least 1"):
        pool(jnp.zeros((4, 4, 3)), 2, 0)


def test_an_image_without_places_has_no_adaptive_means():
    with pytest.raises(InputError, match=r"an image of \(0, 3, 2\) has no places"):
        adaptive_average_pool(jnp.zeros((0, 3, 2)), 2)
