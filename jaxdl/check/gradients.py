"""Gradient checking: reverse mode against central differences in float64.

A leaf passes when ‖g − ĝ‖ / (‖g‖ + ‖ĝ‖) ≤ 1e-7 (Ng, Improving Deep Neural Networks, 2017, "Gradient checking"), or when
‖g − ĝ‖ is no more than what float64 rounds away in ĝ. Whatever is random is held fixed: dropout is checked as the one
mask that its key draws, and `without_dropout` turns it off.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdl.check.compare import compare
from jaxdl.check.differences import flatten, is_real, to_float64
from jaxdl.check.report import Report
from jaxdl.errors import InputError
from jaxdl.task import Task, is_coupled, joined, parted
from jaxdl.typing import Loss, Mean, Params, is_weight


def check_gradients(
    f: Callable[[Params], jax.Array],
    params: Params,
    *,
    epsilon: float = 1e-5,
    sample: int | None = None,
    seed: int = 0,
    tolerance: float = 1e-7,
) -> Report:
    """Checks ∇f(params), f giving one number, in every coordinate, or in a seeded `sample` of so many per leaf.

    The parameters are cast to float64; what f closes over follows by promotion. InputError if f gives no single number.
    """
    with jax.enable_x64():
        flat = flatten(params)

        def value(theta):
            return _scalar(f(flat.rebuild(theta)))

        report = compare(
            lambda theta: value(theta)[None],
            lambda theta: jax.grad(value)(theta)[None],
            flat,
            epsilon=epsilon,
            sample=sample,
            seed=seed,
            tolerance=tolerance,
        )
    return replace(report, warnings=(*_zero_weights(params), *report.warnings))


def check_examples(
    f: Callable[[Params, Any], jax.Array],
    params: Params,
    examples: Any,
    *,
    coupled: bool = False,
    epsilon: float = 1e-5,
    sample: int | None = None,
    seed: int = 0,
    tolerance: float = 1e-7,
) -> Report:
    """Checks each example's own gradient of f(params, example), and that they sum to the gradient of Σ f.

    `examples` is a tree of arrays, examples first. The gradients are `vmap(grad(f))`; where f sums or gathers over the
    axes "batch" and "data" (`coupled`), the rows of the Jacobian of all examples' values.
    """
    with jax.enable_x64():
        flat, examples = flatten(params), to_float64(examples)

        def value(theta, example):
            return _scalar(f(flat.rebuild(theta), example))

        def values(theta):
            return _over_batch(lambda example: value(theta, example), examples)

        def gradients(theta):
            if coupled:
                return jax.jacrev(values)(theta)
            return _over_batch(lambda example: jax.grad(value)(theta, example), examples)

        report = compare(
            values,
            gradients,
            flat,
            summed=jax.grad(lambda theta: values(theta).sum()),
            epsilon=epsilon,
            sample=sample,
            seed=seed,
            tolerance=tolerance,
        )
    return replace(report, warnings=(*_zero_weights(params), *report.warnings))


def check_task(
    task: Task,
    *,
    examples: int = 4,
    epsilon: float = 1e-5,
    sample: int | None = None,
    seed: int = 0,
    tolerance: float = 1e-7,
) -> Report:
    """Checks the gradient of the cost, Σ totals / Σ weights, over a few real examples of the first training batch.

    The parameters are `init`'s plus noise of 0.01, so that zero biases do not put ReLU at its kink, and layers that
    start at zero let gradients through. Data, parameters and state are float64; labels stay integers.
    """
    mean_of, params, rows, warnings = _problem(task, examples, seed)

    def cost(params):
        means = _over_batch(lambda row: mean_of(params, row), to_float64(rows))
        return means.total.sum() / means.weight.sum()

    report = check_gradients(cost, params, epsilon=epsilon, sample=sample, seed=seed, tolerance=tolerance)
    return replace(report, warnings=(*warnings, *report.warnings))


def check_task_examples(
    task: Task,
    *,
    examples: int = 4,
    epsilon: float = 1e-5,
    sample: int | None = None,
    seed: int = 0,
    tolerance: float = 1e-7,
) -> Report:
    """Checks the gradient of each example's total, as `check_examples`, on the same point and data as `check_task`."""
    mean_of, params, rows, warnings = _problem(task, examples, seed)
    report = check_examples(
        lambda params, row: mean_of(params, row).total,
        params,
        rows,
        coupled=is_coupled(task),
        epsilon=epsilon,
        sample=sample,
        seed=seed,
        tolerance=tolerance,
    )
    return replace(report, warnings=(*warnings, *report.warnings))


def hand_written(value_and_gradient: Callable[[Params], tuple[jax.Array, Params]]) -> Callable[[Params], jax.Array]:
    """The function whose gradient JAX takes to be the one given, so that the checker judges a backward pass of ours."""

    @jax.custom_vjp
    def f(params):
        return value_and_gradient(params)[0]

    f.defvjp(value_and_gradient, lambda gradients, upstream: (jax.tree.map(lambda g: upstream * g, gradients),))
    return f


def without_dropout(loss: Loss) -> Loss:
    """The loss with every Linen layer of class `Dropout` passing its input through, as in evaluation.

    InputError where no such layer is met: then nothing would be turned off.
    """
    from flax import linen

    def quiet(params, model_state, example, key):
        met = []

        def pass_through(layer, args, kwargs, context):
            kinds = [kind.__name__ for kind in type(context.module).__mro__]
            if "Dropout" not in kinds or context.method_name != "__call__":
                return layer(*args, **kwargs)
            met.append(context.module)
            return args[0]

        with linen.intercept_methods(pass_through):
            result = loss(params, model_state, example, key)
        if not met:
            raise InputError("no Linen Dropout layer in this model: leave out --no-dropout, or set its rate to 0")
        return result

    return quiet


def _problem(
    task: Task, examples: int, seed: int
) -> tuple[Callable[[Params, Any], Mean], Params, Any, tuple[str, ...]]:
    """(mean of one row, parameters, rows, warnings): a row is an example with its own key and carry."""
    if examples < 1:
        raise InputError(f"examples = {examples}: expected at least 1")
    params, model_state = jax.jit(task.init)(jax.random.key(seed))
    shared, carry = parted(model_state)
    batch: Mapping[str, Any] = next(iter(task.train.iterate(seed)))
    real = np.flatnonzero(np.asarray(batch["mask"]) > 0)[:examples]
    batch = {name: np.asarray(values)[real] for name, values in batch.items()}
    keys = jax.vmap(lambda row: jax.random.fold_in(jax.random.key(seed), row))(batch["row"])
    carry = jax.tree.map(lambda rows: rows[real], carry)

    def mean_of(params, row):
        example, key, carry = row
        return task.loss(params, to_float64(joined(shared, carry)), example, key)[0]

    return mean_of, _moved(params, seed), (batch, keys, carry), _zero_weights(params)


def _over_batch(f: Callable[[Any], Any], rows: Any) -> Any:
    """f over all rows, with the axes that a loss may name: "batch" across the rows, "data" of a single device."""
    batched = jax.vmap(f, axis_name="batch")
    on_data = jax.vmap(batched, in_axes=None, axis_name="data", axis_size=1)
    return jax.tree.map(lambda values: values[0], on_data(rows))


def _scalar(value: Any) -> jax.Array:
    if jnp.shape(value) != ():
        raise InputError(f"the function to check gave an array of shape {jnp.shape(value)}: expected one number")
    return jnp.asarray(value)


def _moved(params: Params, seed: int) -> Params:
    """params + 0.01·noise, so that nothing sits exactly at zero, as biases do after `init`."""
    rng = np.random.default_rng(seed)
    with jax.enable_x64():
        flat = flatten(params)
        return flat.rebuild(flat.theta + 0.01 * rng.normal(size=flat.theta.size))


def _zero_weights(params: Params) -> tuple[str, ...]:
    leaves = [(path, leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(params) if is_real(leaf)]
    weights = [leaf for path, leaf in leaves if is_weight(path, leaf)] or [leaf for _, leaf in leaves]
    if any(np.any(leaf) for leaf in weights):
        return ()
    return ("all weights are zero: hidden units are alike and gradients vanish; check from random parameters",)
