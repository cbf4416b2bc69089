"""Softmax regression: one linear map and a softmax, whose decision boundaries are hyperplanes."""

import flax.linen as nn
from jaxtyping import Array, Float


class SoftmaxRegression(nn.Module):
    """logits = xᵀW + b. Zero initialisation is right here: the cost is convex."""

    classes: int
    event_axes: int = 1  # trailing axes that make up one example

    @nn.compact
    def __call__(self, x: Float[Array, "*batch_and_event"]) -> Float[Array, "*batch classes"]:
        x = x.reshape(*x.shape[: x.ndim - self.event_axes], -1)
        return nn.Dense(self.classes, kernel_init=nn.initializers.zeros, name="output")(x)
