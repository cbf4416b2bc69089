"""The weighted mean, and what counts as a weight."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.typing import Mean, is_weight, path_name


def test_a_mean_cut_in_pieces_and_added_is_the_mean_of_the_whole():
    random = np.random.default_rng(0)
    values, weights = random.normal(size=12), random.uniform(size=12)
    with jax.enable_x64():
        pieces = [Mean.of(values[i : i + 5], weights[i : i + 5]) for i in (0, 5, 10)]
        whole = pieces[0] + pieces[1] + pieces[2]
        np.testing.assert_allclose(whole.value, np.average(values, weights=weights), rtol=1e-12)


def test_weights_are_broadcast_and_booleans_are_counted():
    mean = Mean.of(jnp.array([True, True, False]), jnp.float32(2))
    assert (float(mean.total), float(mean.weight)) == (4.0, 6.0)


def test_what_weighs_nothing_adds_nothing_and_alone_is_zero():
    nothing = Mean.of(jnp.array(7.0), 0.0)
    assert float(nothing.value) == 0
    assert float((nothing + Mean.of(jnp.array(3.0))).value) == 3
    assert float(jax.grad(lambda x: Mean.of(x, 0.0).value)(7.0)) == 0


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_precision_is_summed_in_single(dtype):
    mean = Mean.of(jnp.ones(4096, dtype))
    assert mean.total.dtype == jnp.float32
    assert float(mean.total) == 4096


def test_kernels_and_embeddings_are_weights_and_biases_and_scales_are_not():
    params = {
        "dense": {"kernel": np.ones((2, 3)), "bias": np.ones(3)},
        "norm": {"scale": np.ones(3)},
        "stacked": {"bias": np.ones((4, 3))},
    }
    found = [path_name(path) for path, leaf in jax.tree_util.tree_flatten_with_path(params)[0] if is_weight(path, leaf)]
    assert found == ["dense/kernel"]
