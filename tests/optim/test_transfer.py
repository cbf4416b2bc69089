"""Frozen parameters stand still, others move by their factor of the rate, and a pattern must mean something."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdl.errors import InputError
from jaxdl.optim.chain import Chain
from jaxdl.optim.transfer import matching, scaled_by_path


def params():
    return {name: {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)} for name in ("conv1", "conv2", "output")}


def moved(optimizer, gradient=2.0, steps=1):
    """How far each parameter has gone after some steps of the same gradient."""
    at = params()
    state = optimizer.init(at)
    gradients = {name: {leaf: jnp.full(x.shape, gradient) for leaf, x in layer.items()} for name, layer in at.items()}
    for _ in range(steps):
        updates, state = optimizer.update(gradients, state, at)
        at = optax.apply_updates(at, updates)
    return {f"{name}/{leaf}": np.asarray(1 - x) for name, layer in at.items() for leaf, x in layer.items()}


def test_a_factor_is_one_of_the_learning_rate():
    for path, distance in moved(optax.chain(optax.sgd(0.1), scaled_by_path({"conv*": 0.5}))).items():
        np.testing.assert_allclose(distance, 0.2 if path.startswith("output") else 0.1, rtol=1e-6, err_msg=path)


def test_what_is_frozen_stays_bit_for_bit_under_adam_with_weight_decay():
    chain = Chain("adamw", learning_rate=0.1, weight_decay=0.5).build(5, 5)
    distance = moved(optax.chain(chain, scaled_by_path({"conv1/*": 0.0})), steps=5)
    assert not distance["conv1/kernel"].any()
    assert not distance["conv1/bias"].any()
    assert all(np.abs(distance[path]).min() > 0.1 for path in distance if not path.startswith("conv1"))


def test_what_is_frozen_does_not_see_a_gradient_that_is_not_finite():
    distance = moved(optax.chain(optax.sgd(0.1), scaled_by_path({"*": 0.0})), gradient=np.nan)
    assert not any(values.any() for values in distance.values())


def test_of_several_patterns_the_first_that_matches_counts():
    factors = {"conv1/bias": 3.0, "conv1/*": 0.5, "*": 2.0}
    distance = moved(optax.chain(optax.sgd(0.5), scaled_by_path(factors)), gradient=1.0)
    found = {path: float(values.flat[0]) for path, values in distance.items()}
    assert found["conv1/bias"] == 1.5
    assert found["conv1/kernel"] == 0.25
    assert found["output/bias"] == found["conv2/kernel"] == 1.0


def test_a_pattern_that_nothing_matches_is_an_error_that_names_close_ones():
    with pytest.raises(InputError, match=r"'conv3/\*': expected something like .*conv[12]/\*"):
        scaled_by_path({"conv3/*": 0.0}).init(params())


def test_where_no_name_is_close_some_of_them_are_named():
    with pytest.raises(InputError, match=r"conv1/\*, conv2/\*"):
        matching("###", ["conv1/kernel", "conv2/kernel"])


@pytest.mark.parametrize("factor", [-0.1, float("nan"), float("inf")])
def test_a_factor_is_a_number_of_at_least_0(factor):
    with pytest.raises(InputError, match="expected a finite number ≥ 0"):
        scaled_by_path({"*": factor})
