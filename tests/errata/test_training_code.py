"""The notes' training code that gives a wrong verdict, cost or start, or fails, beside what is right."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.differences import numerical_gradient
from jaxdl.check.gradients import check_gradients
from jaxdl.losses.classification import cross_entropy
from jaxdl.typing import Mean

PARAMS = {"w": jnp.array([0.3, -1.2, 0.8])}
RIGHT = np.asarray(2 * PARAMS["w"])  # the gradient of `square`


def square(params):
    return (params["w"] ** 2).sum()


@jax.custom_vjp
def doubled(params):
    """`square`, whose gradient is taken to be twice what it is."""
    return square(params)


doubled.defvjp(lambda params: (square(params), params), lambda params, up: ({"w": up * 2 * 2 * params["w"]},))


def test_a_checker_that_never_computes_its_difference_accepts_a_doubled_gradient():
    def as_written(gradient, numeric):
        numerator = np.linalg.norm(gradient - numeric)  # noqa: F841
        denominator = np.linalg.norm(gradient) + np.linalg.norm(numeric)  # noqa: F841
        return difference <= 1e-7  # noqa: F821

    def made_to_run(gradient, numeric):
        difference = 0.0  # for numerator / denominator
        return difference <= 1e-7

    numeric = numerical_gradient(square, PARAMS)["w"]
    with pytest.raises(NameError, match="difference"):
        as_written(2 * RIGHT, numeric)
    assert made_to_run(2 * RIGHT, numeric)
    report = check_gradients(doubled, PARAMS)
    assert not report.ok
    assert "FAILED at w:" in str(report)
    np.testing.assert_allclose(report.difference, 1 / 3, rtol=1e-6)  # ‖2g − g‖ / (‖2g‖ + ‖g‖)
    assert check_gradients(square, PARAMS).ok


def test_a_checker_that_never_returns_its_difference_says_the_same_of_right_and_wrong():
    def as_written(gradient, numeric):
        numerator = np.linalg.norm(gradient - numeric)
        difference = numerator / (np.linalg.norm(gradient) + np.linalg.norm(numeric))  # noqa: F841

    numeric = numerical_gradient(square, PARAMS)["w"]
    assert [as_written(gradient, numeric) for gradient in (2 * RIGHT, RIGHT)] == [None, None]
    assert [check_gradients(f, PARAMS).ok for f in (doubled, square)] == [False, True]


@pytest.mark.parametrize("size", [1, 4, 10])
def test_the_epoch_s_cost_does_not_depend_on_the_batch_size(size):
    """Of ten examples; batches of four leave a short one. Sums are divided once, by all the examples."""
    rng = np.random.default_rng(0)
    logits, labels = jnp.asarray(rng.normal(size=(10, 2))), jnp.asarray(rng.integers(0, 2, 10))
    losses = jax.vmap(cross_entropy)(logits, labels)
    batches = [losses[start : start + size] for start in range(0, 10, size)]
    cost = sum((Mean.of(batch) for batch in batches), Mean(0.0, 0.0)).value
    divided_twice = sum(float(batch.mean()) for batch in batches) / 10
    of_each_alone = [-np.log(np.exp(z[y]) / np.exp(z).sum()) for z, y in zip(np.asarray(logits), labels, strict=True)]
    np.testing.assert_allclose(cost, np.mean(of_each_alone), rtol=1e-6)
    if size == 1:
        np.testing.assert_allclose(divided_twice, cost, rtol=1e-6)
    else:
        assert divided_twice < 0.5 * cost


def test_a_loop_needs_its_list_of_costs_and_its_parameters_before_the_first_step():
    def step(params):
        return jax.tree.map(lambda w, g: w - 0.1 * g, params, jax.grad(square)(params))

    def train_as_written():
        cost = square(params)  # noqa: F823
        params = step(params)
        return cost, params

    with pytest.raises(UnboundLocalError, match="params"):
        train_as_written()
    with pytest.raises(AttributeError, match="append"):
        {}.append(0.7)
    params, costs = PARAMS, []
    for _ in range(3):
        costs.append(float(square(params)))
        params = step(params)
    np.testing.assert_allclose(costs, costs[0] * 0.64 ** np.arange(3), rtol=1e-5)  # w ← 0.8 w


def test_uniform_weights_have_mean_one_half_and_leave_no_relu_unit_off():
    """Of inputs ≥ 0, as pixels are: with weights from rand every pre-activation is positive, so the layer is linear."""
    rng = np.random.default_rng(0)
    pixels = rng.random((50, 64))
    from_rand, from_randn = rng.random((64, 400)), rng.standard_normal((64, 400))
    np.testing.assert_allclose([from_rand.mean(), from_rand.std()], [0.5, 1 / np.sqrt(12)], atol=0.01)
    np.testing.assert_allclose([from_randn.mean(), from_randn.std()], [0.0, 1.0], atol=0.02)
    assert np.mean(pixels @ from_rand > 0) == 1
    assert 0.4 < np.mean(pixels @ from_randn > 0) < 0.6
    layer = np.maximum(pixels @ from_rand, 0)
    np.testing.assert_allclose(np.maximum((3 * pixels) @ from_rand, 0), 3 * layer)
    np.testing.assert_allclose(layer[:25] + layer[25:], np.maximum((pixels[:25] + pixels[25:]) @ from_rand, 0))
    bent = np.maximum(pixels @ from_randn, 0)
    assert not np.allclose(bent[:25] + bent[25:], np.maximum((pixels[:25] + pixels[25:]) @ from_randn, 0))
