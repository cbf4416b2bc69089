"""What ends a network: an output activation with its loss, averaged over the batch, and the L2 penalty."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxdl.backprop.graph import Node
from jaxdl.errors import InputError


def _softmax_with_loss(
    z: Float[Array, "m classes"], labels: Int[Array, " m"]
) -> tuple[Float[Array, ""], tuple[Array, Array]]:
    log_p = jax.nn.log_softmax(z)
    loss = -jnp.take_along_axis(log_p, labels[:, None], 1).mean()
    return loss, (jnp.exp(log_p), labels)


def _softmax_with_loss_backward(cache: tuple, upstream: Float[Array, ""]) -> tuple[Float[Array, "m classes"], None]:
    probabilities, labels = cache
    targets = jax.nn.one_hot(labels, probabilities.shape[1], dtype=probabilities.dtype)
    return upstream * (probabilities - targets) / len(labels), None


softmax_with_loss = Node(_softmax_with_loss, _softmax_with_loss_backward)
"""J = −(1/m) Σ log ŷ[label] (nats), ŷ = softmax(z); ∂z = (ŷ − y) / m, y being the one-hot label."""


def _sigmoid_with_loss(
    z: Float[Array, "m units"], targets: Float[Array, "m units"]
) -> tuple[Float[Array, ""], tuple[Array, Array]]:
    return (jax.nn.softplus(z) - targets * z).sum() / len(z), (jax.nn.sigmoid(z), targets)


def _sigmoid_with_loss_backward(cache: tuple, upstream: Float[Array, ""]) -> tuple[Float[Array, "m units"], None]:
    probabilities, targets = cache
    return upstream * (probabilities - targets) / len(targets), None


sigmoid_with_loss = Node(_sigmoid_with_loss, _sigmoid_with_loss_backward)
"""J = −(1/m) Σ (y log ŷ + (1 − y) log(1 − ŷ)) (nats), ŷ = σ(z), summed over the units; ∂z = (ŷ − y) / m."""


def l2_penalty(strength: float) -> Node:
    """s = λ/2 Σ‖W‖² over the weights given; ∂W = λ W. InputError if λ is negative."""
    if not strength >= 0:
        raise InputError(f"L2 penalty {strength}: expected 0 or more")

    def forward(*weights: Float[Array, "..."]) -> tuple[Float[Array, ""], tuple[Array, ...]]:
        return strength / 2 * jnp.stack([(W**2).sum() for W in weights]).sum(), weights

    def backward(weights: tuple, upstream: Float[Array, ""]) -> tuple[Float[Array, "..."], ...]:
        return tuple(upstream * strength * W for W in weights)

    return Node(forward, backward)
