"""L1 and L2 penalties: what they count, what they do to a least-squares fit, how they enter a mean."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_gradients
from jaxdl.errors import InputError
from jaxdl.losses import regression, regularization
from jaxdl.losses.regularization import penalized
from jaxdl.typing import Mean

PARAMS = {
    "Dense_0": {"kernel": jnp.array([[1.0, -2.0], [3.0, 0.0]]), "bias": jnp.array([100.0, 100.0])},
    "Conv_0": {"kernel": jnp.full((1, 1, 2, 1), -0.5), "bias": jnp.array([100.0])},
    "BatchNorm_0": {"scale": jnp.array([100.0]), "bias": jnp.array([100.0])},
}


def test_only_kernels_and_matrices_are_counted():
    np.testing.assert_allclose(regularization.l2(PARAMS), (1 + 4 + 9 + 2 * 0.25) / 2)
    np.testing.assert_allclose(regularization.l1(PARAMS), 1 + 2 + 3 + 2 * 0.5)
    assert float(regularization.l2({"bias": jnp.ones(3)})) == 0


@pytest.mark.parametrize(("penalty", "of"), [(regularization.l2, lambda w: w), (regularization.l1, jnp.sign)])
def test_the_gradient_is_w_or_its_sign_and_nothing_for_the_rest(penalty, of):
    gradient = jax.grad(penalty)(PARAMS)
    for layer, leaves in PARAMS.items():
        for name, leaf in leaves.items():
            expected = of(leaf) if name == "kernel" else jnp.zeros_like(leaf)
            np.testing.assert_array_equal(gradient[layer][name], expected)


def test_the_penalised_objective_passes_the_gradient_check():
    def objective(params):
        output = jnp.tanh(jnp.array([0.3, -0.7]) @ params["kernel"] + params["bias"])
        cost = Mean(regression.l2(output, jnp.array([1.0, -1.0])), jnp.float32(1))
        return penalized(cost, regularization.l2(params), 0.7).value

    params = {"kernel": jnp.array([[1.0, -2.0], [3.0, 0.5]]), "bias": jnp.array([0.1, -0.2])}
    assert check_gradients(objective, params).ok


def least_squares(x, y, penalty, strength):
    """w -> 1/m Σ (xᵢ·w − yᵢ)² + strength·penalty(w), each example weighed 1 and one more masked out."""
    x, y, mask = jnp.vstack([x, jnp.full(x.shape[1], 1e3)]), jnp.append(y, -7.0), jnp.append(jnp.ones(len(x)), 0.0)

    def objective(w):
        def loss(x, y, mask):
            cost = Mean.of(regression.l2(x @ w, y[None]), mask)
            return penalized(cost, penalty({"kernel": w}), strength)

        costs = jax.vmap(loss)(x, y, mask)
        return Mean(costs.total.sum(), costs.weight.sum()).value

    return objective


def test_ridge_regression_is_least_at_the_closed_form():
    """∇ = 2/m Xᵀ(Xw − y) + λw = 0 at w = (XᵀX + λm/2·I)⁻¹Xᵀy."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(20, 3)), random.normal(size=20)
    with jax.enable_x64():
        objective = least_squares(jnp.asarray(x), jnp.asarray(y), regularization.l2, 0.6)
        best = np.linalg.solve(x.T @ x + 0.6 * 20 / 2 * np.eye(3), x.T @ y)[:, None]
        np.testing.assert_allclose(jax.grad(objective)(jnp.asarray(best)), 0, atol=1e-12)
        assert np.linalg.norm(jax.grad(objective)(jnp.asarray(1.01 * best))) > 1e-3


def test_lasso_on_orthonormal_columns_is_least_at_the_soft_threshold_and_sparse():
    """With XᵀX = m·I and u = Xᵀy/m the best w is sign(u)·max(|u| − λ/2, 0)."""
    random = np.random.default_rng(0)
    x = np.linalg.qr(random.normal(size=(20, 4)))[0] * np.sqrt(20)
    u = np.array([1.0, -0.6, 0.2, -0.05])
    best = np.sign(u) * np.maximum(abs(u) - 0.25, 0)
    assert (best == 0).sum() == 2
    with jax.enable_x64():
        objective = jax.jit(least_squares(jnp.asarray(x), jnp.asarray(x @ u), regularization.l1, 0.5))
        least = float(objective(jnp.asarray(best)[:, None]))
        away = [objective(jnp.asarray(best + 0.01 * random.normal(size=4))[:, None]) for _ in range(50)]
    assert least < min(map(float, away))


def test_the_penalty_counts_once_however_the_batch_is_weighed():
    """J = 1/Σw Σ wᵢ lᵢ + λs, for any weights, here 1, 3 and 0."""
    penalty = jnp.float32(3)
    costs = [penalized(Mean.of(jnp.float32(loss), w), penalty, 0.5) for loss, w in ((1.0, 1.0), (4.0, 3.0), (9.0, 0.0))]
    np.testing.assert_allclose(sum(costs, start=Mean(0.0, 0.0)).value, (1 + 12) / 4 + 1.5, rtol=1e-6)


def test_no_strength_changes_nothing_and_a_traced_one_works():
    cost = Mean(jnp.float32(2), jnp.float32(1))
    assert float(penalized(cost, jnp.float32(1e6), 0.0).value) == 2
    values = jax.vmap(lambda strength: penalized(cost, jnp.float32(10), strength).value)(jnp.array([0.0, 0.1, 1.0]))
    np.testing.assert_allclose(values, [2, 3, 12], rtol=1e-6)


@pytest.mark.parametrize("strength", [-0.1, -1, float("nan")])
def test_a_negative_strength_is_refused(strength):
    with pytest.raises(InputError, match=r"penalty strength .*: expected 0 or more"):
        penalized(Mean(jnp.float32(2), jnp.float32(1)), jnp.float32(1), strength)
