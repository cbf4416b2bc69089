"""LeNet-5 (LeCun, Bottou, Bengio and Haffner, 1998, figure 2), in its modern form: ReLU, max pooling, softmax."""

import flax.linen as nn
from jaxtyping import Array, Float

from jaxdl.layers.convolution import Conv
from jaxdl.layers.pooling import max_pool


class LeNet5(nn.Module):
    """conv 5×5×6, pool, conv 5×5×16, pool, dense 120, dense 84, dense `classes`.

    A 32×32×1 image gives 28×28×6, 14×14×6, 10×10×16, 5×5×16 = 400, 120, 84, 10 values: 61,706 parameters.
    """

    classes: int = 10

    @nn.compact
    def __call__(self, image: Float[Array, "*batch h w c"]) -> Float[Array, "*batch classes"]:
        x = image
        he = nn.initializers.he_normal()
        for name, filters in (("conv1", 6), ("conv2", 16)):
            x = max_pool(nn.relu(Conv(filters, 5, kernel_init=he, name=name)(x)))
        x = x.reshape(*x.shape[:-3], -1)
        for name, width in (("dense1", 120), ("dense2", 84)):
            x = nn.relu(nn.Dense(width, kernel_init=he, name=name)(x))
        return nn.Dense(self.classes, name="output")(x)
