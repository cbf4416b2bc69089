"""Region proposals against YOLO: first find anything, then read each region, or all in one look (Ren et al., 2015).

    python -m experiments.vision.region_proposals

About 110 s on two CPU cores. Finds: mAP@.5 on scenes of digits never seen: YOLO 0.830 ± 0.021, region proposals 0.937 ±
0.016. Both find the digits (0.984 ± 0.004 and 0.990 ± 0.008 whatever class is said); a region of its own reads them
better, and an image takes 1.8 times as long (3 seeds).
"""

import time
from dataclasses import dataclass, replace
from functools import partial

import jax
import numpy as np

from experiments import expect
from experiments.vision.yolo import classless, data_of, images_of, over_images, shapes, surer
from jaxdl.data.anchors import find_anchors
from jaxdl.models.region_proposals import region_detector
from jaxdl.models.yolo import detector, truth
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import dots, panels, spread
from jaxdl.run import run
from jaxdl.score.detection import mean_average_precision
from jaxdl.train.predictions import predictions
from jaxdl.train.trials import trials

ONE, TWO = "YOLO", "region proposals"


@dataclass(frozen=True)
class Config:
    dataset: str = "scenes"
    counts: tuple[int, int, int] = (3000, 300, 300)
    """Scenes for train, dev and test: each of its own part of the handwritten digits."""
    size: int = 48
    digits: tuple[int, int] = (1, 3)
    """To a scene, from … to."""
    clutter: int = 0
    anchors: int = 3
    width: int = 16
    """Channels of the first layer, of both."""
    proposals: int = 12
    """Regions that the second stage reads in each image."""
    epochs: int = 8
    batch_size: int = 32
    turns: int = 15
    """In which the two are timed, one after the other."""
    seeds: int = 3
    """Of the digits and their scenes too."""
    optimizer: Chain = Chain("adam", learning_rate=3e-3, decay="cosine", warmup_steps=20, clip_norm=10.0)

    def __post_init__(self):
        expect(self, 1, "counts", "size", "anchors", "width", "proposals", "epochs", "batch_size", "turns")


def build(config, name, seed):
    data = data_of(config, seed)
    anchors = find_anchors(shapes(data.train), config.anchors)
    make = partial(region_detector, proposals=config.proposals) if name == TWO else detector
    return make(data, anchors, config.optimizer, config.epochs, config.batch_size, width=config.width)


def measure(config, run):
    """({what: {name: [seeds]}}, {name: [milliseconds an image, a turn]}, {name: state of seed 0})."""
    builds = {name: partial(build, config, name) for name in (ONE, TWO)}
    results = trials(builds, replace(run, evaluate_every=run.evaluate_every or 10**6), config.seeds)
    found: dict = {what: {ONE: [], TWO: []} for what in ("mAP@.5", "mAP@.5:.95", "mAP@.5, any class")}
    for name, of in results.items():
        for seed, result in enumerate(of):
            data = data_of(config, seed)
            true, said = truth(data.test), predictions(build(config, name, seed), result.state, images_of(data.test))
            anything = mean_average_precision(classless(true), classless(said), 1)
            values = (*mean_average_precision(true, said, data.classes), anything.at_50)
            for what, value in zip(found, values, strict=True):
                found[what][name].append(value)
    scores = {what: {name: np.array(of) for name, of in both.items()} for what, both in found.items()}
    states = {name: of[0].state for name, of in results.items()}
    return scores, times(config, states), states


def times(config, states, count=128):
    """{name: [milliseconds an image, a turn]}, each jitted and mapped over `count` images; they take turns."""
    images = jax.numpy.asarray(images_of(data_of(config, 0).test)["image"][:count])
    looks: dict = {}
    for name, state in states.items():
        say = partial(build(config, name, 0).predict, state.params, state.model_state)
        looks[name] = jax.jit(jax.vmap(lambda image, say=say: say({"image": image})))
        jax.block_until_ready(looks[name](images))
    found: dict = {name: [] for name in looks}
    for _ in range(config.turns):
        for name, look in looks.items():
            began = time.perf_counter()
            jax.block_until_ready(look(images))
            found[name].append((time.perf_counter() - began) * 1e3 / len(images))
    return {name: np.array(of) for name, of in found.items()}


def main(config, run):
    found, spent, states = measure(config, run)
    whole, anything = found["mAP@.5"], found["mAP@.5, any class"]
    ratio = np.median(spent[TWO] / spent[ONE])
    told = [
        f"mAP@.5 on scenes of digits never seen: {ONE} {spread(whole[ONE])}, {TWO} {spread(whole[TWO])}; mAP@.5:.95 "
        f"{spread(found['mAP@.5:.95'][ONE])} and {spread(found['mAP@.5:.95'][TWO])}",
        f"Found, whatever class is said: {spread(anything[ONE])} and {spread(anything[TWO])} (as one class)",
        f"An image takes {np.median(spent[ONE]):.2f} ms by {ONE}, {np.median(spent[TWO]):.2f} by {TWO} of "
        f"{config.proposals} regions: {ratio:.1f} times as long",
    ]  # fmt: skip
    scores = {f"{what}: {name}": of[name] for what, of in found.items() for name in (ONE, TWO)}
    return told, {
        f"Held-out scenes, a dot a seed: {whole[ONE].mean():.3f} in one look, {whole[TWO].mean():.3f} by regions": dots(
            scores, "mean average precision"
        ),
        f"Time of a prediction, a dot a turn: {ratio:.1f} times as long by regions": dots(spent, "ms an image"),
        "Test scenes: what each finds with p > 0.6, YOLO above; the true boxes blue": drawn(config, states),
    }


def drawn(config, states, count=4, score=0.6):
    """The first test scenes of seed 0 under what each finds in them."""
    data = data_of(config, 0)
    shown = data.test.select(np.arange(min(count, len(data.test))))
    titles = [name for name in states for _ in range(len(shown))]
    sheet, axes = panels(titles, "", "", columns=len(shown), width=150, height=165)
    for name, state in states.items():
        said = surer(predictions(build(config, name, 0), state, images_of(shown)), score)
        over_images(axes[: len(shown)], shown, said, data.class_names)
        axes = axes[len(shown) :]
    return sheet


if __name__ == "__main__":
    run(main, Config)
