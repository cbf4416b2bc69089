"""Non-max suppression against a loop over pairs of boxes, by hand, and at its edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.boxes import Detections, iou
from jaxdl.decode.nms import non_max_suppression
from jaxdl.errors import InputError

SEARCH = jax.jit(non_max_suppression, static_argnums=(1, 2, 3))


def detections(boxes, scores, labels=None, valid=None):
    count = len(scores)
    return Detections(
        jnp.asarray(boxes, jnp.float32),
        jnp.zeros(count, jnp.int32) if labels is None else jnp.asarray(labels),
        jnp.asarray(scores, jnp.float32),
        jnp.ones(count, bool) if valid is None else jnp.asarray(valid),
    )


def crowd(seed, count=60, classes=3):
    """Boxes around a few places, so that many overlap; some scores equal, some boxes not valid."""
    random = np.random.default_rng(seed)
    center = random.integers(0, 5, (count, 2)) * 8.0 + random.normal(0, 2, (count, 2))
    sides = random.uniform(6, 12, (count, 2))
    boxes = np.concatenate([center - sides / 2, center + sides / 2], -1)
    scores = random.integers(1, 40, count) / 40
    return detections(boxes, scores, random.integers(0, classes, count), random.random(count) > 0.2)


def by_loops(found, score, overlap):
    """The boxes kept, best first: one after the other, each against those kept before it."""
    boxes, labels, scores, valid = map(np.asarray, found)
    table = iou(boxes[:, None], boxes)
    kept: list = []
    for place in np.argsort(-scores, kind="stable").tolist():
        rivals = [other for other in kept if labels[other] == labels[place]]
        free = all(table[place, other] < overlap for other in rivals)
        if valid[place] and scores[place] > score and free:
            kept.append(place)
    return kept


@pytest.mark.parametrize(("score", "overlap"), [(0.0, 0.5), (0.6, 0.5), (0.25, 0.1), (0.5, 1.0)])
def test_it_keeps_what_a_loop_over_pairs_keeps(score, overlap):
    for seed in range(5):
        found = crowd(seed)
        kept, said = by_loops(found, score, overlap), SEARCH(found, 60, score, overlap)
        assert int(said.valid.sum()) == len(kept)
        for field, of in zip(found, said, strict=True):
            np.testing.assert_array_equal(of[: len(kept)], np.asarray(field)[kept])
            assert not of[len(kept) :].any()


def test_the_three_steps_by_hand():
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 5], [20, 20, 30, 30], [40, 40, 50, 50]]
    kept = SEARCH(detections(boxes, [0.7, 0.9, 0.8, 0.6, 0.61]), 5)
    # .6 is dropped; IoU(second, first) = .9; IoU(second, third) = 5/9
    np.testing.assert_allclose(kept.scores, [0.9, 0.61, 0, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(kept.boxes[:2], [boxes[1], boxes[4]])


def test_an_overlap_of_exactly_the_threshold_is_suppressed():
    pair = detections([[0, 0, 4, 4], [0, 0, 4, 2]], [0.9, 0.8])
    assert SEARCH(pair, 2, 0.6, 0.5).valid.tolist() == [True, False]
    assert SEARCH(pair, 2, 0.6, 0.51).valid.tolist() == [True, True]


def test_a_suppressed_box_suppresses_none_itself():
    chain = detections([[0, 0, 10, 1], [4, 0, 14, 1], [8, 0, 18, 1]], [0.9, 0.8, 0.7])
    np.testing.assert_allclose(SEARCH(chain, 3, 0.6, 0.4).scores, [0.9, 0.7, 0], atol=1e-6)


def test_boxes_of_two_classes_do_not_suppress_one_another():
    same = detections([[0, 0, 4, 4]] * 3, [0.7, 0.9, 0.8], labels=[0, 1, 1])
    kept = SEARCH(same, 3)
    assert kept.labels[kept.valid].tolist() == [1, 0]


def test_a_box_without_an_area_is_given_once():
    points = detections([[3, 3, 3, 3], [3, 3, 3, 3]], [0.9, 0.8])
    assert SEARCH(points, 4).valid.tolist() == [True, True, False, False]


def test_with_little_room_the_best_are_given():
    found = crowd(0)
    whole, best = (SEARCH(found, limit, 0.1) for limit in (60, 4))
    for field, of in zip(whole, best, strict=True):
        np.testing.assert_array_equal(field[:4], of)


def test_what_is_not_a_number_or_not_valid_is_not_found():
    found = detections([[0, 0, 4, 4]] * 3, [np.nan, 0.9, 0.8], valid=[True, False, True])
    np.testing.assert_allclose(SEARCH(found, 2).scores, [0.8, 0], atol=1e-6)


def test_it_maps_over_images():
    images = [crowd(seed) for seed in range(3)]
    together = jax.tree.map(lambda *of: jnp.stack(of), *images)
    said = jax.jit(jax.vmap(lambda found: non_max_suppression(found, 10, 0.2)))(together)
    for place, found in enumerate(images):
        for alone, of in zip(SEARCH(found, 10, 0.2), said, strict=True):
            np.testing.assert_array_equal(alone, of[place])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"limit": 0}, "limit = 0: expected room for 1"),
        ({"score": 1.5}, "score = 1.5: expected a threshold from 0 to 1"),
        ({"score": -0.1}, "score = -0.1"),
        ({"overlap": 0.0}, "overlap = 0.0: expected a threshold above 0"),
        ({"overlap": 50.0}, "overlap = 50.0"),
    ],
)
def test_thresholds_out_of_range_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        non_max_suppression(crowd(0), **{"limit": 5, **wrong})
