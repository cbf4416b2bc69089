"""Sliding windows: dense layers as convolutions score all windows of an image at once (Sermanet et al., 2014).

    python -m experiments.vision.sliding_window

About 20 s on two CPU cores. Finds: LeNet-5 made convolutional gives the 81 windows of a scene the same scores (to
7.6e-6, the largest being 40) with 4.86 times fewer multiplications, 7.0 times faster (median of 50 rounds in turn); of
the windows with a digit in their middle 0.908 ± 0.019 are named right, of all others 0.969 ± 0.002 are called
background (3 seeds).
"""

import time
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import jax
import numpy as np

from experiments import expect
from jaxdl.data import scenes
from jaxdl.data.parts import Sets
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError
from jaxdl.models.classifier import classifier
from jaxdl.models.cost import multiplications
from jaxdl.models.dense_to_convolution import DENSE, STRIDE, SlidingLeNet5, dense_to_convolution, map_shape, windows
from jaxdl.models.lenet import LeNet5
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import dots, panels, spread
from jaxdl.report.scenes import boxes, shown
from jaxdl.run import run
from jaxdl.train.trials import trials

BACKGROUND = 10


@dataclass(frozen=True)
class Config:
    scenes: int = 1500
    """To cut training windows from; 200 more each for dev and test."""
    size: int = 64
    """Pixels on each side of a scene."""
    window: int = 32
    """Pixels on each side of what LeNet-5 sees."""
    scale: tuple[float, float] = (0.3, 0.4)
    """Heights of digits, as shares of the side of the scene."""
    epochs: int = 6
    batch_size: int = 64
    rounds: int = 50
    """In which both ways are timed, one after the other."""
    images: int = 8
    """That are scored in one call, when timed."""
    seeds: int = 3
    """Of the scenes too."""
    optimizer: Chain = Chain("adam", learning_rate=3e-3, decay="cosine")

    def __post_init__(self):
        expect(self, 1, "scenes", "epochs", "batch_size", "rounds", "images")
        if not 16 <= self.window <= self.size:
            raise InputError(f"--window {self.window}: expected 16 pixels up to the {self.size} of --size")


@lru_cache(maxsize=1)
def load(config, seed):
    """(scenes, Sets of the windows cut out of them)."""
    data = scenes.load((config.scenes, 200, 200), config.size, (1, 3), config.scale, overlap=0.0, clutter=2, seed=seed)
    train, dev, test = (cut_out(config, part, seed) for part in (data.train, data.dev, data.test))
    shape = (config.window, config.window, 1)
    zero, one = np.zeros(1, np.float32), np.ones(1, np.float32)
    names = (*data.class_names, "background")
    return data, Sets(train, dev, test, BACKGROUND + 1, names, shape, zero, one, "image")


def truths(config, part):
    """Class [scenes, down, across] of each window: of the digit whose centre is within 2 pixels of its own, or none."""
    places = (config.size - config.window) // STRIDE + 1
    centers = (part.fields["boxes"][..., :2] + part.fields["boxes"][..., 2:]) / 2
    nearest = np.round((centers - config.window / 2) / STRIDE).astype(int)
    inside = part.fields["present"] & ((nearest >= 0) & (nearest < places)).all(-1)
    truth = np.full((len(part), places, places), BACKGROUND, np.int32)
    scene, k = np.nonzero(inside)
    truth[scene, nearest[scene, k, 1], nearest[scene, k, 0]] = part.fields["labels"][scene, k]
    return truth


def cut_out(config, part, seed):
    """All windows with a digit in the middle, and as many of all others."""
    rng, truth = np.random.default_rng(seed), truths(config, part)
    found, other = (np.argwhere(kind) for kind in (truth != BACKGROUND, truth == BACKGROUND))
    places = np.concatenate([found, rng.permutation(other)[: len(found)]])
    image, side = part.fields["image"], config.window
    cut = [image[scene, STRIDE * i : STRIDE * i + side, STRIDE * j : STRIDE * j + side] for scene, i, j in places]
    return Arrays({"image": np.stack(cut), "label": truth[tuple(places.T)]})


def build(config, seed):
    return classifier(LeNet5(BACKGROUND + 1), load(config, seed)[1], config.optimizer, config.epochs, config.batch_size)


def ways(config, params):
    """{name: images -> scores [images, down, across, classes]}: windows cut out and scored apart, and all at once."""
    one_by_one, sliding = LeNet5(BACKGROUND + 1), SlidingLeNet5(BACKGROUND + 1, config.window)
    converted = dense_to_convolution(params, DENSE, map_shape(config.window))
    return {
        "window by window": jax.jit(lambda x: one_by_one.apply({"params": params}, windows(x, config.window))),
        "as a convolution": jax.jit(lambda x: sliding.apply({"params": converted}, x)),
    }


def timed(both, images, rounds):
    """{name: seconds of each round}, the two taking turns."""
    found: dict = {name: [] for name in both}
    for turn in range(rounds + 1):
        for name, score in both.items():
            began = time.perf_counter()
            score(images).block_until_ready()
            if turn:  # the first compiles
                found[name].append(time.perf_counter() - began)
    return {name: np.array(seconds) for name, seconds in found.items()}


def measure(config, run):
    """({quantity: [seeds]}, seconds of each round by way, states)."""
    results = trials(
        {"LeNet-5": partial(build, config)}, replace(run, evaluate_every=run.evaluate_every or 10**6), config.seeds
    )["LeNet-5"]
    found: dict = {name: [] for name in ("largest score", "largest difference", "digits named", "background kept")}
    seconds: dict = {}
    for seed, result in enumerate(results):
        test = load(config, seed)[0].test
        both, image, truth = ways(config, result.state.params), test.fields["image"], truths(config, test)
        apart, at_once = (np.asarray(score(image)) for score in both.values())
        found["largest score"].append(np.abs(apart).max())
        found["largest difference"].append(np.abs(apart - at_once).max())
        right = at_once.argmax(-1) == truth
        found["digits named"].append(right[truth != BACKGROUND].mean())
        found["background kept"].append(right[truth == BACKGROUND].mean())
        seconds = seconds or timed(both, image[: config.images], config.rounds)
    return {name: np.array(of) for name, of in found.items()}, seconds, [result.state for result in results]


def costs(config):
    """(windows in a scene, multiplications of all of them apart, multiplications of the convolution)."""
    places = ((config.size - config.window) // STRIDE + 1) ** 2
    apart = places * multiplications(LeNet5(BACKGROUND + 1), (config.window, config.window, 1))
    return places, apart, multiplications(SlidingLeNet5(BACKGROUND + 1, config.window), (config.size, config.size, 1))


def main(config, run):
    found, seconds, states = measure(config, run)
    places, apart, at_once = costs(config)
    ratio = seconds["window by window"] / seconds["as a convolution"]
    told = [
        f"The scores of all {places} windows of each test scene agree to {found['largest difference'].max():.1e}, the "
        f"largest being {found['largest score'].max():.0f}",
        f"A scene costs {at_once / 1e6:.2f} instead of {apart / 1e6:.2f} million multiplications: "
        f"{apart / at_once:.2f} times fewer",
        f"Measured, {config.images} scenes in a call: {np.median(ratio):.1f} times faster (median of "
        f"{config.rounds} rounds in turn, from {ratio.min():.1f} to {ratio.max():.1f})",
        f"Of the windows with a digit in their middle {spread(found['digits named'])} are named right, of all others "
        f"{spread(found['background kept'])} are called background",
    ]
    per_scene = {name: 1000 * values / config.images for name, values in seconds.items()}
    return told, {
        f"Milliseconds a scene, a dot a round: {np.median(ratio):.1f} times less as a convolution":
            dots(per_scene, "milliseconds", log=True),
        "Test scenes, what the windows say of them (P(digit), each at its window's middle), and the best windows":
            pictures(config, states[0].params),
    }  # fmt: skip


def pictures(config, params):
    """Three test scenes of the first seed, P(digit) by window, and the windows found. First come scenes whose digits
    windows can reach.
    """
    data, _ = load(config, 0)
    reached = (truths(config, data.test) != BACKGROUND).sum((1, 2)) == data.test.fields["present"].sum(1)
    images = data.test.fields["image"][np.argsort(~reached, kind="stable")[:3]]
    probability = np.asarray(jax.nn.softmax(ways(config, params)["as a convolution"](images)))
    sheet, axes = panels(
        ["scene", "P(digit) of the windows", "windows"] * len(images), "", "", columns=3, width=180, height=190
    )
    for row, (image, chance) in enumerate(zip(images, probability, strict=True)):
        scene, heat, found = axes[3 * row : 3 * row + 3]
        shown(scene, image)
        shown(heat, 0 * image)
        first = config.window / 2 - STRIDE / 2
        last = first + STRIDE * len(chance)
        heat.imshow(1 - chance[..., BACKGROUND], extent=(first, last, last, first), cmap="viridis", vmin=0, vmax=1)
        best = peaks(chance)
        corners = STRIDE * best[:, ::-1].astype(float)
        names = [data.class_names[chance[i, j, :BACKGROUND].argmax()] for i, j in best]
        boxes(found, image, np.concatenate([corners, corners + config.window], 1), names)
    return sheet


def peaks(chance):
    """Places [n, 2] of windows where P(digit) is above 1/2 and not below that of any of the eight around."""
    digit = np.pad(1 - chance[..., BACKGROUND], 1)
    around = np.lib.stride_tricks.sliding_window_view(digit, (3, 3))
    middle = digit[1:-1, 1:-1]
    return np.argwhere((middle > 0.5) & (middle == around.max((-1, -2))))


if __name__ == "__main__":
    run(main, Config)
