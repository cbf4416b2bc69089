"""Landmarks: 2K outputs say where the topmost, lowest, leftmost and rightmost point of a digit is (see the notes).

    python -m experiments.vision.landmarks

About 40 s on two CPU cores. Finds: in scenes of 32 × 32 the landmarks found are 2.16 ± 0.18 pixels off, 3.6 ± 0.3 times
nearer than the mean landmark (7.71 ± 0.09) and a little nearer than their mean place in the true box (2.45 ± 0.09); top
and bottom, 1.60 ± 0.11 and 1.74 ± 0.06, are easier than left and right, 2.58 ± 0.27 and 2.72 ± 0.28 (3 seeds).
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial

import jax.numpy as jnp
import numpy as np

from experiments import expect
from jaxdl.data import scenes
from jaxdl.data.collage import LANDMARKS
from jaxdl.losses.localization import landmarks
from jaxdl.models.classifier import classifier
from jaxdl.models.localizer import Localizer
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import dots, panels, spread
from jaxdl.report.scenes import FOUND, TRUE, points
from jaxdl.run import run
from jaxdl.train.predictions import predictions
from jaxdl.train.trials import scores, trials
from jaxdl.typing import Mean


@dataclass(frozen=True)
class Config:
    scenes: int = 12000
    """To train on, a digit in each; 400 more each for dev and test."""
    size: int = 32
    """Pixels on each side."""
    scale: tuple[float, float] = (0.4, 0.7)
    """Heights of digits, as shares of the side."""
    clutter: int = 1
    """Quarters of digits in each scene, which are nobody's."""
    epochs: int = 4
    batch_size: int = 32
    seeds: int = 3
    """Of the scenes too."""
    optimizer: Chain = Chain("adam", learning_rate=3e-3, decay="cosine")

    def __post_init__(self):
        expect(self, 1, "scenes", "size", "epochs", "batch_size")


def load(config, seed):
    return drawn((config.scenes, 400, 400), config.size, (1, 1), config.scale, clutter=config.clutter, seed=seed)


drawn = lru_cache(maxsize=1)(scenes.load)


def grade(config, output, example):
    """Squared distances, in sides of the image, and distances in pixels of the landmarks of the one digit."""
    found, true, present = output.reshape(-1, 2), example["landmarks"][0], example["landmark_present"][0]
    weight = present * example["mask"]
    distances = jnp.linalg.norm(found * config.size - true, axis=-1)
    each = {f"{name} (pixels)": Mean.of(distances[k], weight[k]) for k, name in enumerate(LANDMARKS)}
    loss = Mean(landmarks(found, true / config.size, weight), weight.sum())
    return {"loss": loss, "pixels": Mean.of(distances, weight), **each}


def build(config, seed):
    data = load(config, seed)
    model = Localizer(2 * len(LANDMARKS))
    return classifier(
        model, data.as_sets(), config.optimizer, config.epochs, config.batch_size, grade=partial(grade, config)
    )


def measure(config, run):
    """({name: mean distance in pixels on the test scenes, of each seed}, the result of the first seed)."""
    builds = {"landmarks": partial(build, config)}
    results = trials(builds, replace(run, evaluate_every=run.evaluate_every or 10**6), config.seeds)
    found = {"the network": scores(results, "test/pixels")["landmarks"]}
    blind = [blindly(load(config, seed)) for seed in range(config.seeds)]
    found |= {name: np.array([of[name] for of in blind]) for name in blind[0]}
    found |= {f"the network, {name}": scores(results, f"test/{name} (pixels)")["landmarks"] for name in LANDMARKS}
    return found, results["landmarks"][0]


def blindly(data):
    """Mean distances of what looks at no image: the mean landmark, and the mean landmark in a box that is known."""
    train, test = ({name: of.fields[name][:, 0] for name in ("landmarks", "boxes")} for of in (data.train, data.test))

    def within(part):
        low, high = part["boxes"][:, None, :2], part["boxes"][:, None, 2:]
        return low, high - low

    low, sides = within(train)
    relative = ((train["landmarks"] - low) / sides).mean(0)
    low, sides = within(test)
    guesses = {"always the mean landmark": train["landmarks"].mean(0), "told the box": low + relative * sides}
    return {name: np.linalg.norm(guess - test["landmarks"], axis=-1).mean() for name, guess in guesses.items()}


def main(config, run):
    found, first = measure(config, run)
    ratio = found["always the mean landmark"] / found["the network"]
    told = [
        f"Mean distance to the true landmark on test scenes of {config.size} × {config.size} pixels: "
        f"{spread(found['the network'], 2)} pixels, {spread(ratio, 1)} times nearer than the mean landmark "
        f"({spread(found['always the mean landmark'], 2)})",
        f"Who is told the box and looks no further is {spread(found['told the box'], 2)} pixels off",
        "By landmark: " + ", ".join(f"{name} {spread(found[f'the network, {name}'], 2)}" for name in LANDMARKS),
    ]
    return told, {
        f"Mean distance to the landmark in pixels, a dot a seed: {found['the network'].mean():.1f} by the network":
            dots(found, "pixels"),
        "Test scenes: true landmarks in blue, those found in orange": pictures(config, first.state),
    }  # fmt: skip


def pictures(config, state):
    """The first twelve test scenes of the first seed."""
    of = load(config, 0).test.select(np.arange(12)).fields
    output = predictions(build(config, 0), state, {**of, "mask": np.ones(12, np.float32)})
    sheet, axes = panels([""] * 12, "", "", columns=6, width=110, height=110)
    for place, image, true, found in zip(axes, of["image"], of["landmarks"], output, strict=True):
        points(place, image, true, TRUE)
        points(place, None, found.reshape(-1, 2) * config.size, FOUND, "x")
    return sheet


if __name__ == "__main__":
    run(main, Config)
