"""Weights in torchvision's naming, out of a `.safetensors` file and into one.

torchvision has images as channels × height × width, kernels as out × in × height × width and dense weights as out × in.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxdl.errors import InputError
from jaxdl.models import safetensors
from jaxdl.models.classifier import initialised
from jaxdl.models.efficientnet import EfficientNet
from jaxdl.models.mobilenet import MobileNetV2
from jaxdl.models.resnet import ResNet
from jaxdl.models.vgg import VGG
from jaxdl.typing import ModelState, Params, path_name

LEAVES = {"kernel": "weight", "scale": "weight", "bias": "bias", "mean": "running_mean", "variance": "running_var"}
"""What torchvision calls a leaf of ours. Its `num_batches_tracked` has no part in what a network computes."""


class Twin(NamedTuple):
    """One of our leaves as torchvision has it.

    hwio   of a kernel, the shape in which it stands over space: (1, 1, in, out) for a dense layer, and for one that
           sees a flattened image (height, width, channels, out)
    """

    name: str
    ours: tuple[int, ...]
    hwio: tuple[int, int, int, int] | None

    @property
    def theirs(self) -> tuple[int, ...]:
        """Its shape in the file."""
        if self.hwio is None:
            return self.ours
        height, width, channels, outputs = self.hwio
        return (outputs, channels, height, width) if len(self.ours) == 4 else (outputs, height * width * channels)

    def as_ours(self, array: np.ndarray) -> np.ndarray:
        if self.hwio is None:
            return array
        height, width, channels, outputs = self.hwio
        return array.reshape(outputs, channels, height, width).transpose(2, 3, 1, 0).reshape(self.ours)

    def as_theirs(self, array: np.ndarray) -> np.ndarray:
        return array if self.hwio is None else array.reshape(self.hwio).transpose(3, 2, 0, 1).reshape(self.theirs)


def load(path: Path, model: nn.Module, shape: tuple[int, ...]) -> tuple[Params, ModelState]:
    """(params, model_state) of `model` in float32, from a file in torchvision's naming.

    shape   of one image, such as (224, 224, 3)
    InputError, and nothing is loaded, where the file's arrays are not the model's: missing, extra, of other shapes, of
    another number of classes, not floating, not finite; and for an unsound file and a model that torchvision does not
    have.
    """
    shapes = _shapes(model, shape)
    twins = {where: _twin(model, where, leaf.shape) for where, leaf in _leaves(*shapes).items()}
    arrays, _ = safetensors.read(path)
    arrays = {name: array for name, array in arrays.items() if not name.endswith(".num_batches_tracked")}
    _compare(path, model, arrays, list(twins.values()))

    def filled(where: tuple, leaf: jax.ShapeDtypeStruct) -> jax.Array:
        twin = twins[path_name(where)]
        return jnp.array(twin.as_ours(arrays[twin.name]), jnp.float32)  # a copy: the file may change

    return jax.tree_util.tree_map_with_path(filled, shapes)


def save(path: Path, params: Params, model_state: ModelState, model: nn.Module) -> None:
    """Writes a file in torchvision's naming, which `load` and PyTorch's `load_state_dict` take."""
    found = {}
    for where, leaf in _leaves(params, model_state).items():
        twin = _twin(model, where, leaf.shape)
        found[twin.name] = twin.as_theirs(np.asarray(leaf))
    safetensors.write(path, found, {"format": "pt"})


def names_and_shapes(model: nn.Module, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """{torchvision's name: its shape there} of all parameters and running statistics; allocates none of them."""
    twins = [_twin(model, where, leaf.shape) for where, leaf in _leaves(*_shapes(model, shape)).items()]
    return {twin.name: twin.theirs for twin in twins}


def _shapes(model: nn.Module, shape: tuple[int, ...]) -> tuple[Params, ModelState]:
    return jax.eval_shape(lambda key: initialised(model, key, shape), jax.random.key(0))


def _leaves(params: Params, model_state: ModelState) -> dict[str, Any]:
    return {path_name(where): leaf for where, leaf in jax.tree_util.tree_leaves_with_path((params, model_state))}


def _twin(model: nn.Module, path: str, shape: tuple[int, ...]) -> Twin:
    """Of the leaf `0/layer1_0/conv1/kernel` of (params, model_state); `1/batch_stats/…` is of the second."""
    *module, leaf = path.removeprefix("0/").removeprefix("1/batch_stats/").split("/")
    name = f"{torchvision_module(model, '/'.join(module))}.{LEAVES[leaf]}"
    if leaf != "kernel":
        return Twin(name, shape, None)
    if len(shape) == 4:
        return Twin(name, shape, shape)
    grid = model.grid if isinstance(model, VGG) and name == "classifier.0.weight" else 1
    return Twin(name, shape, (grid, grid, shape[0] // grid**2, shape[1]))


def torchvision_module(model: nn.Module, ours: str) -> str:
    """What torchvision calls the module `layer1_0/conv1`. InputError for a model that it does not have."""
    for kind, rule in RULES.items():
        if isinstance(model, kind):
            return rule(model, ours)
    known = ", ".join(kind.__name__ for kind in RULES)
    raise InputError(f"{type(model).__name__}: torchvision's naming is known for {known}")


def _resnet(model: ResNet, ours: str) -> str:
    """layer1_0/conv1 is layer1.0.conv1, and a projected shortcut the pair downsample.0, .1."""
    block, _, layer = ours.rpartition("/")
    layer = {"downsample_conv": "downsample.0", "downsample_bn": "downsample.1"}.get(layer, layer)
    return f"{block.replace('_', '.')}.{layer}" if block else layer


def _vgg(model: VGG, ours: str) -> str:
    """`features` counts convolutions, activations and poolings, `classifier` dense layers, activations and dropout."""
    if ours == "output":
        return f"classifier.{3 * len(model.dense)}"
    if ours.startswith("dense"):
        return f"classifier.{3 * (int(ours.removeprefix('dense')) - 1)}"
    stage, number = map(int, ours.removeprefix("conv").split("_"))
    return f"features.{2 * (sum(model.convolutions[: stage - 1]) + number - 1) + stage - 1}"


def _mobilenet_v2(model: MobileNetV2, ours: str) -> str:
    """`features` counts the stem, all blocks and the head; `conv` the layers of a block, the last pair singly."""
    if ours == "output":
        return "classifier.1"
    *place, layer, part = ours.split("/")
    one = {"conv": 0, "bn": 1}[part]
    blocks = [stage.blocks for stage in model.stages]
    if not place:
        return f"features.{0 if layer == 'stem' else sum(blocks) + 1}.{one}"
    stage, block = _stage_and_block(place[0])
    number = ("expand", "depthwise", "project").index(layer) - (model.stages[stage - 1].expansion == 1)
    inside = f"{number + one}" if layer == "project" else f"{number}.{one}"
    return f"features.{sum(blocks[: stage - 1]) + block + 1}.conv.{inside}"


def _efficientnet(model: EfficientNet, ours: str) -> str:
    """`features` counts the stem, the stages and the head; `block` the layers of a block."""
    if ours == "output":
        return "classifier.1"
    *place, layer, part = ours.split("/")
    inside = {"conv": "0", "bn": "1", "reduce": "fc1", "expand": "fc2"}[part]
    if not place:
        return f"features.{0 if layer == 'stem' else len(model.stages) + 1}.{inside}"
    stage, block = _stage_and_block(place[0])
    layers = ("expand", "depthwise", "squeeze_excite", "project")
    number = layers.index(layer) - (model.stages[stage - 1].expansion == 1)
    return f"features.{stage}.{block}.block.{number}.{inside}"


def _stage_and_block(ours: str) -> tuple[int, int]:
    """(1, 0) of `stage1_0`."""
    stage, block = ours.removeprefix("stage").split("_")
    return int(stage), int(block)


RULES: dict[type[nn.Module], Callable[..., str]] = {
    ResNet: _resnet,
    VGG: _vgg,
    MobileNetV2: _mobilenet_v2,
    EfficientNet: _efficientnet,
}
"""For each kind of model: (model, our module) -> torchvision's module."""


def _compare(path: Path, model: nn.Module, arrays: dict[str, np.ndarray], twins: list[Twin]) -> None:
    """InputError that lists where the file's arrays are not those of the model."""
    wanted = {twin.name: twin.theirs for twin in twins}
    found = {name: arrays[name].shape for name in wanted if name in arrays}
    reshaped = [name for name in found if found[name] != wanted[name]]
    wrong = [f"missing {name}" for name in wanted if name not in found]
    wrong += [f"extra {name!r}"[:100] for name in arrays if name not in wanted]
    wrong += [f"{name} is {list(found[name])}, not {list(wanted[name])}" for name in reshaped]
    wrong += [
        f"{name} is {arrays[name].dtype}, not floating"
        for name in found
        if not jnp.issubdtype(arrays[name].dtype, jnp.floating)
    ]
    with np.errstate(over="ignore"):  # what is too large is infinite then
        wrong += [
            f"{name} is not finite in float32"
            for name in found
            if not np.isfinite(arrays[name].astype(np.float32)).all()
        ]
    if not wrong:
        return
    classes = {found[name][0] for name in reshaped if found[name] and found[name][1:] == wanted[name][1:]}
    if len(wrong) == len(reshaped) == 2 and len(classes) == 1:
        count, ours = classes.pop(), wanted[reshaped[0]][0]
        raise InputError(f"{path} has {count} classes, not {ours}: load it so, then give the model a new head")
    more = f" and {len(wrong) - 10} more" if len(wrong) > 10 else ""
    raise InputError(f"{path} is not of this {type(model).__name__}: {'; '.join(wrong[:10])}{more}")
