"""Logistic and softmax regression: one linear map, whose decision boundaries are hyperplanes."""

import flax.linen as nn
from jaxtyping import Array, Float


class LogisticRegression(nn.Module):
    """z = xᵀw + b, the logit of class 1. Zero initialisation is right here: the cost is convex."""

    event_axes: int = 1  # trailing axes that make up one example

    @nn.compact
    def __call__(
        self, x: Float[Array, "*batch_and_event"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch 1"]:
        x = x.reshape(*x.shape[: x.ndim - self.event_axes], -1)
        return nn.Dense(1, kernel_init=nn.initializers.zeros, name="output")(x)


class SoftmaxRegression(nn.Module):
    """logits = xᵀW + b. Zero initialisation is right here: the cost is convex."""

    classes: int
    event_axes: int = 1  # trailing axes that make up one example

    @nn.compact
    def __call__(
        self, x: Float[Array, "*batch_and_event"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch classes"]:
        x = x.reshape(*x.shape[: x.ndim - self.event_axes], -1)
        return nn.Dense(self.classes, kernel_init=nn.initializers.zeros, name="output")(x)
