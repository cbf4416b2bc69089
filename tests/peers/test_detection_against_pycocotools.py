"""Mean average precision of random detections is what pycocotools makes of them."""

import contextlib
import io

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from jaxdl.boxes import Detections
from jaxdl.score.detection import average_precision, mean_average_precision

IMAGES, OBJECTS, CLAIMS, CLASSES = 40, 6, 20, 4


def scattered(seed):
    """Objects on whole pixels, and detections near some of them and elsewhere, with some scores equal."""
    random = np.random.default_rng(seed)
    low, sides = random.integers(0, 60, (IMAGES, OBJECTS, 2)), random.integers(5, 30, (IMAGES, OBJECTS, 2))
    true = np.concatenate([low, low + sides], -1).astype(float)
    which = random.integers(0, OBJECTS, (IMAGES, CLAIMS))
    near = np.take_along_axis(true, which[..., None], 1) + random.integers(-3, 4, (IMAGES, CLAIMS, 4))
    labels = random.integers(0, CLASSES, (IMAGES, OBJECTS))
    guess = np.take_along_axis(labels, which, 1)
    guess = np.where(random.random(guess.shape) < 0.2, random.integers(0, CLASSES, guess.shape), guess)
    scores = random.integers(1, 50, (IMAGES, CLAIMS)) / 50
    there, said = random.random((IMAGES, OBJECTS)) < 0.6, random.random((IMAGES, CLAIMS)) < 0.7
    labels[labels == CLASSES - 1] = 0  # the last class is never there
    return Detections(true, labels, there.astype(float), there), Detections(near, guess, scores, said)


def rows(of):
    for number, (image, place) in enumerate(np.argwhere(of.valid).tolist()):
        x1, y1, x2, y2 = of.boxes[image, place].tolist()
        box, label = [x1, y1, x2 - x1, y2 - y1], int(of.labels[image, place])
        yield {
            "id": number + 1, "image_id": image, "category_id": label, "bbox": box, "iscrowd": 0,
            "area": box[2] * box[3], "score": float(of.scores[image, place]),
        }  # fmt: skip


def by_pycocotools(true, said):
    """Precisions [classes, thresholds], and (mAP@.5, mAP@.5:.95)."""
    names = [{"id": label, "name": str(label)} for label in range(CLASSES)]
    coco = COCO()
    coco.dataset = {"images": [{"id": image} for image in range(IMAGES)], "categories": names}
    coco.dataset |= {"annotations": list(rows(true)), "info": {}}
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(list(rows(said))), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][..., 0, -1].mean(1).T  # all sizes, 100 an image
    return np.where(precision < 0, np.nan, precision), (evaluation.stats[1], evaluation.stats[0])


def test_average_precision_is_pycocotools_own():
    for seed in range(3):
        true, said = scattered(seed)
        by_class, whole = by_pycocotools(true, said)
        assert np.isnan(by_class[-1]).all()
        assert 0.05 < whole[1] < whole[0] < 0.95
        np.testing.assert_allclose(average_precision(true, said, CLASSES), by_class, atol=1e-9)
        np.testing.assert_allclose(mean_average_precision(true, said, CLASSES), whole, atol=1e-9)
