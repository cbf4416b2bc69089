"""The L-layer network on the computation graph: any depth and widths from one list, trained by its backward pass."""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from jaxdl.backprop import activations
from jaxdl.backprop.arithmetic import add, affine
from jaxdl.backprop.graph import Node, Steps, differentiate, evaluate
from jaxdl.backprop.layers import dropout
from jaxdl.backprop.losses import l2_penalty, sigmoid_with_loss, softmax_with_loss
from jaxdl.errors import InputError, chosen
from jaxdl.typing import Key

Weights = dict[str, Array]
"""W1 (n_in, n_out), b1 (n_out,), W2, b2, …"""

HIDDEN: dict[str, Node] = {
    "sigmoid": activations.sigmoid,
    "tanh": activations.tanh,
    "relu": activations.relu,
    "leaky_relu": activations.leaky_relu(),
    "elu": activations.elu(),
}


@dataclass(frozen=True)
class Network:
    """zˡ = aˡ⁻¹ Wˡ + bˡ, aˡ = g(zˡ), J = the mean loss + λ/2 Σ‖Wˡ‖².

    widths      of the input, the hidden layers and the output: one unit gives a sigmoid with labels 0 and 1, more a
                softmax with labels 0 … classes − 1
    activation  g of the hidden layers
    l2          λ; biases are not penalised
    keep        probability with which dropout keeps a hidden unit; 1 is no dropout

    InputError for fewer than two widths, a width below 1, an unknown activation, λ < 0 and keep outside (0, 1].
    """

    widths: Sequence[int]
    activation: str = "relu"
    l2: float = 0.0
    keep: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))  # a list could not be hashed, as `jit` needs it
        if len(self.widths) < 2 or any(not isinstance(width, int) or width < 1 for width in self.widths):
            raise InputError(f"widths {self.widths}: expected two or more, each at least 1, such as (64, 32, 10)")
        chosen("activation", self.activation, HIDDEN)
        l2_penalty(self.l2)
        dropout(self.keep)

    @property
    def depth(self) -> int:
        """L, the number of layers with weights."""
        return len(self.widths) - 1

    def init(self, key: Key) -> Weights:
        """Zero biases; normal weights, std √(2/n_in) for the relu family (He et al., 2015, eq. 10), else √(1/n_in)."""
        gain = 1.0 if self.activation in ("sigmoid", "tanh") else 2.0
        params = {}
        for layer, (n_in, n_out) in enumerate(itertools.pairwise(self.widths), start=1):
            noise = jax.random.normal(jax.random.fold_in(key, layer), (n_in, n_out))
            params[f"W{layer}"] = math.sqrt(gain / n_in) * noise
            params[f"b{layer}"] = jnp.zeros(n_out)
        return params

    def steps(self) -> Steps:
        """The graph of J, from x, labels, W1, b1, … and, if there is dropout, key1, key2, … to J."""
        steps = self._layers(dropped=self.keep < 1)
        loss = sigmoid_with_loss if self.widths[-1] == 1 else softmax_with_loss
        steps["loss"] = (loss, f"z{self.depth}", "labels")
        steps["penalty"] = (l2_penalty(self.l2), *(f"W{layer}" for layer in range(1, self.depth + 1)))
        steps["J"] = (add, "loss", "penalty")
        return steps

    def forward(self, params: Weights, x: Float[Array, "m n_in"]) -> Float[Array, "m n_out"]:
        """The output before its sigmoid or softmax, without dropout."""
        values, _ = evaluate(self._layers(dropped=False), {"x": x, **params})
        return values[f"z{self.depth}"]

    def cost(
        self, params: Weights, x: Float[Array, "m n_in"], labels: Shaped[Array, " m"], key: Key | None = None
    ) -> Float[Array, ""]:
        """J of a batch; dropout draws from the key."""
        return evaluate(self.steps(), self._inputs(params, x, labels, key))[0]["J"]

    def gradients(
        self, params: Weights, x: Float[Array, "m n_in"], labels: Shaped[Array, " m"], key: Key | None = None
    ) -> tuple[Float[Array, ""], Weights]:
        """(J, ∂J/∂W and ∂J/∂b of every layer), by the backward pass."""
        steps = self.steps()
        values, caches = evaluate(steps, self._inputs(params, x, labels, key))
        gradients = differentiate(steps, caches, jnp.ones_like(values["J"]))
        return values["J"], {name: gradients[name] for name in params}

    def _layers(self, dropped: bool) -> dict[str, tuple]:
        steps: dict[str, tuple] = {}
        a = "x"
        for layer in range(1, self.depth + 1):
            steps[f"z{layer}"] = (affine, a, f"W{layer}", f"b{layer}")
            if layer < self.depth:
                steps[f"a{layer}"] = (HIDDEN[self.activation], f"z{layer}")
                a = f"a{layer}"
                if dropped:
                    steps[f"d{layer}"] = (dropout(self.keep), a, f"key{layer}")
                    a = f"d{layer}"
        return steps

    def _inputs(self, params: Weights, x: Array, labels: Array, key: Key | None) -> dict[str, Array]:
        if self.widths[-1] == 1:
            labels = labels.astype(x.dtype)[:, None]
        inputs = {"x": x, "labels": labels, **params}
        if self.keep < 1:
            if key is None:
                raise InputError(f"dropout with keep probability {self.keep} needs a key, such as jax.random.key(0)")
            inputs |= {f"key{layer}": jax.random.fold_in(key, layer) for layer in range(1, self.depth)}
        return inputs


def train(
    network: Network,
    params: Weights,
    batches: Iterable[tuple[Array, Array]],
    learning_rate: float,
    key: Key | None = None,
) -> tuple[Weights, Float[np.ndarray, " steps"]]:
    """Gradient descent, θ ← θ − α ∂J/∂θ, one step for each batch (x, labels): the parameters, and J before every step.

    InputError for inputs that are not finite, labels that are not whole numbers in range, and dropout without a key.
    """
    costs = []
    for step, (x, labels) in enumerate(batches):
        _check(x, labels, network.widths[-1])
        step_key = None if key is None else jax.random.fold_in(key, step)
        params, cost = _descend(network, params, x, labels, learning_rate, step_key)
        costs.append(cost)
    return params, np.array(costs)


@partial(jax.jit, static_argnums=0)
def _descend(
    network: Network, params: Weights, x: Array, labels: Array, learning_rate: float | Array, key: Key | None
) -> tuple[Weights, Array]:
    cost, gradients = network.gradients(params, x, labels, key)
    return jax.tree.map(lambda value, gradient: value - learning_rate * gradient, params, gradients), cost


def _check(x: Array, labels: Array, units: int) -> None:
    if not np.isfinite(x).all():
        raise InputError("the inputs of a batch hold a NaN or an infinity: expected finite numbers")
    known = np.arange(max(units, 2))
    wrong = np.setdiff1d(labels, known)
    if wrong.size:
        raise InputError(f"label {wrong[0]}: expected 0 to {known[-1]} for {units} output units")
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"labels {labels.dtype}{list(labels.shape)}: expected one whole number for each example")
