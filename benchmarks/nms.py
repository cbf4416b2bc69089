"""Times non-max suppression as one program against NumPy: 64 images, 1,000 boxes of 10 classes, the best 100 of each.

    python -m benchmarks.nms [--quick]

(i)   the reference in NumPy: a loop over the boxes that are kept, each against all that are left, vectorised
(ii)  a loop over boxes, each against each that is kept, as the tests' oracle has it: of 1 image, times 64

`scattered` boxes lie anywhere, as those of all cells of a grid do, and most stay; `clustered` ones crowd around 15
objects, and most go, of which the loop in NumPy takes advantage. All keep the same boxes. They take turns, and each
ratio is of two runs of one turn. About 30 s; --quick: 10.
"""

import argparse
import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from benchmarks.beam import contender
from benchmarks.step import describe_machine, row
from benchmarks.turns import take_turns
from jaxdl.boxes import Detections, iou
from jaxdl.decode.nms import non_max_suppression

IMAGES, BOXES, CLASSES, LIMIT, SCORE, OVERLAP = 64, 1000, 10, 100, 0.05, 0.5


def scattered(random: np.random.Generator, images: int) -> Detections:
    """Boxes of 20 to 120 pixels anywhere in images of 512 × 512."""
    centers = random.uniform(0, 512, (images, BOXES, 2))
    return _labelled(random, centers, random.uniform(20, 120, centers.shape))


def clustered(random: np.random.Generator, images: int) -> Detections:
    """Boxes around 15 objects to an image."""
    which = random.integers(0, 15, (images, BOXES, 1))
    centers = np.take_along_axis(random.uniform(50, 450, (images, 15, 2)), which, 1)
    sides = np.take_along_axis(random.uniform(40, 160, (images, 15, 2)), which, 1)
    off, stretched = random.normal(0, 6, centers.shape), np.exp(random.normal(0, 0.1, centers.shape))
    found = _labelled(random, centers + off, sides * stretched)
    return found._replace(labels=(which[..., 0] % CLASSES).astype(np.int32))


def _labelled(random: np.random.Generator, centers: np.ndarray, sides: np.ndarray) -> Detections:
    boxes = np.concatenate([centers - sides / 2, centers + sides / 2], -1).astype(np.float32)
    shape = boxes.shape[:-1]
    labels, scores = random.integers(0, CLASSES, shape, np.int32), random.random(shape, np.float32)
    return Detections(boxes, labels, scores, np.ones(shape, bool))


def one_program() -> Callable[[Detections], Detections]:
    """Ours: all images."""
    return jax.jit(jax.vmap(lambda found: non_max_suppression(found, LIMIT, SCORE, OVERLAP)))


def in_numpy(found: Detections) -> list[np.ndarray]:
    """The places kept in each image, best first."""
    return [_in_numpy(*(np.asarray(of[image]) for of in found)) for image in range(len(found.boxes))]


def _in_numpy(boxes: np.ndarray, labels: np.ndarray, scores: np.ndarray, valid: np.ndarray) -> np.ndarray:
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1) * (y2 - y1)
    left = np.argsort(-scores, kind="stable")
    left = left[valid[left] & (scores[left] > SCORE)]
    kept: list = []
    while left.size and len(kept) < LIMIT:
        best, left = left[0], left[1:]
        kept.append(best)
        wide = np.minimum(x2[best], x2[left]) - np.maximum(x1[best], x1[left])
        high = np.minimum(y2[best], y2[left]) - np.maximum(y1[best], y1[left])
        both = np.maximum(wide, 0) * np.maximum(high, 0)
        covered = both >= OVERLAP * (areas[best] + areas[left] - both)
        left = left[~(covered & (labels[left] == labels[best]))]
    return np.array(kept, int)


def as_it_reads(found: Detections) -> list[np.ndarray]:
    """The same, one pair of boxes after the other."""
    kept_in = []
    for boxes, labels, scores, valid in zip(*map(np.asarray, found), strict=True):
        kept: list = []
        for place in np.argsort(-scores, kind="stable"):
            if len(kept) < LIMIT and valid[place] and scores[place] > SCORE:
                rivals = (other for other in kept if labels[other] == labels[place])
                if all(iou(boxes[place], boxes[other]) < OVERLAP for other in rivals):
                    kept.append(place)
        kept_in.append(np.array(kept, int))
    return kept_in


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nms", description=str(__doc__).splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few turns: a look, not a measurement")
    turns = 4 if parser.parse_args().quick else 30
    ours = one_program()
    print(describe_machine())
    print(f"{'':<64} {'':<3} {'min':>8} {'median':>8} {'max':>8}   bar")
    for make, bar in ((scattered, "≥ 20"), (clustered, "")):
        found = make(np.random.default_rng(0), IMAGES)
        one = Detections(*(of[:1] for of in found))
        searches: dict[str, Callable[[], Any]] = {
            "ours": functools.partial(ours, Detections(*map(jax.numpy.asarray, found))),
            "numpy": functools.partial(in_numpy, found),
            "pairs": functools.partial(as_it_reads, one),
        }
        times = take_turns({name: contender(search) for name, search in searches.items()}, 1, turns)
        print(row(f"    {make.__name__}: as one program", "ms", times["ours"] * 1e3))
        print(row("i   in NumPy", "ms", times["numpy"] * 1e3))
        print(row("i   in NumPy ∕ one program", "×", times["numpy"] / times["ours"], bar))
        print(row("ii  pair by pair ∕ one program", "×", IMAGES * times["pairs"] / times["ours"], "≥ 20"))


if __name__ == "__main__":
    main()
