"""Embeddings of images in which one identity lies close together: FaceNet's, and a Siamese network's."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import flax.linen as nn
import jax
from jaxtyping import Array, Float

from jaxdl.data.batches import Batches
from jaxdl.data.identities import Grouped
from jaxdl.data.parts import Sets
from jaxdl.layers.convolution import Conv
from jaxdl.layers.initializers import he
from jaxdl.layers.normalization import BatchNorm
from jaxdl.layers.pooling import max_pool
from jaxdl.losses.metric_learning import absolute_difference, chi_squared
from jaxdl.models.classifier import initialised
from jaxdl.optim.chain import Chain
from jaxdl.task import Task
from jaxdl.typing import Example, Key, Mean, ModelState, Params


class Features(nn.Module):
    """For each width a 3×3 convolution, batch norm, ReLU and a 2×2 max pool; then a dense layer of `dimension`.

    dimension 0 leaves the dense layer out: what the last pool gives is the embedding, as wide as it comes. From few
    identities a dense layer learns to tell these apart, and little else.
    """

    dimension: int = 64
    widths: Sequence[int] = (32, 64)

    @nn.compact
    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch d"]:
        x = image
        for place, width in enumerate(self.widths, 1):
            x = Conv(width, 3, padding=1, use_bias=False, kernel_init=he, name=f"conv{place}")(x)
            x = max_pool(nn.relu(BatchNorm(name=f"bn{place}")(x, mask, train)))
        x = x.reshape(*x.shape[:-3], -1)
        return nn.Dense(self.dimension, name="output")(x) if self.dimension else x


class FaceNet(nn.Module):
    """f(x) of length 1, so that ‖f − f'‖² = 2 − 2 cos lies in [0, 4]. Source: Schroff et al. (2015), section 3.

    Theirs are deeper, with a dense layer of 128; what comes after it is the same.
    """

    dimension: int = 64
    widths: Sequence[int] = (32, 64)

    @nn.compact
    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch d"]:
        x = Features(self.dimension, self.widths, name="features")(image, mask, train)
        return x * jax.lax.rsqrt((x**2).sum(-1, keepdims=True) + 1e-12)


class Siamese(nn.Module):
    """Features f(x) ≥ 0, and a logistic unit on how those of two images differ, feature by feature.

    P(same) = σ(Σ wₖ dₖ + b),  dₖ = |fₖ − f'ₖ| or (fₖ − f'ₖ)² / (fₖ + f'ₖ + ε)
    Source: Taigman et al. (2014), "DeepFace", section 4.
    """

    difference: Literal["absolute", "chi-squared"] = "absolute"
    dimension: int = 64
    widths: Sequence[int] = (32, 64)

    def setup(self) -> None:
        self.features = Features(self.dimension, self.widths)
        self.unit = nn.Dense(1)

    def __call__(
        self, image: Float[Array, "*batch h w c"], mask: Float[Array, ""] | float = 1.0, train: bool = False
    ) -> Float[Array, "*batch d"]:
        f = nn.relu(self.features(image, mask, train))
        if self.is_initializing():
            self.compare(f, f)
        return f

    def compare(self, f: Float[Array, "*n d"], g: Float[Array, "*m d"]) -> Float[Array, "*_"]:
        """The logit of "one identity"; the two may be swapped."""
        differ = absolute_difference if self.difference == "absolute" else chi_squared
        return self.unit(differ(f, g))[..., 0]


def metric_learner(
    model: nn.Module,
    data: Sets,
    cost: Callable[[Params, Array, Example], Array],
    optimizer: Chain,
    epochs: int,
    batch_size: int,
    *,
    augment: Callable[[Key, Array], Array] | None = None,
    group: int = 0,
) -> Task:
    """Trains `model` on data.train to put one identity close together; `predict` gives the embedding of an example.

    cost     (params, embedding, example) -> the loss of one anchor, such as `batch_triplet` of its label and mask
    augment  (key, image) -> image, in training only
    group    images of one identity that stand together in a batch (`data.identities.Grouped`); 0: in any order

    Nothing is scored in training: what counts are identities that are not in it, and pairs of them.
    """
    plain = Batches(data.train, batch_size, remainder="drop")
    train = Grouped(data.train, batch_size, group) if group else plain
    steps = epochs * train.steps_per_epoch

    def predict(params: Params, model_state: ModelState, example: Example) -> Array:
        return model.apply({"params": params, **model_state}, example[data.inputs])

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, Any]:
        x = augment(key, example[data.inputs]) if augment else example[data.inputs]
        variables = {"params": params, **model_state}
        embedding, state = model.apply(variables, x, example["mask"], True, mutable=list(model_state))
        return Mean.of(cost(params, embedding, example), example["mask"]), (state, {})

    return Task(
        init=lambda key: initialised(model, key, data.shape),
        loss=loss,
        optimizer=optimizer.build(steps, train.steps_per_epoch),
        train=train,
        steps=steps,
        predict=predict,
    )
