"""YOLO: digits strewn over a canvas, found and read in one look (Redmon et al., 2016; Redmon and Farhadi, 2017).

    python -m experiments.vision.yolo

About 40 s on two CPU cores. Finds: mAP@.5 0.906 ± 0.008 and mAP@.5:.95 0.644 ± 0.008 on scenes of digits never seen;
0.990 ± 0.005 at .5 if any class is right: digits are found, and misread. Of the boxes with p > 0.6 0.956 ± 0.003 are
right; they find 0.757 ± 0.020 of the digits (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from experiments import expect
from jaxdl.data import scenes
from jaxdl.data.anchors import find_anchors, mean_iou
from jaxdl.errors import InputError
from jaxdl.models.yolo import detector, truth
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import dots, panels, spread
from jaxdl.report.scenes import FOUND, TRUE, boxes
from jaxdl.report.style import COLORS, figure, tidy
from jaxdl.run import run
from jaxdl.score.detection import mean_average_precision, precision_recall
from jaxdl.train.predictions import predictions
from jaxdl.train.trials import trials

SCORES = ("mAP@.5", "mAP@.5:.95", "mAP@.5, any class", "precision", "recall")


@dataclass(frozen=True)
class Config:
    dataset: str = "scenes"
    counts: tuple[int, int, int] = (6000, 300, 300)
    """Scenes for train, dev and test: each of its own part of the handwritten digits."""
    size: int = 48
    """Pixels of a side, a multiple of 8: a cell of the grid has 8 × 8."""
    digits: tuple[int, int] = (1, 3)
    """To a scene, from … to."""
    clutter: int = 0
    """Pieces of digits in a scene that are nobody's."""
    anchors: int = 3
    width: int = 16
    """Channels of the first layer."""
    epochs: int = 8
    batch_size: int = 32
    score: float = 0.6
    """What is drawn, and counted as found, has a probability above this; mAP looks at all above 0.05."""
    overlap: float = 0.5
    """From this IoU on the surer of two boxes of a class suppresses the other."""
    seeds: int = 3
    """Of the digits and their scenes too."""
    optimizer: Chain = Chain("adam", learning_rate=3e-3, decay="cosine", warmup_steps=20, clip_norm=10.0)

    def __post_init__(self):
        expect(self, 1, "counts", "size", "width", "epochs", "batch_size")
        if not 0.05 <= self.score <= 1:
            raise InputError(f"score = {self.score}: expected a threshold from 0.05 to 1, such as 0.6")


@lru_cache
def load(dataset, counts, size, digits, clutter, seed):
    return scenes.load(counts, size, digits, clutter=clutter, seed=seed, name=dataset)


def data_of(config, seed):
    return load(config.dataset, config.counts, config.size, config.digits, config.clutter, seed)


def shapes(part):
    """Width and height of every object of a part [n, 2]."""
    fields = part[np.arange(len(part))]
    there = fields["boxes"][fields["present"]]
    return there[:, 2:] - there[:, :2]


def build(config, seed):
    data = data_of(config, seed)
    anchors = find_anchors(shapes(data.train), config.anchors)
    return detector(
        data, anchors, config.optimizer, config.epochs, config.batch_size, width=config.width, overlap=config.overlap
    )


def images_of(part):
    return {"image": part[np.arange(len(part))]["image"]}


def classless(found):
    return found._replace(labels=0 * found.labels)


def surer(said, score):
    """Those of the detections with a score above this."""
    return said._replace(valid=said.valid & (said.scores > score))


def measure(config, run):
    """({what: [seeds]} on the test scenes, states)."""
    builds = {"yolo": partial(build, config)}
    results = trials(builds, replace(run, evaluate_every=run.evaluate_every or 10**6), config.seeds)["yolo"]
    found: dict = {name: [] for name in (*SCORES, "IoU of anchors")}
    for seed, result in enumerate(results):
        task, data = build(config, seed), data_of(config, seed)
        true, said = truth(data.test), predictions(task, result.state, images_of(data.test))
        whole = mean_average_precision(true, said, data.classes)
        anything = mean_average_precision(classless(true), classless(said), 1)
        kept = precision_recall(true, surer(said, config.score), data.classes)
        fit = mean_iou(shapes(data.test), find_anchors(shapes(data.train), config.anchors))
        for name, value in zip(found, (*whole, anything.at_50, *kept, fit), strict=True):
            found[name].append(value)
    return {name: np.array(of) for name, of in found.items()}, [one.state for one in results]


def main(config, run):
    found, states = measure(config, run)
    whole = found["mAP@.5"]
    told = [
        f"mAP@.5 {spread(whole)} and mAP@.5:.95 {spread(found['mAP@.5:.95'])} on {config.counts[2]} scenes of digits "
        f"never seen; {spread(found['mAP@.5, any class'])} at .5 if any class is right",
        f"Of the boxes with p > {config.score} {spread(found['precision'])} are right; they find "
        f"{spread(found['recall'])} of the digits",
        f"{config.anchors} anchor(s) by k-means: the best of them has IoU {spread(found['IoU of anchors'])} with a "
        "digit's box, centres put together",
    ]
    return told, {
        f"Test scenes: boxes found with p > {config.score}, the true ones blue": drawn(config, states[0]),
        f"Held-out scenes, a dot a seed: mAP@.5 {whole.mean():.3f}": dots(
            {name: found[name] for name in SCORES}, "score"
        ),
        f"The boxes of the training scenes, and the {config.anchors} shapes that k-means on IoU finds": chosen(config),
    }


def drawn(config, state, count=12):
    """The first test scenes of seed 0 under what is found in them."""
    data = data_of(config, 0)
    shown = data.test.select(np.arange(min(count, len(data.test))))
    said = surer(predictions(build(config, 0), state, images_of(shown)), config.score)
    sheet, axes = panels([""] * len(shown), "", "", columns=4, width=150, height=150)
    over_images(axes, shown, said, data.class_names)
    return sheet


def over_images(axes, shown, said, names):
    """Each image of a part with its true boxes and, over them, those said, with their class and score."""
    true, images = truth(shown), images_of(shown)["image"]
    for row, axis in enumerate(axes):
        seen = said.valid[row]
        boxes(axis, images[row], true.boxes[row, true.valid[row]], color=TRUE)
        pairs = zip(said.labels[row, seen], said.scores[row, seen], strict=True)
        boxes(axis, None, said.boxes[row, seen], [f"{names[label]} {score:.2f}" for label, score in pairs], FOUND)


def chosen(config):
    """The widths and heights of training boxes, and the anchors."""
    found = shapes(data_of(config, 0).train)
    sheet = figure(400, 300)
    axes = sheet.add_subplot()
    axes.plot(*found[:1500].T, ".", color=COLORS["train"], markersize=3, alpha=0.3)
    axes.plot(*find_anchors(found, config.anchors).T, "X", color=COLORS["dev"], markersize=10)
    tidy(axes, "width in pixels", "height in pixels")
    return sheet


if __name__ == "__main__":
    run(main, Config)
