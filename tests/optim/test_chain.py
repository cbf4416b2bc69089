"""Laws of the optimiser chain: each rule in its textbook form, the order of the links, the mask, the command line."""

import dataclasses
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import tyro

from jaxdl.errors import InputError
from jaxdl.optim import rules
from jaxdl.optim.chain import Chain, Rule

STEPS = 60


def descend(transformation, params, gradient, steps):
    """The parameters after each step, stacked; gradient(params, step)."""

    def step(carry, t):
        params, state = carry
        updates, state = transformation.update(gradient(params, t), state, params)
        params = optax.apply_updates(params, updates)
        return (params, state), params

    return jax.jit(lambda start: jax.lax.scan(step, start, jnp.arange(steps))[1])((params, transformation.init(params)))


def one_update(chain, params, gradient):
    """What a first step adds to the parameters."""
    transformation = chain.build(10, 10)
    return transformation.update(gradient, transformation.init(params), params)[0]


TEXTBOOK = {
    "gd": rules.gradient_descent(),
    "momentum": rules.momentum(),
    "momentum_average": rules.momentum_average(),
    "nesterov": rules.nesterov(),
    "rmsprop": rules.rmsprop(),
    "adagrad": rules.adagrad(),
    "adadelta": rules.adadelta(),
    "adam": rules.adam(),
    "adamw": rules.adamw(),
    "nadam": rules.nadam(),
}


def test_every_name_has_a_textbook_form():
    assert set(TEXTBOOK) == set(get_args(Rule))


@pytest.mark.parametrize("name", TEXTBOOK)
def test_each_rule_follows_its_textbook_form(name):
    random = np.random.default_rng(0)
    w, noise = random.normal(size=(3, 4)), random.normal(size=(STEPS, 3, 4))
    curvature = np.logspace(-2, 1, 12).reshape(3, 4)
    with jax.enable_x64():
        params, noise = {"kernel": jnp.asarray(w)}, jnp.asarray(noise)
        textbook = optax.chain(TEXTBOOK[name], optax.scale_by_learning_rate(0.01))
        chain = Chain(name, learning_rate=0.01).build(STEPS, STEPS)
        got, expected = (
            descend(rule, params, lambda p, t: {"kernel": curvature * p["kernel"] + noise[t]}, STEPS)
            for rule in (chain, textbook)
        )
    # AdaGrad's ε² under the root is not ε beside it: 1e-8 of a gradient of size 1.
    tolerance = 1e-7 if name == "adagrad" else 1e-11
    np.testing.assert_allclose(got["kernel"], expected["kernel"], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("gd", optax.sgd(0.01)),
        ("momentum", optax.sgd(0.01, momentum=0.9)),
        ("nesterov", optax.sgd(0.01, momentum=0.9, nesterov=True)),
        ("rmsprop", optax.rmsprop(0.01, eps_in_sqrt=False)),
        ("adagrad", optax.adagrad(0.01, initial_accumulator_value=0.0, eps=1e-16)),
        ("adam", optax.adam(0.01)),
        ("adamw", optax.adamw(0.01, weight_decay=0.01)),
        ("adadelta", optax.adadelta(0.01, rho=0.95)),
        ("nadam", optax.nadam(0.01)),
    ],
)
def test_each_rule_agrees_with_the_ready_made_optax_optimiser(name, theirs):
    params = {"kernel": jax.random.normal(jax.random.key(0), (3, 4))}
    gradient = jax.grad(lambda p, t: jnp.sum(jnp.cosh(p["kernel"])))
    ours = descend(Chain(name, learning_rate=0.01).build(20, 20), params, gradient, 20)
    np.testing.assert_allclose(ours["kernel"], descend(theirs, params, gradient, 20)["kernel"], rtol=1e-5)


@pytest.mark.parametrize("name", ["adagrad", "adam", "adamw"])
def test_the_first_step_of_a_scale_free_rule_is_the_learning_rate_however_small_the_gradient(name):
    step = one_update(Chain(name, learning_rate=0.1), jnp.zeros(2), jnp.array([3e-6, -50.0]))
    np.testing.assert_allclose(step, [-0.1, 0.1], rtol=5e-3)


@pytest.mark.parametrize(("name", "field"), [("momentum", "b1"), ("nesterov", "b1"), ("adam", "b1")])
def test_without_memory_of_the_gradients_a_rule_forgets_the_past(name, field):
    chain = dataclasses.replace(Chain(name, learning_rate=0.1, b2=0.0), **{field: 0.0}).build(5, 5)
    gradients = np.array([7.0, -3.0, 2.0])
    path = np.array(descend(chain, jnp.array(0.0), lambda _, t: jnp.asarray(gradients)[t], 3))
    expected = np.sign(gradients) if name == "adam" else gradients
    np.testing.assert_allclose(np.diff(path, prepend=0.0), -0.1 * expected, rtol=1e-5)


def test_l2_in_the_loss_and_weight_decay_are_the_same_for_gradient_descent_and_not_for_adam():
    """W ← W − α(dW + λW) = (1 − αλ)W − αdW, dW being the gradient of the data loss alone."""
    params = {"kernel": jax.random.normal(jax.random.key(0), (3, 4)), "bias": jnp.ones(4)}

    def data_loss(p):
        return jnp.sum(jnp.cosh(p["kernel"])) + jnp.sum(jnp.cosh(p["bias"]))

    def penalised(p):
        return data_loss(p) + 0.3 / 2 * jnp.sum(p["kernel"] ** 2)

    def ends(name):
        in_loss = descend(Chain(name, 0.1).build(20, 20), params, lambda p, t: jax.grad(penalised)(p), 20)
        decay = Chain(name, 0.1, weight_decay=0.3).build(20, 20)
        return in_loss, descend(decay, params, lambda p, t: jax.grad(data_loss)(p), 20)

    in_loss, decoupled = ends("gd")
    for leaf in params:
        np.testing.assert_allclose(in_loss[leaf], decoupled[leaf], rtol=1e-5, atol=1e-6)
    dw = np.sinh(params["kernel"])
    np.testing.assert_allclose(decoupled["kernel"][0], (1 - 0.1 * 0.3) * params["kernel"] - 0.1 * dw, rtol=1e-5)
    in_loss, decoupled = ends("adam")
    assert np.abs(in_loss["kernel"] - decoupled["kernel"]).max() > 0.01


def test_values_are_clipped_before_the_norm():
    step = one_update(
        Chain("gd", learning_rate=1.0, clip_value=4.0, clip_norm=1.0), jnp.zeros(2), jnp.array([40.0, -3.0])
    )
    np.testing.assert_allclose(step, [-0.8, 0.6], rtol=1e-6)


def test_the_norm_that_is_clipped_is_that_of_all_leaves_together():
    gradient = {"a": jnp.array([3.0]), "b": jnp.array([4.0])}
    step = one_update(Chain("gd", learning_rate=1.0, clip_norm=2.5), {"a": jnp.zeros(1), "b": jnp.zeros(1)}, gradient)
    np.testing.assert_allclose([step["a"][0], step["b"][0]], [-1.5, -2.0], rtol=1e-6)


def test_a_gradient_within_the_bounds_is_not_touched():
    gradient = jnp.array([0.3, -0.4])
    step = one_update(Chain("gd", learning_rate=1.0, clip_value=0.5, clip_norm=0.6), jnp.zeros(2), gradient)
    np.testing.assert_array_equal(step, -gradient)


def test_clipping_comes_before_the_rule():
    transformation = Chain("momentum", learning_rate=1.0, clip_value=1.0).build(5, 5)
    path = descend(transformation, jnp.array(0.0), lambda *_: jnp.array(100.0), 2)
    np.testing.assert_allclose(path, [-1.0, -1.0 - 1.9], rtol=1e-6)


def test_weight_decay_with_gd_is_the_notes_shrinking_of_the_weights():
    w, dw = jnp.array([[2.0, -4.0]]), jnp.array([[0.5, 0.25]])
    step = one_update(Chain("gd", learning_rate=0.1, weight_decay=0.3), {"kernel": w}, {"kernel": dw})["kernel"]
    np.testing.assert_allclose(w + step, (1 - 0.1 * 0.3) * w - 0.1 * dw, rtol=1e-6)


@pytest.mark.parametrize("name", TEXTBOOK)
def test_weight_decay_acts_on_weights_beside_the_rule_and_leaves_biases_and_norms_alone(name):
    params = {
        "Dense_0": {"kernel": jnp.full((2, 3), 5.0), "bias": jnp.full(3, 5.0)},
        "Heads_0": {"kernel": jnp.full((2, 3, 4), 5.0), "bias": jnp.full((3, 4), 5.0)},
        "Norm_0": {"scale": jnp.full(3, 5.0), "bias": jnp.full(3, 5.0)},
    }
    chain = Chain(name, learning_rate=0.1, weight_decay=0.2, clip_norm=0.001)
    step = one_update(chain, params, jax.tree.map(jnp.zeros_like, params))
    shrunk = -0.1 * 0.2 * 5.0
    for layer, names in step.items():
        for leaf, change in names.items():
            np.testing.assert_allclose(
                change, shrunk if leaf == "kernel" else 0.0, rtol=1e-6, err_msg=f"{layer} {leaf}"
            )


def test_adamw_without_decay_is_adam_and_adam_with_decay_is_adamw():
    params, gradient = {"kernel": jnp.full((2, 2), 3.0)}, {"kernel": jnp.full((2, 2), 0.1)}
    adam, adamw = (one_update(Chain(name), params, gradient)["kernel"] for name in ("adam", "adamw"))
    assert not np.allclose(adam, adamw, rtol=1e-4)
    np.testing.assert_array_equal(one_update(Chain("adamw", weight_decay=0.0), params, gradient)["kernel"], adam)
    np.testing.assert_array_equal(one_update(Chain("adam", weight_decay=0.01), params, gradient)["kernel"], adamw)


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        (Chain("gd", 0.2, "constant"), [0.2, 0.2, 0.2, 0.2, 0.2, 0.2]),
        (Chain("gd", 0.2, "inverse_time"), [0.2, 0.2, 0.1, 0.1, 0.2 / 3, 0.2 / 3]),
        (Chain("gd", 0.2, "exponential"), [0.2, 0.2, 0.19, 0.19, 0.1805, 0.1805]),
        (
            Chain("gd", 0.2, "inverse_sqrt", decay_rate=0.5),
            [0.1, 0.1, 0.1 / 2**0.5, 0.1 / 2**0.5, 0.1 / 3**0.5, 0.1 / 3**0.5],
        ),
        (Chain("gd", 0.2, "staircase", decay_epochs=2), [0.2, 0.2, 0.2, 0.2, 0.1, 0.1]),
        (Chain("gd", 0.2, "table", table=((0, 0.3), (2, 0.1))), [0.3, 0.3, 0.3, 0.3, 0.1, 0.1]),
        (Chain("gd", 0.2, "cosine", warmup_steps=2), [0.1, 0.2, 0.2, 0.1 + 0.1 / 2**0.5, 0.1, 0.1 - 0.1 / 2**0.5]),
        (Chain("gd", 0.2, "inverse_time", warmup_steps=4), [0.025, 0.05, 0.075, 0.1, 0.2 / 3, 0.2 / 3]),
        (Chain("gd", 0.2, "cosine", warmup_steps=6), [0.2 * k / 6 for k in range(1, 7)]),
    ],
)
def test_step_after_step_the_chain_moves_by_the_scheduled_rate(chain, expected):
    path = descend(chain.build(6, 2), jnp.array(0.0), lambda *_: jnp.array(1.0), 6)
    np.testing.assert_allclose(-np.diff(path, prepend=0.0), expected, rtol=1e-5)
    np.testing.assert_allclose(chain.schedule(6, 2)(np.arange(6)), expected, rtol=1e-6)


def test_cosine_ends_at_0_when_the_training_ends():
    assert float(Chain(decay="cosine", warmup_steps=10).schedule(100, 10)(100)) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("learning_rate", -0.1, "learning_rate = -0.1: expected a finite number ≥ 0"),
        ("learning_rate", float("nan"), "learning_rate = nan: expected a finite number ≥ 0"),
        ("learning_rate", float("inf"), "learning_rate = inf: expected a finite number ≥ 0"),
        ("decay_rate", -1.0, "decay_rate = -1.0: expected a finite number ≥ 0"),
        ("decay_epochs", 0, "decay_epochs = 0: expected a finite number ≥ 1"),
        ("warmup_steps", -1, "warmup_steps = -1: expected a finite number ≥ 0"),
        ("clip_value", 0.0, "clip_value = 0.0: expected a finite number > 0"),
        ("clip_norm", -1.0, "clip_norm = -1.0: expected a finite number > 0"),
        ("weight_decay", -0.1, "weight_decay = -0.1: expected a finite number ≥ 0"),
        ("b1", 1.0, "b1 = 1.0: expected a finite number ≥ 0 and < 1"),
        ("b2", -0.5, "b2 = -0.5: expected a finite number ≥ 0 and < 1"),
        ("epsilon", 0.0, "epsilon = 0.0: expected a finite number > 0"),
        (
            "table",
            ((3, 0.1), (3, 0.2)),
            "table = ((3, 0.1), (3, 0.2)): expected pairs (epoch, rate) with rising epochs",
        ),
        ("table", ((-1, 0.1),), "table's epoch = -1: expected a finite number ≥ 0"),
        ("table", ((1, -0.1),), "table's rate = -0.1: expected a finite number ≥ 0"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_field_value_and_range(field, value, expected):
    with pytest.raises(InputError) as caught:
        Chain(**{field: value})
    assert str(caught.value).startswith(expected)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "given", "meant"),
    [
        ("name", "adma", "unknown rule 'adma': did you mean adam"),
        ("decay", "cosin", "unknown decay 'cosin': did you mean cosine"),
    ],
)
def test_an_unknown_name_is_refused_with_the_closest_one(field, given, meant):
    chain = Chain()
    object.__setattr__(chain, field, given)  # round the type checks, which only the tests switch on
    with pytest.raises(InputError, match=meant):
        chain.__post_init__()


def test_a_table_without_rows_is_refused():
    with pytest.raises(InputError, match="table"):
        Chain(decay="table")


def test_a_warm_up_longer_than_the_training_is_refused():
    with pytest.raises(InputError, match="warmup_steps = 11: expected at most the training's 10 steps"):
        Chain(warmup_steps=11).build(10, 5)


def test_a_training_of_no_steps_is_refused():
    with pytest.raises(InputError, match="steps_per_epoch = 0"):
        Chain().build(10, 0)


MOMENTUM = Chain("momentum", learning_rate=0.5, clip_norm=1.0)


@dataclasses.dataclass(frozen=True)
class Config:
    optimizer: Chain = MOMENTUM


def test_the_command_line_changes_one_field_and_keeps_the_experiments_others():
    args = ["--optimizer.learning-rate", "0.01", "--optimizer.clip-norm", "None"]
    args += ["--optimizer.decay", "table", "--optimizer.table", "0", "0.1", "10", "0.01"]
    expected = Chain("momentum", learning_rate=0.01, decay="table", table=((0, 0.1), (10, 0.01)))
    assert tyro.cli(Config, args=args).optimizer == expected


@pytest.mark.parametrize(
    ("args", "shown"),
    [(["--optimizer.name", "adma"], "nesterov"), (["--optimizer.learning-rate", "-1"], "learning_rate = -1.0")],
)
def test_the_command_line_refuses_a_bad_value_with_code_2_and_says_what_it_expected(args, shown, capsys):
    with pytest.raises(SystemExit) as caught:
        tyro.cli(Config, args=args)
    assert caught.value.code == 2
    assert shown in capsys.readouterr().err
