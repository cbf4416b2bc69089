"""Triplets, pairs and what is mined from a batch, against loops in NumPy and on several devices."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.test_util import check_grads

from jaxdl.errors import InputError
from jaxdl.losses.metric_learning import (
    absolute_difference,
    batch_pairs,
    batch_triplet,
    chi_squared,
    contrastive,
    squared_distance,
    triplet,
)
from jaxdl.train import state as states
from jaxdl.train import step as steps
from jaxdl.train.parallel import Runner
from jaxdl.train.sharding import make_mesh
from jaxdl.typing import Mean

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(12, 3))
LABELS = np.array([0, 1, 0, 2, 1, 0, 1, 0, 3, 1, 0, 2], np.int32)  # 3 stands alone
MASK = np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0], np.float32)  # so does 2, but for padding
W = RANDOM.normal(size=(3, 2))


@pytest.mark.parametrize(("margin", "loss"), [(0.2, 0.0), (3.0, 0.0), (4.0, 1.0)])
def test_a_triplet_worked_by_hand(margin, loss):
    """‖A − P‖² = 1, ‖A − N‖² = 4: no cost while the margin is 3 or less."""
    a, p, n = jnp.array([0.0, 0.0]), jnp.array([1.0, 0.0]), jnp.array([0.0, 2.0])
    assert float(triplet(a, p, n, margin)) == loss


def test_a_triplet_pulls_the_positive_and_pushes_the_negative():
    """∂L/∂P = −2 (A − P), ∂L/∂N = 2 (A − N), ∂L/∂A = 2 (N − P)."""
    a, p, n = map(jnp.array, ([0.0, 0.0], [1.0, 0.0], [0.0, 1.0]))
    of_a, of_p, of_n = jax.grad(triplet, (0, 1, 2))(a, p, n)
    np.testing.assert_allclose((of_a, of_p, of_n), ([-2, 2], [2, 0], [0, -2]))


def test_a_pair_worked_by_hand():
    u, v = jnp.array([0.0, 0.0]), jnp.array([0.3, 0.4])  # .5 apart
    np.testing.assert_allclose(contrastive(u, v, jnp.array(True), 2.0), 0.125)
    np.testing.assert_allclose(contrastive(u, v, jnp.array(False), 2.0), 1.125)
    np.testing.assert_allclose(contrastive(u, v, jnp.array(False), 0.4), 0.0)


@pytest.mark.parametrize("same", [True, False])
def test_a_pair_at_the_same_place_has_a_gradient_of_zero_and_not_nan(same):
    u = jnp.array([0.3, -0.4])
    np.testing.assert_array_equal(jax.grad(contrastive)(u, u, jnp.array(same)), [0, 0])


def test_chi_squared_worked_by_hand_and_between_zero_and_the_absolute_difference():
    u, v = jnp.array([0.0, 0.0, 1.0, 3.0]), jnp.array([0.0, 2.0, 3.0, 3.0])
    np.testing.assert_allclose(chi_squared(u, v), [0, 2, 1, 0], rtol=1e-5)
    f, g = jnp.asarray(np.abs(X)), jnp.asarray(np.abs(X[::-1].copy()))
    assert (chi_squared(f, g) <= absolute_difference(f, g)).all()
    np.testing.assert_array_equal(chi_squared(f, g), chi_squared(g, f))


def test_chi_squared_of_features_that_are_all_off_has_a_gradient_of_zero():
    gradient = jax.grad(lambda u: chi_squared(u, jnp.zeros(3)).sum())(jnp.zeros(3))
    np.testing.assert_array_equal(gradient, np.zeros(3))


def test_the_gradients_are_right_in_float64():
    with jax.enable_x64():
        u, v, w = map(jnp.asarray, np.abs(X[:3]))
        check_grads(lambda *of: triplet(*map(jnp.asarray, of), 50.0), (u, v, w), order=1)
        check_grads(lambda *of: contrastive(*map(jnp.asarray, of), jnp.array(False), 50.0), (u, v), order=1)
        check_grads(lambda *of: chi_squared(*map(jnp.asarray, of)).sum(), (u, v), order=1)
        check_grads(lambda *of: absolute_difference(*map(jnp.asarray, of)).sum(), (u, v), order=1)


def test_distances_are_counted_in_float32_where_embeddings_are_not():
    u = jnp.full(1024, 1.0, jnp.bfloat16)
    assert float(squared_distance(u, jnp.zeros_like(u))) == 1024
    assert squared_distance(u, u).dtype == jnp.float32


def by_loop(w, picked):
    """The mean over real anchors of the mean over what `picked` makes of (distance, positives, negatives)."""
    f, costs = X @ w, []
    for a in np.flatnonzero(MASK):
        others = [i for i in range(len(X)) if MASK[i] and i != a]
        distance = {i: ((f[a] - f[i]) ** 2).sum() for i in others}
        positive = [i for i in others if LABELS[i] == LABELS[a]]
        negative = [i for i in others if LABELS[i] != LABELS[a]]
        costs.append(picked(distance, positive, negative))
    return np.mean(costs)


def mined(mining, margin):
    """What by_loop makes of one anchor, for a mining."""

    def picked(distance, positive, negative):
        found = [(p, n) for p in positive for n in negative]
        if mining == "hard" and positive:
            found = [(max(positive, key=distance.get), min(negative, key=distance.get))]
        if mining == "semi-hard":
            found = []
            for p in positive:
                further = [n for n in negative if distance[n] > distance[p]]
                found.append((p, min(further, key=distance.get) if further else max(negative, key=distance.get)))
        costs = [max(distance[p] - distance[n] + margin, 0) for p, n in found]
        return np.mean(costs) if costs else 0.0

    return picked


def paired(distance, positive, negative):
    """What by_loop makes of one anchor by the contrastive loss with margin 1."""
    same = [distance[i] / 2 for i in positive]
    different = [max(1 - np.sqrt(distance[i]), 0) ** 2 / 2 for i in negative]
    return sum(np.mean(side) for side in (same, different) if side) / 2


def in_a_step(of_anchor, kind, devices):
    """(cost, gradient of W) of the cost of an anchor, by the step that trains, in float64."""

    def loss(params, model_state, example, key):
        return Mean.of(of_anchor(example["x"] @ params["w"], example), example["mask"]), (model_state, {})

    optimizer = optax.sgd(1.0)
    state = states.create(lambda key: ({"w": jnp.asarray(W)}, {}), optimizer, jax.random.key(0))
    batch = {"x": X, "label": LABELS, "mask": MASK, "row": np.arange(len(X), dtype=np.int32)}
    step = Runner(make_mesh(f"data={devices}"), kind).bind(steps.make_step(loss, optimizer))
    after, metrics = step(state, batch)
    return float(metrics.vector[0] / metrics.vector[1]), W - np.asarray(after.params["w"])


def slope(function, w, epsilon=1e-5):
    """∂ function / ∂ w by central differences."""
    found = np.zeros_like(w)
    for place in np.ndindex(w.shape):
        nudge = np.zeros_like(w)
        nudge[place] = epsilon
        found[place] = (function(w + nudge) - function(w - nudge)) / (2 * epsilon)
    return found


LAYOUTS = [("jit", 1), ("jit", 2), ("pmap", 2)]


@pytest.mark.parametrize(("kind", "devices"), LAYOUTS)
@pytest.mark.parametrize("mining", ["all", "hard", "semi-hard"])
def test_mining_on_any_layout_is_a_loop_over_the_global_batch(mining, kind, devices):
    def of_anchor(embedding, example):
        return batch_triplet(embedding, example["label"], example["mask"], 1.0, mining)

    expected = by_loop(W, mined(mining, 1.0))
    assert expected > 0.1
    with jax.enable_x64():
        cost, gradient = in_a_step(of_anchor, kind, devices)
    np.testing.assert_allclose(cost, expected, rtol=1e-10)
    np.testing.assert_allclose(gradient, slope(lambda w: by_loop(w, mined(mining, 1.0)), W), rtol=1e-6, atol=1e-8)


def test_a_negative_as_far_off_as_the_positive_is_not_semi_hard():
    """From 0: the positive at 1, a negative at −1, which is no further, and one at 1.5."""
    embedding, labels = jnp.array([[0.0], [1.0], [-1.0], [1.5]]), np.array([0, 0, 1, 1], np.int32)
    cost = of_batch(lambda f, label: batch_triplet(f, label, jnp.ones(()), 2.0), embedding, labels)
    assert float(cost.ravel()[0]) == 1 - 1.5**2 + 2


@pytest.mark.parametrize(("kind", "devices"), LAYOUTS)
def test_pairs_on_any_layout_are_a_loop_over_the_global_batch(kind, devices):
    def of_anchor(embedding, example):
        return batch_pairs(embedding, example["label"], example["mask"], contrastive)

    with jax.enable_x64():
        cost, gradient = in_a_step(of_anchor, kind, devices)
    np.testing.assert_allclose(cost, by_loop(W, paired), rtol=1e-10)
    np.testing.assert_allclose(gradient, slope(lambda w: by_loop(w, paired), W), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("mining", ["all", "hard", "semi-hard"])
@pytest.mark.parametrize("labels", [np.zeros(4, np.int32), np.arange(4, dtype=np.int32)])
def test_a_batch_without_a_triplet_costs_nothing_and_moves_nothing(labels, mining):
    """Of one identity alone, or of four that occur once."""

    def cost(f):
        return of_batch(lambda f, label: batch_triplet(f, label, jnp.ones(()), 1.0, mining), f, labels).sum()

    value, gradient = jax.value_and_grad(cost)(jnp.asarray(X[:4], jnp.float32))
    assert value == 0
    np.testing.assert_array_equal(gradient, np.zeros((4, 3)))


def of_batch(of_anchor, *fields):
    """Of each row, with both axes bound."""
    rows = jax.vmap(of_anchor, axis_name="batch")
    return jax.vmap(rows, None, 0, axis_name="data", axis_size=1)(*map(jnp.asarray, fields))


def test_a_mining_that_is_none_names_the_closest():
    with pytest.raises(InputError, match="did you mean semi-hard"):
        of_batch(lambda f, label: batch_triplet(f, label, jnp.ones(()), 1.0, "semihard"), X, LABELS)
