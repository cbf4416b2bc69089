"""Neural style transfer as a Task: what is trained is an image; the network only looks at it (Gatys et al., 2016)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from jaxdl.data.batches import Batches
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError, chosen
from jaxdl.layers.activations import relu
from jaxdl.losses import style as losses
from jaxdl.models import inspection
from jaxdl.models.inspection import Variables
from jaxdl.task import Task
from jaxdl.typing import Array, Example, Key, Mean, ModelState, Params

Features = Callable[[Variables, Array], dict[str, Array]]
"""(variables, image [h, w, 3]) -> {layer: its activations [h, w, c]}"""


def rectified(model: nn.Module, layers: Sequence[str]) -> Features:
    """max(0, ·) of what these layers of a model put out, which is called as `model(x)`.

    InputError, when called, for a layer that the model has not, and for one without places.
    """

    def features(variables: Variables, image: Array) -> dict[str, Array]:
        found = inspection.activations(model, variables, image)
        kept = {layer: relu(chosen("layer", layer, found)) for layer in layers}
        for layer, a in kept.items():
            if a.ndim != 3:
                raise InputError(f"layer {layer!r} puts out {a.shape}: expected one of places and channels [h, w, c]")
        return kept

    return features


def style_transfer(
    features: Features,
    variables: Variables,
    content: Float[np.ndarray, "h w c"],
    style: Float[np.ndarray, "high wide c"],
    *,
    content_layer: str,
    style_layers: Mapping[str, float],
    optimizer: optax.GradientTransformation,
    steps: int,
    alpha: float = 1.0,
    beta: float = 12.0,
    gamma: float = 3.0,
    start: Literal["noise", "content"] = "noise",
) -> Task:
    """Paints the content in the style: minimises J(G) = α·content + β·Σ λ·style + γ·total variation over an image G.

    features      what the losses see of an image; each layer is divided by its root mean square over both images, so
                  that the weights mean the same whatever the network
    variables     of the network; they are part of the model state, which stays as it is
    style_layers  {layer: λ}
    optimizer     of the image, `params["image"]`
    start         from pixels uniform in [0, 1], or from the content

    The one training example holds what J compares with: `content`, `gram/LAYER` and `rms/LAYER`.
    InputError for images that differ in shape, for weights that are negative or not finite, and for a layer that is not
    among the features.
    """
    if content.shape != style.shape:
        raise InputError(f"a content image {content.shape} and a style image {style.shape}: expected equal shapes")
    if not style_layers or not all(0 <= weight < np.inf for weight in (alpha, beta, gamma, *style_layers.values())):
        raise InputError(
            f"weights {alpha}, {beta}, {gamma}, {dict(style_layers)}: expected finite ones of 0 or more, and some layer"
        )
    targets = _targets(features, variables, content, style, content_layer, style_layers)

    def init(key: Key) -> tuple[Params, ModelState]:
        image = jax.random.uniform(key, content.shape) if start == "noise" else jnp.asarray(content)
        return {"image": image}, {"network": variables}

    def loss(params: Params, model_state: ModelState, example: Example, key: Key) -> tuple[Mean, Any]:
        seen = features(model_state["network"], params["image"])
        seen = {layer: a / example[f"rms/{layer}"] for layer, a in seen.items()}
        grams = {layer: example[f"gram/{layer}"] for layer in style_layers}
        parts = {
            "content": losses.content(example["content"], seen[content_layer]),
            "style": losses.layered_style(grams, seen, style_layers),
            "total_variation": losses.total_variation(params["image"]),
        }
        cost = alpha * parts["content"] + beta * parts["style"] + gamma * parts["total_variation"]
        metrics = {name: Mean.of(value, example["mask"]) for name, value in parts.items()}
        return Mean.of(cost, example["mask"]), (model_state, metrics)

    return Task(init, loss, optimizer, Batches(Arrays(targets), 1, shuffle=False), steps)


def _targets(
    features: Features,
    variables: Variables,
    content: np.ndarray,
    style: np.ndarray,
    content_layer: str,
    style_layers: Mapping[str, float],
) -> dict[str, np.ndarray]:
    """The fields of the one example."""
    look = jax.jit(features)
    a_C, a_S = look(variables, jnp.asarray(content)), look(variables, jnp.asarray(style))
    for layer in (content_layer, *style_layers):
        chosen("layer", layer, a_C)
    squares = {layer: (np.square(a_C[layer]).mean() + np.square(a_S[layer]).mean()) / 2 for layer in a_C}
    rms = {layer: np.sqrt(square or 1.0, dtype=np.float32) for layer, square in squares.items()}
    fields = {"content": a_C[content_layer] / rms[content_layer]}
    for layer, scale in rms.items():
        fields[f"rms/{layer}"] = scale
        if layer in style_layers:
            fields[f"gram/{layer}"] = losses.gram(a_S[layer] / scale)
    return {name: np.asarray(value)[None] for name, value in fields.items()}
