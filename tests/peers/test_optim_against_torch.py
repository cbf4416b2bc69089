"""Every update rule that PyTorch has, over 100 steps in float64: the textbook form, the chain, and torch.optim.

Where the defaults differ they are given. PyTorch has no Nadam with a constant β₁ by name: its schedule
μₜ = β₁(1 − ½·0.96^(ψt)) becomes constant as ψ grows.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

from jaxdl.optim import rules
from jaxdl.optim.chain import Chain

STEPS, RATE, DECAY = 100, 0.01, 0.05
SGD, OPTIM = torch.optim.SGD, torch.optim

# name: our textbook form, PyTorch's class, and what to tell it.
PAIRS = {
    "gd": (rules.gradient_descent(), SGD, {}),
    "momentum": (rules.momentum(), SGD, {"momentum": 0.9}),
    "momentum_average": (rules.momentum_average(), SGD, {"momentum": 0.9, "dampening": 0.9}),
    "nesterov": (rules.nesterov(), SGD, {"momentum": 0.9, "nesterov": True}),
    "adagrad": (rules.adagrad(), OPTIM.Adagrad, {"eps": 1e-8}),
    "rmsprop": (rules.rmsprop(), OPTIM.RMSprop, {"alpha": 0.9, "eps": 1e-8}),
    "adadelta": (rules.adadelta(), OPTIM.Adadelta, {"rho": 0.95, "eps": 1e-6}),
    "adam": (rules.adam(), OPTIM.Adam, {"betas": (0.9, 0.999), "eps": 1e-8}),
    "adamw": (rules.adamw(DECAY), OPTIM.AdamW, {"betas": (0.9, 0.999), "eps": 1e-8}),
    "nadam": (rules.nadam(), OPTIM.NAdam, {"betas": (0.9, 0.999), "eps": 1e-8, "momentum_decay": 1e9}),
}

random = np.random.default_rng(0)
START = {"kernel": random.normal(size=(3, 4)), "bias": random.normal(size=4)}
NOISE = {name: random.normal(size=(STEPS, *leaf.shape)) for name, leaf in START.items()}
CURVATURE = {name: np.logspace(-2, 1, leaf.size).reshape(leaf.shape) for name, leaf in START.items()}


def our_path(transformation):
    """The parameters after each step on a noisy bowl."""
    with jax.enable_x64():
        noise = jax.tree.map(jnp.asarray, NOISE)

        def step(carry, t):
            params, state = carry
            gradient = {name: CURVATURE[name] * leaf + noise[name][t] for name, leaf in params.items()}
            updates, state = transformation.update(gradient, state, params)
            params = optax.apply_updates(params, updates)
            return (params, state), params

        params = jax.tree.map(jnp.asarray, START)
        path = jax.lax.scan(step, (params, transformation.init(params)), jnp.arange(STEPS))[1]
        return jax.tree.map(np.asarray, path)


def torch_path(optimizer, options, prepare=lambda optimizer: None):
    """The same with PyTorch; weights decay in AdamW, biases don't."""
    params = {name: torch.tensor(leaf, requires_grad=True) for name, leaf in START.items()}
    decay = {"weight_decay": DECAY} if optimizer is OPTIM.AdamW else {}
    groups = [{"params": [params["kernel"]], **decay}, {"params": [params["bias"]], "weight_decay": 0.0}]
    optimizer = optimizer(groups, lr=RATE, **options)
    prepare(optimizer)
    path = {name: [] for name in params}
    for t in range(STEPS):
        for name, leaf in params.items():
            leaf.grad = torch.tensor(CURVATURE[name]) * leaf.detach() + torch.tensor(NOISE[name][t])
        optimizer.step()
        for name, leaf in params.items():
            path[name].append(leaf.detach().numpy().copy())
    return path


def start_from_zero(optimizer):
    """PyTorch's momentum starts at the first gradient, undamped, unless it finds a memory: give it one of zero."""
    if isinstance(optimizer, SGD) and optimizer.defaults["dampening"]:
        for group in optimizer.param_groups:
            for leaf in group["params"]:
                optimizer.state[leaf]["momentum_buffer"] = torch.zeros_like(leaf)


@pytest.mark.parametrize("name", PAIRS)
def test_the_textbook_rule_is_pytorchs(name):
    rule, theirs, options = PAIRS[name]
    ours = our_path(optax.chain(rule, optax.scale_by_learning_rate(RATE)))
    expected = torch_path(theirs, options, start_from_zero)
    tolerance = 1e-7 if name == "nadam" else 1e-10  # PyTorch keeps the product of its μₜ in float32
    for leaf in START:
        np.testing.assert_allclose(ours[leaf], expected[leaf], rtol=10 * tolerance, atol=tolerance, err_msg=leaf)


@pytest.mark.parametrize("name", PAIRS)
def test_the_chain_is_pytorchs(name):
    _, theirs, options = PAIRS[name]
    ours = our_path(Chain(name, RATE, weight_decay=DECAY if name == "adamw" else None).build(STEPS, STEPS))
    expected = torch_path(theirs, options, start_from_zero)
    tolerance = 1e-7 if name in ("nadam", "adagrad") else 1e-10  # Optax's ε is under the root in AdaGrad
    for leaf in START:
        np.testing.assert_allclose(ours[leaf], expected[leaf], rtol=10 * tolerance, atol=tolerance, err_msg=leaf)


def test_pytorchs_dampened_momentum_left_alone_starts_at_the_whole_first_gradient():
    """v₁ is g₁ in PyTorch and (1−β)g₁ in the notes: the one difference between dampening and the average."""
    ours = our_path(optax.chain(rules.momentum_average(), optax.scale_by_learning_rate(RATE)))
    theirs = torch_path(SGD, {"momentum": 0.9, "dampening": 0.9})
    for leaf, start in START.items():
        first = CURVATURE[leaf] * start + NOISE[leaf][0]
        np.testing.assert_allclose(start - theirs[leaf][0], RATE * first)
        np.testing.assert_allclose(start - ours[leaf][0], RATE * 0.1 * first)
