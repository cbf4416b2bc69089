"""Verification and recognition of identities never trained on; in the place of faces, digits (Schroff et al., 2015).

    python -m experiments.vision.face_verification

The bundled data are digits: an identity is a class, 0 to 5 to learn from and 6 to 9 unseen. Faces: --dataset lfw.
The network is that of one_shot, whose form was chosen with unseen digits in view: the scores are flattered a little.

About 52 s on two CPU cores. Finds: by triplets, pairs of unseen digits are verified with an equal error rate of 0.146 ±
0.006, by pixels with 0.183; the Siamese logistic units, no worse on the digits they learned from (0.087 and 0.078
against 0.081), get to 0.318 and 0.325. The threshold chosen on seen digits accepts 0.191 ± 0.023 of the unseen pairs
falsely, and leaves only 0.133 ± 0.115 of the strangers unknown, while 0.961 ± 0.013 of the enrolled get their name (3
seeds).
"""

from dataclasses import dataclass
from functools import partial

import jax
import numpy as np

from experiments import expect
from jaxdl.data import identities
from jaxdl.data.augment import random_shift
from jaxdl.decode import gallery as galleries
from jaxdl.errors import chosen
from jaxdl.losses.classification import binary_cross_entropy
from jaxdl.losses.metric_learning import batch_pairs, batch_triplet, contrastive
from jaxdl.models.facenet import FaceNet, Siamese, metric_learner
from jaxdl.optim.chain import Chain
from jaxdl.report.comparison import curves, panels, spread
from jaxdl.report.gallery import gallery
from jaxdl.report.style import COLORS, INK, SIZE, SOFT
from jaxdl.run import run
from jaxdl.score.classification import roc, roc_auc
from jaxdl.score.verification import equal_error, error_rates, pairs, squared_distances
from jaxdl.train.predictions import predictions
from jaxdl.train.trials import trials

PIXELS, TRIPLET, CONTRASTIVE, ABSOLUTE, CHI = "pixels", "triplet", "contrastive", "Siamese |f − f′|", "Siamese χ²"
DIFFERENCES = {ABSOLUTE: "absolute", CHI: "chi-squared"}


@dataclass(frozen=True)
class Config:
    dataset: str = "digits"
    """Or a TFDS set: lfw, with --size 64 --channels 1, or omniglot, with --size 28 --channels 1."""
    size: int = 16
    channels: int | None = None
    methods: tuple[str, ...] = (TRIPLET, ABSOLUTE, CHI)
    """What is learned by: these, or "contrastive"."""
    margin: float = 0.2
    """Of the triplet loss, in squared distances; of the contrastive loss it is 1."""
    widths: tuple[int, ...] = (32, 32)
    """Channels of the convolutions."""
    max_shift: int = 2
    """Augmentation: each image is moved by up to so many pixels."""
    epochs: int = 16
    batch_size: int = 64
    group: int = 0
    """Images of one identity that stand together in a batch, such as 4 where identities are many; 0: in any order."""
    enrolled: int = 5
    """Images in the gallery of each unseen identity, but for the last quarter of these, which should stay unknown."""
    seeds: int = 3
    """Of the weights, and of the images for dev and for the gallery."""
    optimizer: Chain = Chain("adam", learning_rate=1e-3, decay="cosine")

    def __post_init__(self):
        expect(self, 1, "size", "widths", "epochs", "batch_size", "enrolled")
        for method in self.methods:
            chosen("method", method, dict.fromkeys((TRIPLET, CONTRASTIVE, *DIFFERENCES)))


def load(config, seed):
    return identities.load(config.dataset, config.size, config.channels, seed=seed)


def build(config, method, seed):
    model = network(config, method)

    def cost(params, f, example):
        label, mask = example["label"], example["mask"]
        if method == TRIPLET:
            return batch_triplet(f, label, mask, config.margin)
        if method == CONTRASTIVE:
            return batch_pairs(f, label, mask, contrastive)

        def logistic(f, g, same):
            return binary_cross_entropy(model.apply({"params": params}, f, g, method="compare"), same)

        return batch_pairs(f, label, mask, logistic)

    augment = partial(random_shift, max_shift=config.max_shift)
    return metric_learner(
        model, load(config, seed), cost, config.optimizer, config.epochs, config.batch_size,
        augment=augment, group=config.group,
    )  # fmt: skip


def network(config, method):
    if method in DIFFERENCES:
        return Siamese(DIFFERENCES[method], 0, config.widths)
    return FaceNet(0, config.widths)


def measure(config, run):
    """({method: {score: [seeds]}}, {method: ((same, distances) of dev, of test) of each seed}, states)."""
    results = trials({method: partial(build, config, method) for method in config.methods}, run, config.seeds)
    found: dict = {name: {} for name in (PIXELS, *config.methods)}
    held: dict = {name: [] for name in found}
    for seed in range(config.seeds):
        data = load(config, seed)
        for name in found:
            state = None if name == PIXELS else results[name][seed].state
            dev, test = (
                pairs(distances(config, name, state, part.fields["image"], seed), part.fields["label"])
                for part in (data.dev, data.test)
            )
            for score, value in judged(dev, test).items():
                found[name].setdefault(score, []).append(value)
            held[name].append((dev, test))
    return found, held, {name: [result.state for result in of] for name, of in results.items()}


def judged(dev, test):
    """What pairs of unseen identities score, and at the threshold at which errors on dev are equal."""
    chosen = equal_error(*dev)
    accepts, rejects = error_rates(test[0], test[1], chosen.threshold)
    return {
        "equal error": equal_error(*test).rate,
        "area under ROC": roc_auc(test[0], -test[1]),
        "equal error on dev": chosen.rate,
        "false accepts": accepts,
        "false rejects": rejects,
    }


def distances(config, method, state, images, seed):
    """[n, n] between images: squared distances of pixels or embeddings, or minus a Siamese network's logit."""
    if method == PIXELS:
        f = images.reshape(len(images), -1)
    else:
        f = predictions(build(config, method, seed), state, {"image": images})
    if method not in DIFFERENCES:
        return squared_distances(f, f)
    compare = partial(network(config, method).apply, {"params": state.params}, method="compare")
    return -np.asarray(jax.jit(lambda f: jax.lax.map(lambda row: compare(f, row), f))(f))


def recognise(config, state, threshold, seed, path):
    """{asked, known: rows of the test images; true, said: names, "" for unknown; nearest: rows; images, shown as}.

    The gallery holds `enrolled` images of three quarters of the unseen identities, which makes strangers of the others.
    It is saved, and loaded to be asked.
    """
    data = load(config, seed)
    images, labels = data.test.fields["image"], data.test.fields["label"]
    f = predictions(build(config, TRIPLET, seed), state, {"image": images})
    people, random = np.unique(labels), np.random.default_rng(seed)
    people = people[: 3 * len(people) // 4]
    known = np.concatenate([random.permutation(np.flatnonzero(labels == one))[: config.enrolled] for one in people])
    names = np.where(np.isin(labels, people), np.array(data.class_names)[labels], "")
    galleries.save(path, galleries.Gallery(tuple(names[known].tolist()), f[known]))
    kept = galleries.load(path)
    asked = np.setdiff1d(np.arange(len(labels)), known)
    said = np.array([name or "" for name in galleries.recognise(kept, f[asked], threshold)])
    return {
        "images": images,
        "known": known,
        "asked": asked,
        "true": names[asked],
        "said": said,
        "nearest": known[galleries.nearest(kept, f[asked], 5)[0]],
        "shown as": np.array(data.class_names)[labels[asked]],
    }


def recognition_rates(answers):
    """The share of the enrolled given their name, and of the others left unknown."""
    right, enrolled = answers["said"] == answers["true"], answers["true"] != ""
    return {"named": right[enrolled].mean(), "left unknown": right[~enrolled].mean()}


def main(config, run):
    found, held, states = measure(config, run)
    told = [
        f"{name}: " + ", ".join(f"{score} {spread(np.array(of))}" for score, of in scores.items())
        for name, scores in found.items()
    ]
    best = min(found, key=lambda name: np.mean(found[name]["equal error"]))
    figures = {
        f"{best} tells unseen identities apart best, with an equal error rate of "
        f"{np.mean(found[best]['equal error']):.3f}; dotted: both errors equal": roc_curves(held),
        "Pairs of unseen images, of one identity and of two, and the threshold that the seen ones chose": apart(held),
    }
    if TRIPLET in states:
        every = []
        for seed, state in enumerate(states[TRIPLET]):
            threshold = min(equal_error(*held[TRIPLET][seed][0]).threshold, galleries.FURTHEST)
            every.append(recognise(config, state, threshold, seed, run.directory / f"gallery_{seed}.npz"))
        rates = [recognition_rates(answers) for answers in every]
        named, unknown = (np.array([rate[what] for rate in rates]) for what in ("named", "left unknown"))
        told.append(
            f"Held against a saved gallery of {config.enrolled} images each, {spread(named)} of the enrolled unseen "
            f"identities get their name, {spread(unknown)} of those not enrolled stay unknown"
        )
        figures["Asked, and the five nearest in the gallery; ?: unknown"] = pictures(every[0])
    return told, figures


def roc_curves(held):
    """True against false accepts on unseen identities, at equal steps of the latter."""
    grid = np.linspace(0, 1, 101)
    lines = {}
    for name, seeds in held.items():
        every = [roc(same, -distances) for _, (same, distances) in seeds]
        lines[name] = (grid, np.stack([np.interp(grid, curve.x, curve.y) for curve in every]))
    sheet = curves(lines, "false accepts: pairs of two identities taken for one", "true accepts", size=(560, 400))
    sheet.axes[0].plot([0, 1], [1, 0], ":", color=SOFT, linewidth=1)
    return sheet


def apart(held):
    """How far apart pairs of unseen identities lie in the first seed, and the threshold from dev."""
    sheet, every = panels(list(held), "distance, or minus the logit", "share of pairs", columns=2, width=280)
    for axes, seeds in zip(every, held.values(), strict=True):
        dev, (same, distances) = seeds[0]
        for kind, of, shade in (("one", same, COLORS["train"]), ("two", ~same, COLORS["dev"])):
            weights = np.full(of.sum(), 1 / of.sum())
            axes.hist(distances[of], 50, weights=weights, color=shade, alpha=0.5, label=f"of {kind}")
        axes.axvline(equal_error(*dev).threshold, color=INK, linewidth=1)
        axes.legend(fontsize=SIZE - 2, frameon=False)
    return sheet


def pictures(answers):
    """Of each test identity two images asked for, as what they were recognised, and the nearest in the gallery."""
    rows: dict = {}
    for name in np.unique(answers["shown as"])[-4:]:
        for place in np.flatnonzero(answers["shown as"] == name)[:2]:
            said = answers["said"][place] or "?"
            images = answers["images"][[answers["asked"][place], *answers["nearest"][place]]]
            rows[f"{name}, said {said} ({place})"] = list(images)
    return gallery(rows, heads=("asked", "1st", "2nd", "3rd", "4th", "5th"))


if __name__ == "__main__":
    run(main, Config)
