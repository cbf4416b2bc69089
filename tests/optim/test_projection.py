"""Projected gradient descent stays in its box and finds the best point of it."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdl.errors import InputError
from jaxdl.optim.projection import within


def test_it_ends_at_the_point_of_the_box_that_is_nearest_to_the_minimum():
    target, w = jnp.array([-2.0, 0.25, 3.0]), jnp.array([0.5, 0.5, 0.5])
    optimizer = optax.chain(optax.sgd(0.3), within(0.0, 1.0))
    state = optimizer.init(w)
    for _ in range(30):
        updates, state = optimizer.update(jax.grad(lambda w: ((w - target) ** 2).sum())(w), state, w)
        w = optax.apply_updates(w, updates)
        assert w.min() >= 0
        assert w.max() <= 1
    np.testing.assert_allclose(w, [0.0, 0.25, 1.0], atol=1e-6)


def test_a_step_that_stays_inside_is_left_alone():
    project = within(-1.0, 1.0)
    w, u = {"a": jnp.array([0.0, 0.5])}, {"a": jnp.array([-0.5, 0.25])}
    updates, _ = project.update(u, project.init(w), w)
    np.testing.assert_array_equal(updates["a"], u["a"])


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.7), (-3.0, 0.01), (0.0, 0.9), (0.0, 1.0)])
@pytest.mark.parametrize("far", [1.0, 1000.0])
def test_no_rounding_leads_out_of_the_box(low, high, far):
    random = np.random.default_rng(0)
    w, u = (jnp.asarray(far * random.normal(size=100_000), jnp.float32) for _ in range(2))
    w = w if far > 1 else jnp.clip(w, low, high)
    updates, _ = within(low, high).update(u, optax.EmptyState(), w)
    after = optax.apply_updates(w, updates)
    assert after.min() >= jnp.float32(low)
    assert after.max() <= jnp.float32(high)
    np.testing.assert_allclose(after, jnp.clip(w + u, low, high), atol=1e-6 * far)


def test_a_box_upside_down_is_refused():
    with pytest.raises(InputError, match="lower bound first"):
        within(1.0, 0.0)
