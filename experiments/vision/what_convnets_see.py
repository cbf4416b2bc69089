"""What a ConvNet sees: best patches, saliency and ideal images of a small VGG (Zeiler and Fergus, 2014).

    python -m experiments.vision.what_convnets_see

About 55 s on two CPU cores. Finds: of the 9 patches that a unit answers to most, one digit has 0.44 ± 0.05 in the first
layer, which sees 3×3 pixels, 0.60 ± 0.07 in the fourth, which sees 14×14, and 0.71 ± 0.02 in the dense one; 0.39 ± 0.14
of the saliency lies on the 0.32 of an image that is ink (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from experiments import expect
from jaxdl.data import images
from jaxdl.data.augment import random_shift
from jaxdl.errors import InputError, chosen
from jaxdl.models.classifier import classifier
from jaxdl.models.inspection import layers, maximise, receptive_field, saliency, top_patches
from jaxdl.models.vgg import VGG
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import dots, spread
from jaxdl.report.gallery import gallery
from jaxdl.run import run
from jaxdl.train.trials import trials


@dataclass(frozen=True)
class Config:
    layers: tuple[str, ...] = ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "dense1")
    """By name, in the order of depth; those with places are shown as patches, dense ones as whole images."""
    units: int = 5
    """Of each layer, to show."""
    patches: int = 9
    """Of each unit: those that activate it most."""
    climb: int = 150
    """Steps of the gradient ascent on an image."""
    seeds: int = 3
    epochs: int = 15
    batch_size: int = 64
    optimizer: Chain = Chain("adam", learning_rate=3e-3, decay="cosine")

    def __post_init__(self):
        expect(self, 1, "layers", "units", "patches", "epochs", "batch_size")


def network(data):
    return VGG(data.classes, (2, 2), (16, 32), grid=2, dense=(64,))


def load(seed):
    return images.load("digits", size=16, seed=seed)


def build(config, seed):
    data = load(seed)
    moved = partial(random_shift, max_shift=1)
    return classifier(network(data), data, config.optimizer, config.epochs, config.batch_size, augment=moved)


def measure(config, run):
    """{what: a value a seed}, and what the first seed's network is to be shown with: (model, variables, images)."""
    check_layers(config)
    once = replace(run, evaluate_every=run.evaluate_every or 10**6)
    results = trials({"vgg": partial(build, config)}, once, config.seeds)["vgg"]
    found: dict[str, list[float]] = {}
    shown = None
    for seed, result in enumerate(results):
        data, variables = load(seed), {"params": result.state.params}
        model, dev = network(data), data.dev[np.arange(len(data.dev))]
        values = {
            **purity(config, model, variables, dev),
            **on_ink(model, variables, dev),
            "probability of its class": float(ideal(config, model, variables, data.shape, data.classes)[1].mean()),
        }
        for name, value in values.items():
            found.setdefault(name, []).append(value)
        shown = shown or (model, variables, dev)
    return {name: np.array(values) for name, values in found.items()}, shown


def check_layers(config):
    """InputError for layers and units that the network has not: they are better told before the training."""
    data = load(0)
    model = network(data)
    known = layers(model, jax.eval_shape(model.init, jax.random.key(0), jnp.zeros(data.shape)), data.shape)
    for layer in config.layers:
        units = chosen("layer", layer, known)[-1]
        if config.units > units:
            raise InputError(f"--units {config.units}: expected at most the {units} of {layer}")


def purity(config, model, variables, dev):
    """{layer: of a unit's best patches, how many come from one and the same digit, the mean over its units}."""
    found = {}
    for layer in config.layers:
        best = top_patches(model, variables, dev["image"], layer, count=config.patches)
        digits = [dev["label"][[patch.image for patch in patches]] for patches in best.values()]
        found[layer] = float(np.mean([np.bincount(of).max() / len(of) for of in digits]))
    return found


def on_ink(model, variables, dev):
    """How much of the saliency of the true class lies on ink, and of the image is ink: brighter than the middle."""
    maps = np.asarray(jax.jit(jax.vmap(partial(saliency, model, variables)))(dev["image"], dev["label"]))
    gray = dev["image"].mean(-1)
    ink = gray > (gray.max((1, 2), keepdims=True) + gray.min((1, 2), keepdims=True)) / 2
    share = (maps * ink).sum((1, 2)) / maps.sum((1, 2))
    return {"saliency on ink": float(share.mean()), "ink": float(ink.mean())}


def ideal(config, model, variables, shape, classes):
    """(an image for each class that climbs its logit, what the network gives that class)."""

    def logits(images):
        return model.apply(variables, images)[jnp.arange(classes), jnp.arange(classes)]

    climbed = maximise(logits, (classes, *shape), jax.random.key(0), config.climb)
    probabilities = jax.nn.softmax(model.apply(variables, climbed))
    return climbed, probabilities[jnp.arange(classes), jnp.arange(classes)]


def main(config, run):
    found, (model, variables, dev) = measure(config, run)
    first, last = config.layers[0], config.layers[-1]
    told = [f"Of a unit's {config.patches} best patches one digit has: " + ", ".join(
        f"{spread(found[layer], 2)} in {layer}, which sees {seen(model, variables, dev, layer)}"
        for layer in config.layers
    )]  # fmt: skip
    told += [
        f"{spread(found['saliency on ink'], 2)} of the saliency lies on ink, which is {spread(found['ink'], 2)} "
        "of an image",
        f"The network gives the images made for a class {spread(found['probability of its class'], 4)} of that class",
    ]
    figures = {
        f"Of a unit's best patches the most frequent digit has {found[first].mean():.2f} in {first}, "
        f"{found[last].mean():.2f} in {last}": dots(
            {layer: found[layer] for layer in config.layers}, "share of the most frequent digit"
        ),
        **{f"{layer}: what its first {config.units} units answer to most": best(config, model, variables, dev, layer)
           for layer in config.layers},
        "Where the logit of the true class hangs on the image: its saliency": salient(model, variables, dev),
        "Made by climbing: the image that has the highest logit of each class": climbed(config, model, variables, dev),
    }  # fmt: skip
    return told, figures


def seen(model, variables, dev, layer):
    """`6×6 pixels`: what the middle of a layer looks at."""
    shape = dev["image"].shape[1:]
    *space, _ = layers(model, variables, shape)[layer]
    box = receptive_field(model, variables, shape, layer, tuple(size // 2 for size in space))
    return f"{box.bottom - box.top}×{box.right - box.left} pixels"


def best(config, model, variables, dev, layer):
    """A row for each unit: its best patches, those at the border filled up with the darkest value."""
    found = top_patches(model, variables, dev["image"], layer, range(config.units), config.patches)
    rows = {}
    for unit, patches in found.items():
        side = max(max(b.bottom - b.top, b.right - b.left) for _, b, _ in patches)
        rows[f"unit {unit}"] = [cut(dev["image"][image], box, side) for image, box, _ in patches]
    return gallery(rows)


def cut(image, box, side):
    """The part of an image in a box, filled up to side × side at the border that it lies at."""
    part = image[box.top : box.bottom, box.left : box.right]
    high, wide = side - part.shape[0], side - part.shape[1]
    rows = (high, 0) if box.top == 0 else (0, high)
    columns = (wide, 0) if box.left == 0 else (0, wide)
    return np.pad(part, (rows, columns, (0, 0)), constant_values=image.min())


def salient(model, variables, dev):
    """The first image of each digit above its saliency."""
    rows = [int(np.flatnonzero(dev["label"] == digit)[0]) for digit in np.unique(dev["label"])]
    maps = jax.vmap(partial(saliency, model, variables))(dev["image"][rows], dev["label"][rows])
    return gallery({"image": list(dev["image"][rows]), "saliency": list(np.asarray(maps)[..., None])})


def climbed(config, model, variables, dev):
    """The ideal image of each class under its name."""
    classes = int(dev["label"].max()) + 1
    found, _ = ideal(config, model, variables, dev["image"].shape[1:], classes)
    return gallery({"climbed": list(np.asarray(found))}, heads=[str(digit) for digit in range(classes)])


if __name__ == "__main__":
    run(main, Config)
