"""The L-layer network: affine maps with an activation between them, of any depth and widths."""

from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
from jaxtyping import Array, Float

from jaxdl.errors import InputError
from jaxdl.layers.activations import relu
from jaxdl.layers.dropout import Dropout
from jaxdl.layers.initializers import he
from jaxdl.layers.normalization import BatchNorm


class MLP(nn.Module):
    """a⁰ = x;  zˡ = aˡ⁻¹Wˡ + bˡ;  aˡ = g(zˡ), dropped out;  the output is the last z, as it is.

    widths      of the input, the hidden layers and the output: (2, 3, 5, 4, 2, 1) has 66 parameters
    activation  g
    kernel_init of every W; biases start at zero
    keep        the probability that dropout keeps a hidden unit, for all hidden layers or one for each
    normalize   "z" or "a": batch normalisation before or after the activation. "z" leaves out the bias: the mean
                would take it away again
    event_axes  trailing axes of x that make up one example; they are flattened

    Each aˡ is sown into the collection "intermediates". InputError for fewer than two widths, for one below 1, for
    inputs of another size and for keeps of another number.
    """

    widths: Sequence[int]
    activation: Callable[[jax.Array], jax.Array] = relu
    kernel_init: Callable = he
    keep: float | Sequence[float] = 1.0
    normalize: str = ""
    event_axes: int = 1

    @nn.compact
    def __call__(
        self, x: Float[Array, "*batch_and_event"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch outputs"]:
        keeps = self._checked(x.shape[x.ndim - self.event_axes :])
        a = x.reshape(*x.shape[: x.ndim - self.event_axes], self.widths[0])
        for layer, (width, keep) in enumerate(zip(self.widths[1:-1], keeps, strict=True), 1):
            bias = self.normalize != "z"
            z = nn.Dense(width, use_bias=bias, kernel_init=self.kernel_init, name=f"dense{layer}")(a)
            if self.normalize == "z":
                z = BatchNorm(name=f"norm{layer}")(z, mask, train)
            a = self.activation(z)
            if self.normalize == "a":
                a = BatchNorm(name=f"norm{layer}")(a, mask, train)
            self.sow("intermediates", f"a{layer}", a)
            a = Dropout(keep)(a, train)
        return nn.Dense(self.widths[-1], kernel_init=self.kernel_init, name="output")(a)

    def _checked(self, shape: tuple[int, ...]) -> tuple[float, ...]:
        """The keep probability of each hidden layer."""
        widths = tuple(self.widths)
        if len(widths) < 2 or min(widths) < 1:
            raise InputError(f"widths {widths}: expected two or more of at least 1, input first, such as (2, 4, 1)")
        size = 1
        for length in shape:
            size *= length
        if size != widths[0]:
            raise InputError(f"widths {widths} begin with {widths[0]}, but an example has {size} values")
        if self.normalize not in ("", "z", "a"):
            raise InputError(f"normalize = {self.normalize!r}: expected '', 'z' or 'a'")
        hidden = len(widths) - 2
        keeps = (self.keep,) * hidden if isinstance(self.keep, float | int) else tuple(self.keep)
        if len(keeps) != hidden:
            raise InputError(f"keep {keeps}: expected one probability or {hidden}, one for each hidden layer")
        return keeps
