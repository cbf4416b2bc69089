"""The notes' update rules as the papers print them, in Optax's interface: each turns a gradient g into a direction r.

The step is W ← W − α·r: put `optax.scale_by_learning_rate(α)` behind a rule. All is element-wise, t counts steps from
1, and what a rule remembers starts at zero. `Chain` trains with Optax's own rules, which the tests hold to these.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from jaxdl.typing import Params, is_weight


class Memory(NamedTuple):
    """What a rule remembers: the number of steps taken, and some trees like the parameters."""

    t: Int[Array, ""]
    trees: tuple[Params, ...]


def gradient_descent() -> optax.GradientTransformation:
    """r = g."""
    return _elementwise(0, lambda t, g: (g,))


def momentum(beta: float = 0.9) -> optax.GradientTransformation:
    """m ← βm + g,  r = m: the heavy ball (Polyak, 1964)."""

    def rule(t, g, m):
        m = beta * m + g
        return m, m

    return _elementwise(1, rule)


def momentum_average(beta: float = 0.9, bias_correction: bool = False) -> optax.GradientTransformation:
    """v ← βv + (1−β)g,  r = v, or v / (1 − βᵗ) with the correction for its start at zero.

    The notes' form, and the first moment of Adam (Kingma & Ba, 2015, section 3). Without the correction it is
    `momentum` with the learning rate α(1−β).
    """

    def rule(t, g, v):
        v = beta * v + (1 - beta) * g
        return v / (1 - beta**t) if bias_correction else v, v

    return _elementwise(1, rule)


def nesterov(beta: float = 0.9) -> optax.GradientTransformation:
    """m ← βm + g,  r = g + βm: momentum whose gradient is taken where it is about to be.

    The parameters are the point looked ahead to, W = θ − αβm (Nesterov, 1983; Sutskever et al., 2013, eqs. 3–4; in
    this form Bengio et al., 2013, eq. 7).
    """

    def rule(t, g, m):
        m = beta * m + g
        return g + beta * m, m

    return _elementwise(1, rule)


def adagrad(epsilon: float = 1e-8) -> optax.GradientTransformation:
    """v ← v + g²,  r = g / (√v + ε)  (Duchi et al., 2011, figure 1, diagonal)."""

    def rule(t, g, v):
        v = v + g**2
        return g / (jnp.sqrt(v) + epsilon), v

    return _elementwise(1, rule)


def rmsprop(beta: float = 0.9, epsilon: float = 1e-8) -> optax.GradientTransformation:
    """v ← βv + (1−β)g²,  r = g / (√v + ε)  (Hinton, 2012, lecture 6e)."""

    def rule(t, g, v):
        v = beta * v + (1 - beta) * g**2
        return g / (jnp.sqrt(v) + epsilon), v

    return _elementwise(1, rule)


def adadelta(rho: float = 0.95, epsilon: float = 1e-6) -> optax.GradientTransformation:
    """v ← ρv + (1−ρ)g²,  r = g·√(d + ε)/√(v + ε),  d ← ρd + (1−ρ)r².

    The direction has the unit of W, so α = 1 is the paper's (Zeiler, 2012, algorithm 1).
    """

    def rule(t, g, v, d):
        v = rho * v + (1 - rho) * g**2
        r = g * jnp.sqrt(d + epsilon) / jnp.sqrt(v + epsilon)
        return r, v, rho * d + (1 - rho) * r**2

    return _elementwise(2, rule)


def adam(b1: float = 0.9, b2: float = 0.999, epsilon: float = 1e-8) -> optax.GradientTransformation:
    """m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,  r = m̂ / (√v̂ + ε),  m̂ = m/(1−β₁ᵗ),  v̂ = v/(1−β₂ᵗ).

    Kingma & Ba, 2015, algorithm 1.
    """

    def rule(t, g, m, v):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        return m / (1 - b1**t) / (jnp.sqrt(v / (1 - b2**t)) + epsilon), m, v

    return _elementwise(2, rule)


def adamw(
    weight_decay: float = 0.01, b1: float = 0.9, b2: float = 0.999, epsilon: float = 1e-8
) -> optax.GradientTransformation:
    """r = Adam's + λW for weights, Adam's for biases and the scales of norms: decay beside the rule, not through it.

    Loshchilov & Hutter, 2019, algorithm 2, with λ times the learning rate α and no further schedule.
    """
    inner = adam(b1, b2, epsilon)

    def update(gradient, memory, params):
        direction, memory = inner.update(gradient, memory)
        decayed = jax.tree_util.tree_map_with_path(
            lambda path, r, w: r + weight_decay * w if is_weight(path, w) else r, direction, params
        )
        return decayed, memory

    return optax.GradientTransformation(inner.init, update)


def nadam(b1: float = 0.9, b2: float = 0.999, epsilon: float = 1e-8) -> optax.GradientTransformation:
    """Adam with Nesterov's look ahead: r = (β₁m/(1−β₁ᵗ⁺¹) + (1−β₁)g/(1−β₁ᵗ)) / (√v̂ + ε), m, v and v̂ as in Adam.

    Dozat, 2016, algorithm 2, with β₁ the same at every step and without its factor β₂ on v̂.
    """

    def rule(t, g, m, v):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        ahead = b1 * m / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t)
        return ahead / (jnp.sqrt(v / (1 - b2**t)) + epsilon), m, v

    return _elementwise(2, rule)


def _elementwise(remembers: int, rule: Callable) -> optax.GradientTransformation:
    """The transformation that applies rule(t, g, *memories) -> (r, *memories) to every leaf."""

    def init(params):
        trees = (jax.tree.map(jnp.zeros_like, params) for _ in range(remembers))
        return Memory(jnp.zeros((), jnp.int32), tuple(trees))

    def update(gradient, memory, params=None):
        t = memory.t + 1
        leaves = jax.tree.map(lambda g, *remembered: rule(t, g, *remembered), gradient, *memory.trees)
        outer, inner = jax.tree.structure(gradient), jax.tree.structure((0,) * (1 + remembers))
        direction, *trees = jax.tree.transpose(outer, inner, leaves)
        return direction, Memory(t, tuple(trees))

    return optax.GradientTransformation(init, update)
