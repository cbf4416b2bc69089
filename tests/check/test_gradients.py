"""Laws of the gradient checker on plain functions: right gradients pass, planted errors are found and named."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.check.gradients import check_examples, check_gradients
from jaxdl.errors import InputError

WIDTHS = (64, 32, 32, 10)


def mlp_params(seed=0, widths=WIDTHS):
    rng = np.random.default_rng(seed)
    return {
        f"layer_{i}": {
            "kernel": (rng.normal(size=(n, m)) / np.sqrt(n)).astype(np.float32),
            "bias": (0.1 * rng.normal(size=m)).astype(np.float32),
        }
        for i, (n, m) in enumerate(itertools.pairwise(widths))
    }


def mlp(params, x, activation=jnp.tanh):
    for layer in params.values():
        x = activation(x @ layer["kernel"] + layer["bias"])
    return x


def mlp_cost(params, activation=jnp.tanh):
    x = np.random.default_rng(1).normal(size=(5, params["layer_0"]["kernel"].shape[0])).astype(np.float32)
    return (mlp(params, x, activation) ** 2).sum()


def planted(wrong):
    """(w, number) -> w, with `wrong(gradient, number)` on the way back."""

    @jax.custom_vjp
    def identity(w, number):
        return w + 0.0 * number  # depends on the number, so that it is mapped where the number is

    identity.defvjp(lambda w, number: (w + 0.0 * number, number), lambda number, g: (wrong(g, number), None))
    return identity


def plant(params, layer, leaf, wrong, number=0):
    """The parameters, with a wrong gradient in one leaf."""
    return params | {layer: params[layer] | {leaf: planted(wrong)(params[layer][leaf], number)}}


def test_every_coordinate_of_a_tanh_network_passes_below_1e_9():
    report = check_gradients(mlp_cost, mlp_params())
    assert report.ok
    assert report.difference < 1e-9
    assert sum(leaf.checked for leaf in report.leaves) == 3466
    assert all(leaf.difference < 1e-8 for leaf in report.leaves)
    assert report.warnings == ()


def test_the_network_that_passes_here_passes_the_check_of_jax_too():
    with jax.enable_x64():
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), mlp_params(widths=(4, 3, 2)))
        check_grads(mlp_cost, (params,), order=1, atol=1e-6, rtol=1e-6)
    assert check_gradients(mlp_cost, params).ok


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda g, _: 1.001 * g, id="a thousandth too large"),
        pytest.param(lambda g, _: -g, id="sign flipped"),
        pytest.param(lambda g, _: g.T, id="transposed"),
        pytest.param(lambda g, _: g.at[:, 3].set(0.0), id="a column missing"),
        pytest.param(lambda g, _: 0 * g, id="not there"),
        pytest.param(lambda g, _: g + 1e-5, id="a constant too much"),
    ],
)
def test_a_wrong_gradient_in_one_leaf_is_found_and_only_that_leaf_is_named(wrong):
    report = check_gradients(lambda p: mlp_cost(plant(p, "layer_1", "kernel", wrong)), mlp_params(widths=(6, 5, 5, 3)))
    assert not report.ok
    assert [leaf.path for leaf in report.leaves if not leaf.ok] == ["layer_1/kernel"]
    assert report.leaves[0].path == "layer_1/kernel"
    assert "FAILED at layer_1/kernel" in str(report)


def test_a_thousandth_in_one_of_three_layers_shows_at_its_size():
    report = check_gradients(lambda p: mlp_cost(plant(p, "layer_1", "kernel", lambda g, _: 1.001 * g)), mlp_params())
    assert report.leaves[0].difference == pytest.approx(0.0005, rel=0.01)
    assert 1e-4 < report.difference < 5e-4


def test_a_single_wrong_coordinate_is_named_with_both_its_gradients():
    report = check_gradients(
        lambda p: mlp_cost(plant(p, "layer_1", "kernel", lambda g, _: g.at[4, 2].multiply(2.0))),
        mlp_params(widths=(6, 5, 5, 3)),
    )
    worst = report.leaves[0]
    assert (worst.path, worst.index, worst.ok) == ("layer_1/kernel", (4, 2), False)
    assert worst.analytic == pytest.approx(2 * worst.numeric, rel=1e-6)
    assert worst.analytic != 0
    assert "[4, 2]" in str(report)


def test_a_sample_takes_so_many_coordinates_of_each_leaf_or_all_of_a_smaller_one():
    report = check_gradients(mlp_cost, mlp_params(), sample=20)
    assert {leaf.path: leaf.checked for leaf in report.leaves} == {
        **{f"layer_{i}/kernel": 20 for i in range(3)},
        "layer_0/bias": 20,
        "layer_1/bias": 20,
        "layer_2/bias": 10,
    }


def test_a_sample_is_the_same_for_the_same_seed_and_another_for_another():
    def worst(seed):
        report = check_gradients(mlp_cost, mlp_params(), sample=5, seed=seed)
        return {leaf.path: leaf.analytic_norm for leaf in report.leaves}

    assert worst(0) == worst(0) != worst(1)


def test_a_sample_finds_a_wrong_leaf_too_and_names_an_index_of_it():
    report = check_gradients(
        lambda p: mlp_cost(plant(p, "layer_0", "kernel", lambda g, _: 1.001 * g)), mlp_params(), sample=10
    )
    assert [leaf.path for leaf in report.leaves if not leaf.ok] == ["layer_0/kernel"]
    assert all(0 <= place < size for place, size in zip(report.leaves[0].index, (64, 32), strict=True))


def test_a_leaf_that_the_function_does_not_use_passes_with_difference_0():
    params = {"used": jnp.ones(3), "unused": jnp.ones(2), "empty": jnp.ones((0, 2))}
    report = check_gradients(lambda p: (p["used"] ** 2).sum(), params)
    unused = next(leaf for leaf in report.leaves if leaf.path == "unused")
    assert report.ok
    assert (unused.difference, unused.analytic_norm, unused.numeric_norm) == (0.0, 0.0, 0.0)


def test_a_gradient_that_is_0_on_paper_passes_although_rounding_makes_the_differences_differ():
    def centred(params):
        z = jnp.arange(12.0).reshape(3, 4) * params["w"] + params["bias"]
        return 100 * (jnp.tanh(z - z.mean()) ** 2).sum()

    report = check_gradients(centred, {"w": jnp.array(0.3), "bias": jnp.array(0.7)})
    bias = next(leaf for leaf in report.leaves if leaf.path == "bias")
    assert bias.difference > 1e-3
    assert report.ok
    assert any("the gradient of bias is too small" in warning for warning in report.warnings)


def test_a_tiny_gradient_beside_a_large_value_still_fails_with_its_sign_flipped():
    def f(params, sign):
        return 10 + mlp_cost(params["net"]) + 2e-8 * planted(lambda g, _: sign * g)(params["faint"], 0).sum()

    params = {"net": mlp_params(widths=(4, 3, 2)), "faint": np.arange(1.0, 9.0)}
    assert check_gradients(lambda p: f(p, 1), params).ok
    assert [leaf.path for leaf in check_gradients(lambda p: f(p, -1), params).leaves if not leaf.ok] == ["faint"]


def test_a_wrong_gradient_in_a_relu_network_is_not_excused_as_kinks():
    def cost(p):
        return mlp_cost(plant(p, "layer_0", "kernel", lambda g, _: g.at[4, 4].multiply(1.0001)), jax.nn.relu)

    report = check_gradients(cost, mlp_params(widths=(6, 5, 5, 3)))
    assert [(leaf.path, leaf.index) for leaf in report.leaves if not leaf.ok] == [("layer_0/kernel", (4, 4))]
    assert report.kinks == ()


def test_a_nan_in_the_gradient_fails_and_its_leaf_is_named():
    def f(params):
        safe = jnp.where(params["x"] > 0, jnp.sqrt(params["x"]), 0.0)  # the guarded branch has an infinite slope at 0
        return safe.sum() + (params["w"] ** 2).sum()

    report = check_gradients(f, {"w": jnp.ones((2, 2)), "x": jnp.array([1.0, 0.0])})
    assert not report.ok
    assert [leaf.path for leaf in report.leaves if not leaf.ok] == ["x"]
    assert report.leaves[0].index == (1,)
    assert math.isnan(report.leaves[0].difference)


def test_a_nan_in_the_value_fails_every_leaf():
    report = check_gradients(lambda p: jnp.log(p["a"]) + p["b"], {"a": -1.0, "b": 1.0})
    assert not report.ok
    assert not any(leaf.ok for leaf in report.leaves)


def test_zero_weights_are_warned_of_whatever_the_biases_are():
    params = {"kernel": jnp.zeros((2, 2)), "bias": jnp.ones(2)}
    report = check_gradients(lambda p: jnp.sum(jnp.cosh(p["kernel"]) * p["bias"]), params)
    assert report.ok
    assert any("zero" in warning for warning in report.warnings)
    assert check_gradients(lambda p: jnp.sum(p**2), jnp.array([0.0, 1.0])).warnings == ()


def test_gradients_that_are_all_zero_are_warned_of_since_nothing_was_checked():
    report = check_gradients(lambda p: jax.nn.relu(p["w"]).sum(), {"w": -jnp.ones(3), "key": jax.random.key(0)})
    assert report.warnings == ("all gradients are 0: nothing was checked",)


def test_rounding_to_float32_on_the_way_is_named_as_the_cause_of_a_failure():
    report = check_gradients(lambda p: mlp_cost(p).astype(jnp.float32), mlp_params(widths=(4, 3, 2)))
    assert not report.ok
    assert any("float64" in warning for warning in report.warnings)

    inside = check_gradients(
        lambda p: jax.jit(lambda z: jnp.tanh(z.astype(jnp.float32)).sum())(p), jnp.array([0.1, 0.7])
    )
    assert any("float64" in warning for warning in inside.warnings)


def test_a_large_step_agrees_only_to_its_own_error_and_is_measured_closer():
    report = check_gradients(lambda p: p**3, jnp.array(1.0), epsilon=0.01)
    assert report.ok
    assert report.leaves[0].analytic == 3.0
    assert report.leaves[0].numeric == pytest.approx(3 + 1e-8, abs=1e-10)


@pytest.mark.parametrize("bad", [{"epsilon": 0.0}, {"epsilon": -1e-5}, {"sample": 0}, {"tolerance": math.nan}])
def test_a_setting_out_of_range_is_refused(bad):
    with pytest.raises(InputError, match=f"{next(iter(bad))} = .*: expected"):
        check_gradients(lambda p: p**2, jnp.array(1.0), **bad)


def test_a_function_of_several_values_is_refused():
    with pytest.raises(InputError, match=r"\(3,\): expected one number"):
        check_gradients(lambda p: p**2, jnp.ones(3))


def test_the_table_has_the_worst_leaf_first():
    def cost(p):
        return mlp_cost(
            plant(plant(p, "layer_0", "bias", lambda g, _: 1.01 * g), "layer_1", "kernel", lambda g, _: 2 * g)
        )

    report = check_gradients(cost, mlp_params(widths=(6, 5, 5, 3)))
    differences = [leaf.difference for leaf in report.leaves]
    assert differences == sorted(differences, reverse=True)
    rows = [line.split()[0] for line in str(report).splitlines() if line.startswith("layer")]
    assert rows == [leaf.path for leaf in report.leaves]
    assert rows[:2] == ["layer_1/kernel", "layer_0/bias"]


def squared_error(params, example):
    return ((mlp(params, example["x"]) - example["y"]) ** 2).sum()


def some_examples(n=5):
    rng = np.random.default_rng(2)
    return {"x": rng.normal(size=(n, 6)).astype(np.float32), "y": rng.normal(size=(n, 3)), "id": np.arange(n)}


def test_each_example_passes_and_they_sum_to_the_gradient_of_the_batch():
    report = check_examples(squared_error, mlp_params(widths=(6, 5, 3)), some_examples())
    assert report.ok
    assert report.difference < 1e-9
    assert all(leaf.sum_difference < 1e-14 for leaf in report.leaves)


def test_an_error_in_one_example_is_found_and_the_example_named():
    def wrong_for_3(params, example):
        def wrong(g, number):
            return jnp.where(number == 3, 1.01, 1.0) * g

        return squared_error(plant(params, "layer_1", "bias", wrong, example["id"]), example)

    report = check_examples(wrong_for_3, mlp_params(widths=(6, 5, 3)), some_examples())
    assert [(leaf.path, leaf.example) for leaf in report.leaves if not leaf.ok] == [("layer_1/bias", 3)]


def test_errors_that_cancel_in_the_batch_are_found_by_example():
    def cancelling(params, example):
        def wrong(g, number):
            return g + jnp.array([0.5, -0.5, 0.0, 0.0, 0.0])[number]

        return squared_error(plant(params, "layer_0", "bias", wrong, example["id"]), example)

    params, examples = mlp_params(widths=(6, 5, 3)), some_examples()
    whole = check_gradients(
        lambda p: jax.vmap(cancelling, (None, 0))(p, jax.tree.map(jnp.asarray, examples)).sum(), params
    )
    assert whole.ok
    report = check_examples(cancelling, params, examples)
    assert [leaf.path for leaf in report.leaves if not leaf.ok] == ["layer_0/bias"]
    assert report.leaves[0].example in (0, 1)


def centred(params, example):
    """Couples the examples: the mean over the batch is taken off."""
    z = mlp(params, example["x"])
    n = jax.lax.psum(1, ("batch", "data"))
    return ((z - jax.lax.psum(z, ("batch", "data")) / n - example["y"]) ** 2).sum()


def test_coupled_examples_pass_by_the_rows_of_the_jacobian():
    report = check_examples(centred, mlp_params(widths=(6, 5, 3)), some_examples(), coupled=True)
    assert report.ok
    assert report.difference < 1e-9


def test_coupled_examples_taken_for_independent_ones_are_found():
    assert not check_examples(centred, mlp_params(widths=(6, 5, 3)), some_examples(), coupled=False).ok
