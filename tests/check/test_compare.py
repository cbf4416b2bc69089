"""Laws of the judgement, on values and gradients made by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.compare import compare
from jaxdl.check.differences import flatten

COEFFICIENTS = np.random.default_rng(0).normal(size=(3, 6))  # of 3 examples, each a parabola in 6 parameters


def judge(gradients, summed, **settings):
    settings = {"epsilon": 1e-5, "sample": None, "seed": 0, "tolerance": 1e-7} | settings
    with jax.enable_x64():
        flat = flatten({"a": np.ones((2, 2)), "b": np.arange(2.0)})
        return compare(lambda theta: COEFFICIENTS @ theta**2, gradients, flat, summed, **settings)


def right(theta):
    return 2 * COEFFICIENTS * theta


def right_sum(theta):
    return right(theta).sum(0)


def test_right_gradients_and_their_right_sum_pass():
    assert judge(right, right_sum).ok


def test_examples_that_do_not_sum_to_the_gradient_of_the_batch_fail_although_each_is_right():
    report = judge(right, lambda theta: right_sum(theta).at[1].multiply(1.001))
    assert report.difference < 1e-9
    assert [leaf.path for leaf in report.leaves if not leaf.ok] == ["a"]
    assert report.leaves[0].sum_difference > 1e-6
    assert report.leaves[1].sum_difference < 1e-15


def test_the_worst_example_and_coordinate_are_named_with_g_and_its_difference():
    report = judge(lambda theta: right(theta).at[2, 3].add(0.25), lambda theta: right_sum(theta).at[3].add(0.25))
    worst = report.leaves[0]
    assert (worst.path, worst.example, worst.index) == ("a", 2, (1, 1))
    assert worst.numeric == pytest.approx(2 * COEFFICIENTS[2, 3])
    assert worst.analytic == pytest.approx(worst.numeric + 0.25)


def test_the_difference_is_the_distance_over_the_sum_of_the_norms():
    report = judge(lambda theta: 3 * right(theta), lambda theta: 3 * right_sum(theta))
    assert report.difference == pytest.approx(2 / 4)
    assert all(leaf.difference == pytest.approx(2 / 4) for leaf in report.leaves)


@pytest.mark.parametrize(("tolerance", "ok"), [(1e-4, False), (1e-3, True)])
def test_the_tolerance_draws_the_line(tolerance, ok):
    assert (
        judge(lambda theta: 1.001 * right(theta), lambda theta: 1.001 * right_sum(theta), tolerance=tolerance).ok is ok
    )


def test_an_infinite_gradient_is_the_worst_of_all():
    report = judge(lambda theta: right(theta).at[0, 5].set(jnp.inf).at[1, 0].add(1.0), right_sum)
    assert [leaf.path for leaf in report.leaves] == ["b", "a"]
    assert (report.leaves[0].index, report.leaves[0].example) == ((1,), 0)
    assert not report.ok
