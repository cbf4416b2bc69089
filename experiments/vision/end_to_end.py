"""From scene to digit by one network, or by two that find it and then read it, by how many scenes there are.

    python -m experiments.vision.end_to_end

About 74 s on two CPU cores. Finds: from 200 scenes one network reads 0.148 ± 0.024 of the test scenes, two in a row
0.434 ± 0.014; from 800 it is 0.426 ± 0.086 and 0.686 ± 0.045, from 3,200 0.553 ± 0.052 and 0.749 ± 0.045. The gap goes
from 28.6 ± 3.5 points to 19.6 ± 9.5; at the true box the second network reads 0.915 ± 0.023 (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np

from experiments import expect
from jaxdl.boxes import from_centers, iou, to_centers
from jaxdl.data import scenes
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError
from jaxdl.losses.classification import graded
from jaxdl.models.classifier import classifier
from jaxdl.models.localizer import Localizer
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import curves, panels, spread
from jaxdl.report.scenes import TRUE, boxes
from jaxdl.report.style import INK, SIZE
from jaxdl.run import run
from jaxdl.train.predictions import predictions
from jaxdl.train.trials import scores, trials
from jaxdl.typing import Mean

NAMES = ("end to end", "found, then read", "read at the true box")


@dataclass(frozen=True)
class Config:
    sizes: tuple[int, ...] = (200, 800, 3200)
    """Numbers of scenes to train on, with one digit each."""
    tested: int = 500
    size: int = 32
    """Pixels on each side of a scene."""
    scale: tuple[float, float] = (0.35, 0.5)
    """Of a digit's height, as a share of that."""
    clutter: int = 1
    """Quarters of digits in each scene, which are nobody's."""
    window: int = 12
    """Pixels on each side of what is cut out, enlarged or reduced to that, and read."""
    channels: tuple[int, ...] = (8, 16, 32)
    """Of the convolutions of each network."""
    steps: int = 800
    """Of every training, however many scenes it has."""
    batch_size: int = 16
    seeds: int = 3
    """Of the scenes too."""
    optimizer: Chain = Chain("adam", learning_rate=3e-3, decay="cosine")

    def __post_init__(self):
        expect(self, 1, "tested", "window", "channels", "steps", "batch_size")
        if len(self.sizes) < 2 or min(self.sizes) < self.batch_size:
            raise InputError(f"sizes {self.sizes}: expected two or more, each at least a batch of {self.batch_size}")


@lru_cache
def load(config, seed):
    """Scenes of one digit, with `label` and `box`: its centre and sides, as shares of the scene's side."""
    counts = (max(config.sizes), 1, config.tested)
    data = scenes.load(counts, config.size, (1, 1), config.scale, clutter=config.clutter, seed=seed).as_sets()

    def of(part):
        fields = part.fields
        box = to_centers(fields["boxes"][:, 0]) / np.float32(config.size)
        return Arrays({"image": fields["image"], "box": box, "label": fields["labels"][:, 0]})

    return replace(data, train=of(data.train), dev=of(data.dev), test=of(data.test))


def build(config, count, what, seed):
    """One of three trainings on the first `count` scenes: from scene to digit, to `box`, or from window to digit."""
    data = load(config, seed)
    data = replace(data, train=data.train.select(np.arange(count)))
    if what == "read":
        data = windowed(config, data, seed)
    epochs = -(-config.steps // -(-count // config.batch_size))
    model = Localizer(4 if what == "find" else data.classes, config.channels, dense=64)
    grade = graded_box if what == "find" else graded
    task = classifier(model, data, config.optimizer, epochs, config.batch_size, grade=grade)
    return replace(task, evaluate={"test": task.evaluate["test"]})


def graded_box(output, example):
    """Ten times the squared error, and the IoU, of the box."""
    error = ((output - example["box"]) ** 2).sum()
    overlap = iou(from_centers(output), from_centers(example["box"]))
    return {"loss": Mean.of(10 * error, example["mask"]), "iou": Mean.of(overlap, example["mask"])}


def windowed(config, data, seed):
    """What is cut out at the true boxes; in training at boxes a little off, as the finder's will be."""
    rng = np.random.default_rng(seed)

    def of(part, spread=0.0):
        image, box, label = part.fields.values()
        sides = np.tile(box[:, 2:], 2)
        off = (sides * rng.normal(0, spread, box.shape)).astype(np.float32)
        return Arrays({"image": cut(image, box + off, config.window), "label": label})

    shape = (config.window, config.window, 1)
    return replace(data, train=of(data.train, 0.08), dev=of(data.dev), test=of(data.test), shape=shape)


def cut(images, boxes, window):
    """The square around each box, a fifth larger than its longer side, as window × window pixels."""

    def one(image, box):
        side = 1.2 * jnp.maximum(box[2:].max(), 0.1) * len(image)
        scale = window / side
        corner = box[1::-1] * len(image) - side / 2
        shape = (window, window, image.shape[-1])
        return jax.image.scale_and_translate(
            image, shape, (0, 1), jnp.full(2, scale), -corner * scale, method="linear", antialias=False
        )

    return np.asarray(jax.jit(jax.vmap(one))(images, boxes))


def measure(config, run):
    """({name: test accuracy [seeds, sizes]}, the finder's mean IoU [seeds, sizes], finder and reader of the last)."""
    found: dict = {name: [] for name in NAMES}
    overlaps = []
    for count in config.sizes:
        builds = {what: partial(build, config, count, what) for what in ("whole", "find", "read")}
        results = trials(builds, replace(run.within(f"{count} scenes"), evaluate_every=10**6), config.seeds)
        pairs = list(zip(results["find"], results["read"], strict=True))
        chained = [pipeline(config, seed, *pair) for seed, pair in enumerate(pairs)]
        right = [(said == load(config, seed).test.fields["label"]).mean() for seed, (_, said) in enumerate(chained)]
        accuracy = scores({what: results[what] for what in ("whole", "read")}, "test/accuracy")
        for name, values in zip(NAMES, (accuracy["whole"], right, accuracy["read"]), strict=True):
            found[name].append(values)
        overlaps.append([result.metrics["test/iou"] for result in results["find"]])
    return {name: np.stack(values, 1) for name, values in found.items()}, np.stack(overlaps, 1), chained[0]


def pipeline(config, seed, finder, reader):
    """(boxes found in the test scenes [N, 4], what is read there [N])."""
    image = load(config, seed).test.fields["image"]
    real = np.ones(len(image), np.float32)
    count = config.sizes[0]
    box = predictions(build(config, count, "find", seed), finder.state, {"image": image, "mask": real})
    window = {"image": cut(image, box, config.window), "mask": real}
    return box, predictions(build(config, count, "read", seed), reader.state, window).argmax(-1)


def main(config, run):
    found, overlaps, (box, said) = measure(config, run)
    whole, chained, read = (found[name] for name in NAMES)
    told = [
        f"From {count} scenes: test accuracy {spread(whole[:, n])} end to end, {spread(chained[:, n])} found first and "
        f"then read ({spread(read[:, n])} at the true box; the finder's mean IoU is "
        f"{spread(overlaps[:, n])}): {spread(100 * (chained - whole)[:, n], 1)} points for two steps"
        for n, count in enumerate(config.sizes)
    ]
    gain = 100 * (chained - whole).mean(0)
    few, many = config.sizes[0], config.sizes[-1]
    return told, {
        f"Two steps are worth {gain[0]:.0f} points of test accuracy with {few} scenes, {gain[-1]:.0f} with {many}":
            curves({name: (config.sizes, found[name]) for name in NAMES}, "training scenes", "test accuracy", log="x"),
        f"Test scenes, by two steps that learned from {many}: the true box in blue, the found one in orange, and "
        "what is read there": pictures(config, box, said),
    }  # fmt: skip


def pictures(config, box, said, count=12):
    """The first scenes of the first seed."""
    of = load(config, 0).test.fields
    count = min(count, config.tested)
    found, true = (config.size * from_centers(of_all) for of_all in (box, of["box"]))
    sheet, axes = panels([""] * count, "", "", columns=6, width=110, height=125)
    for row, place in enumerate(axes):
        boxes(place, of["image"][row], true[row : row + 1], color=TRUE)
        boxes(place, None, found[row : row + 1], [str(said[row])])
        wrong = said[row] != of["label"][row]
        place.set_title(f"it is {of['label'][row]}" if wrong else "", fontsize=SIZE - 1, color=INK)
    return sheet


if __name__ == "__main__":
    run(main, Config)
