"""U-Net: the digit that each pixel of a scene belongs to (Ronneberger, Fischer and Brox, 2015).

    python -m experiments.vision.unet

About 68 s on two CPU cores. Finds: on test scenes the mean IoU over the background and ten digits is 0.838 ± 0.026, the
mean Dice 0.909 ± 0.017; 0.968 ± 0.002 of the digits' pixels are taken for some digit (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Literal

import numpy as np

from experiments import expect
from jaxdl.data import scenes
from jaxdl.data.parts import Sets
from jaxdl.errors import InputError
from jaxdl.losses.segmentation import graded_pixels, soft_dice, soft_iou
from jaxdl.models.classifier import classifier
from jaxdl.models.unet import UNet
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import panels, spread
from jaxdl.report.scenes import masks
from jaxdl.report.style import INK, SIZE, color, figure, tidy
from jaxdl.run import run
from jaxdl.score.segmentation import dice, iou, mean_dice, mean_iou, pixel_counts
from jaxdl.train.predictions import predictions
from jaxdl.train.trials import trials
from jaxdl.typing import Mean

LOSSES = {"cross_entropy": None, "dice": soft_dice, "iou": soft_iou}


@dataclass(frozen=True)
class Config:
    counts: tuple[int, int, int] = (6000, 50, 300)
    """Scenes for train, dev and test: each of its own part of the handwritten digits."""
    size: int = 48
    """Pixels of a side."""
    digits: tuple[int, int] = (1, 3)
    """To a scene, from … to."""
    clutter: int = 0
    """Pieces of digits in a scene that are nobody's, and so background."""
    widths: tuple[int, ...] = (16, 32, 64)
    """Channels before each pooling, and at the bottom. The paper's: 64 128 256 512 1024."""
    patch: int = 2
    """So many pixels by as many are one place to the network; the paper's: 1."""
    batch_norm: bool = False
    loss: Literal["cross_entropy", "dice", "iou"] = "cross_entropy"
    epochs: int = 4
    batch_size: int = 8
    """Few, so that there are many steps: the digits are told apart late and all at once."""
    seeds: int = 3
    """Of the digits and their scenes too."""
    optimizer: Chain = Chain("adam", learning_rate=5e-3, decay="cosine", clip_norm=1.0)

    def __post_init__(self):
        expect(self, 1, "counts", "size", "widths", "patch", "epochs", "batch_size")


@lru_cache
def load(config, seed):
    """The scenes with their `segments` alone: 0 for the background, 1 + digit elsewhere."""
    found = scenes.load(config.counts, config.size, config.digits, clutter=config.clutter, seed=seed)
    names = ("background", *found.class_names)
    raw = np.zeros(1, np.float32), np.ones(1, np.float32)
    return Sets(found.train, found.dev, found.test, len(names), names, found.shape, *raw, inputs="image")


def build(config, seed):
    data = load(config, seed)
    model = UNet(data.classes, config.widths, "SAME", config.batch_norm, config.patch)
    grade = partial(graded, LOSSES[config.loss])
    task = classifier(model, data, config.optimizer, config.epochs, config.batch_size, grade=grade)
    return replace(task, evaluate={"test": task.evaluate["test"]})


def graded(loss, logits, example):
    """The cross-entropy and the accuracy of the pixels, or another loss in place of the first."""
    grades = graded_pixels(logits, example)
    if loss:
        grades["loss"] = Mean.of(loss(logits, example["segments"]), example["mask"])
    return grades


def measure(config, run):
    """(the confusion matrix of the test pixels of each seed, results)."""
    once = replace(run, evaluate_every=run.evaluate_every or 10**6)
    if not all(load(config, seed).test.fields["segments"].any() for seed in range(config.seeds)):
        raise InputError(f"--counts {config.counts}: no test scene has a digit; give more, or other --digits")
    results = trials({"unet": partial(build, config)}, once, config.seeds)["unet"]
    counts = []
    for seed, result in enumerate(results):
        true = load(config, seed).test.fields["segments"]
        counts.append(pixel_counts(true, said(config, seed, result.state).argmax(-1), 11))
    return counts, results


def said(config, seed, state, some=None):
    """Logits of the test scenes, or the first few of them [N, H, W, 11]."""
    image = load(config, seed).test.fields["image"][:some]
    return predictions(build(config, seed), state, {"image": image, "mask": np.ones(len(image), np.float32)})


def main(config, run):
    counts, results = measure(config, run)
    found = {"IoU": np.array([mean_iou(of) for of in counts]), "Dice": np.array([mean_dice(of) for of in counts])}
    right = np.array([np.trace(of) / of.sum() for of in counts])
    ink = np.array([1 - of[1:, 0].sum() / of[1:].sum() for of in counts])
    each = by_class(iou, counts)
    worst = 1 + int(np.nanargmin(each[1:]))
    names = load(config, 0).class_names
    told = [
        f"On test scenes the mean IoU over background and digits is {spread(found['IoU'])}, the mean Dice "
        f"{spread(found['Dice'])}; {spread(right, 4)} of the pixels are right",
        f"IoU of the background {each[0]:.3f}, of the digits {np.nanmin(each[1:]):.3f} ({names[worst]}) to "
        f"{np.nanmax(each[1:]):.3f}; {spread(ink)} of the digits' pixels are taken for some digit",
    ]
    return told, {
        f"IoU of each class on test, mean over seeds: least for {names[worst]}": bars(names, counts),
        "Test scenes: what they are (above) and what the network of seed 0 says of each pixel (below)":
            painted(config, results[0].state, names[1:]),
    }  # fmt: skip


def by_class(score, counts):
    """Its mean over the seeds that have a value for the class, NaN where none has: it is neither there nor said."""
    return np.ma.masked_invalid([score(of) for of in counts]).mean(0).filled(np.nan)


def bars(names, counts):
    """IoU and Dice by class."""
    sheet = figure(560, 260)
    axes = sheet.add_subplot()
    place = np.arange(len(names))
    for shift, name, score, of_set in ((-0.2, "IoU", iou, "train"), (0.2, "Dice", dice, "dev")):
        axes.bar(place + shift, by_class(score, counts), 0.38, label=name, color=color(of_set))
    tidy(axes, "", "IoU, Dice")
    axes.set_xticks(place, names, fontsize=SIZE - 1, color=INK, rotation=30)
    axes.set_ylim(0, 1)
    sheet.legend(loc="outside upper left", ncols=2, fontsize=SIZE - 1, frameon=False)
    return sheet


def painted(config, state, names, columns=6, least=5):
    """Two rows of scenes, ink on grey paper, each with what is said of it below, digits of few pixels left out."""
    of = load(config, 0).test.fields
    found = said(config, 0, state, 2 * columns).argmax(-1)
    sheet, axes = panels([""] * 4 * columns, "", "", columns=columns, width=125, height=125)
    for number, segments in enumerate(found):
        few = [label for label in np.unique(segments) if (segments == label).sum() < least]
        row, column = divmod(number, columns)
        above = 2 * row * columns + column
        masks(axes[above], 0.9 * (1 - of["image"][number]), of["segments"][number], names)
        masks(
            axes[above + columns], 0.9 * (1 - of["image"][number]), np.where(np.isin(segments, few), 0, segments), names
        )
    return sheet


if __name__ == "__main__":
    run(main, Config)
