"""Batch normalisation over named axes, and local response normalisation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.errors import InputError
from jaxdl.layers.normalization import (
    BatchNorm,
    batch_moments,
    batch_normalize,
    local_response_normalization,
    normalize,
)


def over(function, *args, devices=1):
    """The function of one example, mapped over "batch", and the batch over "data"."""
    split = [x.reshape(devices, -1, *x.shape[1:]) for x in args]
    mapped = jax.vmap(jax.vmap(function, axis_name="batch"), axis_name="data")(*split)
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), mapped)


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_moments_are_numpy_s_over_the_real_examples_however_they_are_spread(devices):
    random = np.random.default_rng(0)
    x, mask = random.normal(2, 3, size=(8, 5, 5, 3)), np.array([1, 1, 0, 1, 0, 0, 0, 1.0])
    with jax.enable_x64():
        mean, variance = over(batch_moments, jnp.asarray(x), jnp.asarray(mask), devices=devices)
    real = x[mask == 1]
    np.testing.assert_allclose(mean, np.tile(real.mean((0, 1, 2)), (8, 1)), rtol=1e-12)
    np.testing.assert_allclose(variance, np.tile(real.var((0, 1, 2)), (8, 1)), rtol=1e-12)


def test_gamma_sqrt_variance_and_beta_mean_is_the_identity():
    x = jax.random.normal(jax.random.key(0), (4, 4, 3))
    mean, variance = jnp.array([1.0, -2.0, 0.5]), jnp.array([4.0, 0.1, 9.0])
    np.testing.assert_allclose(normalize(x, mean, variance, jnp.sqrt(variance + 1e-5), mean), x, atol=1e-5)


PLAIN = BatchNorm()


def apply(x, mask, train, variables=None, layer=PLAIN):
    variables = variables or layer.init(jax.random.key(0), x[0], mask[0], False)
    return over(lambda x, mask: layer.apply(variables, x, mask, train, mutable=["batch_stats"]), x, mask)


def running(layer, x, mask):
    """The statistics after each batch of x, one layer and one set of variables all along."""
    variables = layer.init(jax.random.key(0), x[0, 0], mask[0, 0], False)
    for batch, real in zip(x, mask, strict=True):
        _, new = apply(batch, real, True, variables, layer)
        variables = variables | jax.tree.map(lambda leaf: leaf[0], new)
        yield variables["batch_stats"]


def test_in_training_the_output_is_standardised_and_the_running_moments_move_by_a_tenth():
    x = jax.random.normal(jax.random.key(0), (16, 4, 4, 2)) * 3 + 5
    y, new = apply(x, jnp.ones(16), True)
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std((0, 1, 2)), 1, atol=1e-4)
    np.testing.assert_allclose(new["batch_stats"]["mean"][0], 0.1 * x.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(new["batch_stats"]["variance"][0], 0.9 + 0.1 * x.var((0, 1, 2)), rtol=1e-5)


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("momentum", [0.9, 0.5])
def test_the_running_moments_are_numpy_s_loop_over_the_real_examples(corrected, momentum):
    """r ← momentum·r + (1−momentum)·batch: from mean 0 and variance 1, or from 0 and divided by 1 − momentumᵗ."""
    random = np.random.default_rng(0)
    x = random.normal(3, 2, size=(5, 8, 4, 2)).astype(np.float32)
    mask = (random.uniform(size=(5, 8)) < 0.7).astype(np.float32)
    mean, variance = np.zeros(2), np.zeros(2) if corrected else np.ones(2)
    layer = BatchNorm(momentum, corrected=corrected)
    for t, ours in enumerate(running(layer, jnp.asarray(x), jnp.asarray(mask)), start=1):
        real = x[t - 1][mask[t - 1] == 1]
        mean = momentum * mean + (1 - momentum) * real.mean((0, 1))
        variance = momentum * variance + (1 - momentum) * real.var((0, 1))
        scale = 1 - momentum**t if corrected else 1
        np.testing.assert_allclose(ours["mean"], mean / scale, rtol=1e-5)
        np.testing.assert_allclose(ours["variance"], variance / scale, rtol=1e-5)


@pytest.mark.parametrize("momentum", [0.5, 0.999])
def test_after_one_step_the_corrected_moments_are_the_batch_s(momentum):
    x = jax.random.normal(jax.random.key(0), (1, 8, 3)) * 20 + 50
    (stats,) = running(BatchNorm(momentum, corrected=True), x, jnp.ones((1, 8)))
    np.testing.assert_allclose(stats["mean"], x[0].mean(0), rtol=1e-6)
    np.testing.assert_allclose(stats["variance"], x[0].var(0), rtol=1e-5)
    assert int(stats["steps"]) == 1


def test_before_any_step_evaluation_leaves_the_input_alone_under_both_averages():
    x, mask = jnp.arange(6.0).reshape(2, 3), jnp.ones(2)
    for corrected in (False, True):
        y, _ = apply(x, mask, False, layer=BatchNorm(epsilon=0.0, corrected=corrected))
        np.testing.assert_allclose(y, x, rtol=1e-6)


def test_a_checkpoint_holds_a_step_count_only_for_the_corrected_average():
    leaves = {
        c: BatchNorm(corrected=c).init(jax.random.key(0), jnp.ones(3), jnp.ones(()), False) for c in (False, True)
    }
    assert set(leaves[False]["batch_stats"]) == {"mean", "variance"}
    assert set(leaves[True]["batch_stats"]) == {"mean", "variance", "steps"}


def test_masked_examples_change_nothing():
    x, mask = jax.random.normal(jax.random.key(0), (6, 4, 2)), jnp.array([1.0, 1, 0, 1, 0, 1])
    spoilt = jnp.where(mask[:, None, None] == 1, x, 1e6)
    (y, new), (z, also) = apply(x, mask, True), apply(spoilt, mask, True)
    np.testing.assert_allclose(z[mask == 1], y[mask == 1], rtol=1e-6)
    np.testing.assert_array_equal(also["batch_stats"]["variance"], new["batch_stats"]["variance"])


def test_in_evaluation_an_example_is_judged_alone_by_the_running_moments():
    x = jax.random.normal(jax.random.key(0), (4, 3))
    variables = {
        "params": {"scale": jnp.array([1.0, 2.0, 3.0]), "bias": jnp.array([0.0, 1.0, 0.0])},
        "batch_stats": {"mean": jnp.array([1.0, 0.0, -1.0]), "variance": jnp.array([4.0, 1.0, 0.25])},
    }
    y, _ = apply(x, jnp.ones(4), False, variables)
    expected = np.array([1, 2, 3]) * (x - np.array([1, 0, -1])) / np.sqrt(np.array([4, 1, 0.25]) + 1e-5) + np.array(
        [0, 1, 0]
    )
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    np.testing.assert_array_equal(BatchNorm().apply(variables, x[0], jnp.float32(1), False), y[0])


def test_its_gradient_runs_through_the_moments():
    with jax.enable_x64():
        x = jax.random.normal(jax.random.key(0), (4, 3))

        def output(x):
            def one(x, mask):
                return normalize(x, *batch_moments(x, mask), jnp.ones(3), jnp.zeros(3))

            return over(one, jnp.asarray(x), jnp.array([1.0, 1.0, 0.0, 1.0]))

        check_grads(output, (x,), order=2)


@pytest.mark.parametrize("devices", [1, 2])
def test_the_backward_pass_written_out_is_what_autodiff_makes_of_the_formulas(devices):
    """Of x, γ and β, with masked examples, in float64."""
    random = np.random.default_rng(0)
    with jax.enable_x64():
        x, weights = jnp.asarray(random.normal(3, 2, (2, 8, 4, 3)))
        mask = jnp.array([1, 1, 0, 1, 0, 1, 1, 1.0])
        scale, bias = jnp.asarray(random.normal(1, 0.5, (2, 3)))

        def gradients(function):
            def total(x, scale, bias):
                return (weights * over(lambda x, m: function(x, m, scale, bias), x, mask, devices=devices)).sum()

            return jax.grad(total, (0, 1, 2))(x, scale, bias)

        by_hand = gradients(lambda x, mask, scale, bias: batch_normalize(x, mask, scale, bias)[0])
        by_autodiff = gradients(lambda x, mask, *affine: normalize(x, *batch_moments(x, mask), *affine))
        for ours, expected in zip(by_hand, by_autodiff, strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-12)


def test_bfloat16_is_normalised_in_float32_and_given_back_in_bfloat16():
    x = (jnp.arange(512, dtype=jnp.float32).reshape(512, 1) / 512 + 100).astype(jnp.bfloat16)
    y, new = apply(x, jnp.ones(512), True)
    assert y.dtype == jnp.bfloat16
    stats, exact = new["batch_stats"], np.asarray(x, np.float64)
    assert stats["mean"].dtype == jnp.float32
    np.testing.assert_allclose(stats["mean"][0], 0.1 * exact.mean(), rtol=1e-6)
    np.testing.assert_allclose(stats["variance"][0], 0.9 + 0.1 * exact.var(), rtol=1e-6)
    np.testing.assert_allclose(np.asarray(y, np.float64).std(), 1, rtol=1e-3)
    still, _ = apply(x, jnp.ones(512), False)
    assert still.dtype == jnp.bfloat16
    np.testing.assert_array_equal(still, x)  # of moments 0 and 1


@pytest.mark.parametrize("corrected", [False, True])
def test_a_batch_that_weighs_nothing_gives_finite_numbers_and_moves_no_running_moment(corrected):
    layer = BatchNorm(corrected=corrected)
    x, mask = jax.random.normal(jax.random.key(0), (3, 8, 2)), jnp.array([[1.0] * 8, [0.0] * 8, [1.0] * 8])
    seen = list(running(layer, x[:2], mask[:2]))
    jax.tree.map(np.testing.assert_array_equal, seen[1], seen[0])
    (with_it, without) = (list(running(layer, x[rows], mask[rows]))[-1] for rows in (np.arange(3), np.array([0, 2])))
    jax.tree.map(np.testing.assert_array_equal, with_it, without)

    def total(x):
        return apply(x, mask[1], True, layer=layer)[0].sum()

    value, slope = jax.value_and_grad(total)(x[1])
    assert jnp.isfinite(value)
    assert jnp.isfinite(slope).all()


def test_epsilon_counts_in_training_and_in_evaluation_and_is_the_layer_s():
    """Of ±1 the mean is 0 and the variance 1: with ε = 3 all is halved."""
    x = jnp.array([[1.0], [-1.0]])
    for train in (True, False):
        y, _ = apply(x, jnp.ones(2), train, layer=BatchNorm(epsilon=3.0))
        np.testing.assert_allclose(y, x / 2, rtol=1e-6)


def test_a_local_response_is_divided_by_what_its_neighbours_do_worked_by_hand():
    """size 3, k 1, α 1, β ½; the ends have one neighbour: 1/√(1+1+4), 2/√(1+1+4+9), 3/√(1+4+9)."""
    y = local_response_normalization(jnp.array([1.0, 2.0, 3.0]), size=3, k=1.0, alpha=1.0, beta=0.5)
    np.testing.assert_allclose(y, np.array([1, 2, 3]) / np.sqrt([6, 15, 14]), rtol=1e-6)


def test_a_lone_response_is_divided_by_the_paper_s_constants():
    """100 / (2 + 10⁻⁴ · 100²)^¾, for k = 2, α = 10⁻⁴, β = ¾."""
    x = jnp.zeros((2, 7)).at[0, 3].set(100.0)
    y = local_response_normalization(x)
    np.testing.assert_allclose(y, np.zeros((2, 7)) + 100 / 3**0.75 * (x > 0), rtol=1e-6)


def test_a_channel_three_places_away_is_not_heard_and_one_two_places_away_is():
    x = jnp.ones(9).at[4].set(1e3)
    y = local_response_normalization(x)
    heard = np.abs(y - local_response_normalization(jnp.ones(9))) > 1e-3
    np.testing.assert_array_equal(np.flatnonzero(heard), [2, 3, 4, 5, 6])


def test_the_gradient_of_local_response_normalisation_is_the_numerical_one():
    with jax.enable_x64():
        x = jax.random.normal(jax.random.key(0), (2, 6))
        check_grads(lambda x: local_response_normalization(jnp.asarray(x), alpha=0.5), (x,), order=2)


@pytest.mark.parametrize("size", [0, 4])
def test_a_neighbourhood_without_a_centre_is_refused(size):
    with pytest.raises(InputError, match=f"size = {size}: expected an odd number"):
        local_response_normalization(jnp.ones(6), size=size)
