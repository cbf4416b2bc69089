"""Pooling without overlap. It has no parameters."""

from jaxtyping import Array, Float


def max_pool(x: Float[Array, "*batch h w c"], size: int = 2) -> Float[Array, "*batch h//{size} w//{size} c"]:
    """y[i, j] = max of the size × size window at (size·i, size·j); rows and columns left over are dropped.

    Written as a reshape and a maximum: on a CPU the gradient of `reduce_window` (select-and-scatter) would double the
    step time of LeNet-5. Where values tie, the gradient is shared equally between them.
    """
    *batch, height, width, channels = x.shape
    height, width = height // size, width // size
    x = x[..., : height * size, : width * size, :]
    return x.reshape(*batch, height, size, width, size, channels).max((-4, -2))
