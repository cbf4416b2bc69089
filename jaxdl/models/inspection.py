"""What a network sees: what its layers put out, where they look, which images and patches they answer to.

A model is called as `model(x)`, and its layers go by their names in the tree of parameters, such as `layer2_0/conv1`.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from jaxdl.data.augment import random_shift
from jaxdl.errors import InputError, chosen
from jaxdl.typing import Array, Key, path_name

Variables = Any
"""{"params": …, "batch_stats": …}, what `model.apply` takes."""


def activations(model: nn.Module, variables: Variables, x: Array) -> dict[str, Array]:
    """{layer: what it puts out, when first called} for an example or a batch; the whole model's is there as ""."""
    _, kept = model.apply(variables, x, capture_intermediates=True, mutable=["intermediates"])
    found = {}
    for path, value in jax.tree_util.tree_leaves_with_path(kept["intermediates"]):
        name, _, call = path_name(path).rpartition("__call__/")
        if call == "0":
            found[name.removesuffix("/")] = value
    return found


def layers(model: nn.Module, variables: Variables, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """{layer: the shape of what it puts out} for one example of this shape."""
    found = jax.eval_shape(functools.partial(activations, model), variables, jax.ShapeDtypeStruct(shape, jnp.float32))
    return {name: value.shape for name, value in found.items() if name}


def layer_of(model: nn.Module, variables: Variables, shape: tuple[int, ...], layer: str) -> Callable[[Array], Array]:
    """x -> what the layer puts out, for an example or a batch. InputError for a layer that the model has not."""
    chosen("layer", layer, layers(model, variables, shape))
    return lambda x: activations(model, variables, x)[layer]


def saliency(
    model: nn.Module, variables: Variables, image: Float[Array, "h w c"], label: Array | int
) -> Float[Array, "h w"]:
    """|∂ z_label / ∂ image|, the largest over the channels: which pixels the logit hangs on.

    Source: Simonyan, Vedaldi and Zisserman (2014), "Deep Inside Convolutional Networks", section 3.
    """
    gradient = jax.grad(lambda image: jnp.asarray(model.apply(variables, image))[label])(image)
    return jnp.abs(gradient).max(-1)


def maximise(
    objective: Callable[[Array], Array],
    shape: tuple[int, ...],
    key: Key,
    steps: int = 200,
    rate: float = 0.05,
    l2: float = 0.01,
    max_shift: int = 1,
) -> Float[Array, "n h w c"]:
    """Images [n, h, w, c], the shape given, that climb objective(images) [n] − l2 ‖image‖², each on its own, by Adam.

    They begin as faint noise. In every step each is moved by up to max_shift pixels before it is looked at, so that
    what it shows does not hang on single pixels. The step is one program and its loop is Python's: within a `scan` XLA
    runs convolutions on one core. Source: Simonyan, Vedaldi and Zisserman (2014), section 2.
    """
    optimizer = optax.adam(rate)

    def cost(images: Array, key: Key) -> Array:
        keys = jax.random.split(key, len(images))
        moved = jax.vmap(functools.partial(random_shift, max_shift=max_shift))(keys, images)
        return l2 * (images**2).sum() - objective(moved).sum()

    @jax.jit
    def climb(images: Array, state: Any, key: Key) -> tuple[Array, Any]:
        updates, state = optimizer.update(jax.grad(cost)(images, key), state)
        return optax.apply_updates(images, updates), state

    k_start, k_steps = jax.random.split(key)
    images = 0.01 * jax.random.normal(k_start, shape)
    state = optimizer.init(images)
    for step in range(steps):
        images, state = climb(images, state, jax.random.fold_in(k_steps, step))
    return images


class Box(NamedTuple):
    """Rows top to bottom and columns left to right of an image, the ends excluded."""

    top: int
    bottom: int
    left: int
    right: int


def receptive_field(
    model: nn.Module, variables: Variables, shape: tuple[int, ...], layer: str, place: tuple[int, ...] = ()
) -> Box:
    """The part of an image [h, w, c] that this place of a layer looks at: where a gradient is not zero.

    place  (row, column) in what the layer puts out; () of a dense one

    Of random images, and of a random sum over the place's units, so that what one image hides behind a ReLU or a
    maximum another shows. InputError for a place that the layer has not.
    """
    return _receptive_fields(model, variables, shape, layer)(place)


def _receptive_fields(
    model: nn.Module, variables: Variables, shape: tuple[int, ...], layer: str, draws: int = 32
) -> Callable[[tuple[int, ...]], Box]:
    """place -> its receptive field, compiled once for all places of the layer."""
    output = layer_of(model, variables, shape, layer)
    *space, units = layers(model, variables, shape)[layer]
    k_images, k_weights = jax.random.split(jax.random.key(0))
    images, weights = jax.random.normal(k_images, (draws, *shape)), jax.random.normal(k_weights, (draws, units))

    @jax.jit
    def reached(place: tuple[Array, ...]) -> Array:
        def of_one(image: Array, weights: Array) -> Array:
            return jnp.abs(jax.grad(lambda image: output(image)[place] @ weights)(image)).max(-1) > 0

        return jax.vmap(of_one)(images, weights).any(0)

    def field(place: tuple[int, ...]) -> Box:
        if len(place) != len(space) or any(not 0 <= at < size for at, size in zip(place, space, strict=True)):
            raise InputError(f"place {place} of {layer}: expected one in {tuple(space)}")
        seen = np.asarray(reached(place))
        rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
        if not rows.size:
            raise InputError(f"no pixel reaches {layer} at {place}: are its weights all zero?")
        return Box(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)

    return field


class Patch(NamedTuple):
    """Part of an image that a unit answers to: which image, which part, and with how much."""

    image: int
    box: Box
    activation: float


def top_patches(
    model: nn.Module,
    variables: Variables,
    images: np.ndarray,
    layer: str,
    units: Sequence[int] | None = None,
    count: int = 9,
    chunk: int = 256,
) -> dict[int, list[Patch]]:
    """{unit: the patches that activate it most, the best first}, at most one of each image [n, h, w, c].

    Each is the receptive field of the place where the unit is most active in its image. units None is all of them.
    InputError for a unit or layer that is not there. Source: Zeiler and Fergus (2014), section 3.
    """
    shape = images.shape[1:]
    output = layer_of(model, variables, shape, layer)
    *space, width = layers(model, variables, shape)[layer]
    wanted = range(width) if units is None else units
    for unit in wanted:
        if not 0 <= unit < width:
            raise InputError(f"unit {unit} of {layer}: expected 0 to {width - 1}")

    @jax.jit
    def strongest(x: Array) -> tuple[Array, Array]:
        y = output(x).reshape(len(x), -1, width)
        return y.max(1), y.argmax(1)

    parts = [strongest(jnp.asarray(images[at : at + chunk])) for at in range(0, len(images), chunk)]
    answers, at = (np.concatenate([np.asarray(part[k]) for part in parts]) for k in (0, 1))
    field = functools.cache(_receptive_fields(model, variables, shape, layer))
    found = {}
    for unit in wanted:
        best = np.argsort(-answers[:, unit], kind="stable")[:count]
        places = (
            [tuple(int(i) for i in np.unravel_index(at[image, unit], space)) for image in best]
            if space
            else [()] * len(best)
        )
        found[unit] = [
            Patch(int(image), field(place), float(answers[image, unit]))
            for image, place in zip(best, places, strict=True)
        ]
    return found
