"""The grid of YOLO: encode and decode are inverses, anchors make room, and what it reads is what was written."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_task
from jaxdl.data import scenes
from jaxdl.errors import InputError
from jaxdl.losses.detection import Said
from jaxdl.models.yolo import Yolo, decode, detector, encode, read
from jaxdl.optim.chain import Chain

ANCHORS = jnp.array([[8.0, 8.0], [10.0, 20.0], [25.0, 12.0]])
CELLS = (4, 6)
HEIGHT, WIDTH = 32, 48


def scattered(seed, count=5):
    """Boxes of which no two have their centre in one cell."""
    random = np.random.default_rng(seed)
    cells = random.permutation(CELLS[0] * CELLS[1])[:count]
    centers = np.stack([cells % CELLS[1], cells // CELLS[1]], -1) * 8 + random.uniform(0, 8, (count, 2))
    sides = random.uniform(4, 40, (count, 2))
    boxes = np.concatenate([centers - sides / 2, centers + sides / 2], -1)
    return jnp.asarray(boxes, jnp.float32), jnp.asarray(random.integers(0, 10, count))


def test_decode_is_the_inverse_of_encode():
    for seed in range(20):
        boxes, labels = scattered(seed)
        target = encode(boxes, labels, jnp.ones(5, bool), ANCHORS, CELLS)
        assert int(target.there.sum()) == 5
        back = decode(target.center, target.size, ANCHORS)[target.there]
        order, original = np.lexsort(np.asarray(back).T), np.lexsort(np.asarray(boxes).T)
        np.testing.assert_allclose(back[order], boxes[original], atol=1e-4)
        np.testing.assert_array_equal(target.label[target.there][order], labels[original])


def test_encode_is_the_inverse_of_decode():
    k_center, k_size = jax.random.split(jax.random.key(0))
    center = jax.random.uniform(k_center, (*CELLS, 3, 2))
    # Sides within a tenth of the anchor's, so that each box chooses the anchor it was made from.
    size = jax.random.uniform(k_size, (*CELLS, 3, 2), minval=-0.1, maxval=0.1)
    boxes = decode(center, size, ANCHORS).reshape(-1, 4)
    target = encode(boxes, jnp.arange(len(boxes)), jnp.ones(len(boxes), bool), ANCHORS, CELLS)
    assert target.there.all()
    np.testing.assert_array_equal(target.label.ravel(), np.arange(len(boxes)))
    np.testing.assert_allclose(target.center, center, atol=1e-4)
    np.testing.assert_allclose(target.size, size, atol=1e-4)


def test_a_box_is_encoded_as_by_hand():
    # centre (20, 10): column 2, row 1, half and a quarter into the cell; 10 × 20 is the second anchor exactly
    target = encode(jnp.array([[15.0, 0, 25, 20]]), jnp.array([7]), jnp.array([True]), ANCHORS, CELLS)
    assert [of.tolist() for of in jnp.nonzero(target.there)] == [[1], [2], [1]]
    np.testing.assert_allclose(target.center[1, 2, 1], [0.5, 0.25])
    np.testing.assert_allclose(target.size[1, 2, 1], 0, atol=1e-6)
    assert target.label[1, 2, 1] == 7


def test_two_objects_in_one_cell_have_an_anchor_each_and_the_first_chooses():
    same = jnp.array([[10.0, 10, 20, 30], [11, 11, 19, 31], [10, 10, 20, 30], [10, 10, 20, 30]])
    target = encode(same, jnp.array([1, 2, 3, 4]), jnp.ones(4, bool), ANCHORS, CELLS)
    assert target.there.sum() == 3  # one more than there are anchors is left out
    assert target.label[2, 1, 1] == 1  # the anchor of 10 × 20
    assert sorted(target.label[2, 1].tolist()) == [1, 2, 3]
    back = decode(target.center, target.size, ANCHORS)
    for box, label in zip(same[:3], (1, 2, 3), strict=True):
        np.testing.assert_allclose(back[2, 1][target.label[2, 1] == label][0], box, atol=1e-4)


def test_what_is_not_present_leaves_no_trace():
    boxes, labels = scattered(0)
    with_some = encode(boxes, labels, jnp.arange(5) < 2, ANCHORS, CELLS)
    only = encode(boxes[:2], labels[:2], jnp.ones(2, bool), ANCHORS, CELLS)
    jax.tree.map(np.testing.assert_array_equal, with_some, only)
    nothing = encode(jnp.zeros((2, 4)), jnp.zeros(2, int), jnp.zeros(2, bool), ANCHORS, CELLS)
    assert not any(jnp.any(of) for of in nothing)
    assert all(jnp.isfinite(of).all() for of in nothing)


def test_a_centre_on_the_far_edge_lies_in_the_last_cell():
    corner = jnp.array([[40.0, 24, 56, 40]])  # centre (48, 32): beyond the last cell
    target = encode(corner, jnp.array([0]), jnp.array([True]), ANCHORS, CELLS)
    assert target.there[3, 5].any()
    np.testing.assert_allclose(decode(target.center, target.size, ANCHORS)[target.there][0], corner[0], atol=1e-4)


def test_a_network_that_says_the_target_is_read_as_the_objects():
    boxes, labels = scattered(3)
    boxes = jnp.clip(boxes, 0, jnp.array([WIDTH, HEIGHT, WIDTH, HEIGHT]))
    target = encode(boxes, labels, jnp.ones(5, bool), ANCHORS, CELLS)
    center = jnp.clip(target.center, 1e-6, 1 - 1e-6)
    said = Said(
        jnp.log(center / (1 - center)), target.size, jnp.where(target.there, 9.0, -9.0),
        20 * jax.nn.one_hot(target.label, 10),
    )  # fmt: skip
    found = read(said, ANCHORS, 8, 0.6, 0.99)
    assert found.valid.tolist() == [True] * 5 + [False] * 3
    order, original = np.lexsort(np.asarray(found.boxes[:5]).T), np.lexsort(np.asarray(boxes).T)
    np.testing.assert_allclose(found.boxes[:5][order], boxes[original], atol=1e-2)
    np.testing.assert_array_equal(found.labels[:5][order], labels[original])
    np.testing.assert_allclose(found.scores[:5], jax.nn.sigmoid(9.0), atol=1e-4)


def test_a_score_is_the_probability_of_an_object_times_that_of_its_class():
    said = Said(
        jnp.zeros((1, 1, 1, 2)), jnp.zeros((1, 1, 1, 2)), jnp.full((1, 1, 1), 2.0), jnp.log(jnp.array([0.2, 0.8]))
    )
    said = said._replace(classes=said.classes.reshape(1, 1, 1, 2))
    found = read(said, ANCHORS[:1], 1, 0.0, 0.5)
    np.testing.assert_allclose(found.scores, jax.nn.sigmoid(2.0) * 0.8, rtol=1e-5)
    np.testing.assert_allclose(found.boxes, [[0, 0, 8, 8]])


def test_boxes_without_bound_are_cut_at_the_image():
    loud = Said(jnp.zeros((1, 1, 1, 2)), jnp.full((1, 1, 1, 2), 200.0), jnp.zeros((1, 1, 1)), jnp.zeros((1, 1, 1, 3)))
    np.testing.assert_array_equal(read(loud, ANCHORS[:1], 1, 0.0, 0.5).boxes, [[0, 0, 8, 8]])


@pytest.fixture(scope="module")
def data():
    return scenes.load((20, 8, 8), size=32)


def task_of(data, **changes):
    arguments = {"optimizer": Chain(), "epochs": 1, "batch_size": 8, "width": 4, **changes}
    return detector(data, np.asarray(ANCHORS), **arguments)


def test_its_parameters_by_hand():
    params = jax.eval_shape(Yolo(anchors=3).init, jax.random.key(0), jnp.zeros((48, 48, 1)))["params"]
    convolutions = 9 * (1 * 16 + 16 * 32 + 32 * 32 + 32 * 64 + 64 * 64)
    norms = 2 * (16 + 32 + 32 + 64 + 64)
    head = 64 * 3 * 15 + 3 * 15
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == convolutions + norms + head


def test_its_gradients_are_right(data):
    report = check_task(task_of(data), sample=20)
    assert report.ok, str(report)


def test_the_parts_of_the_loss_are_metrics_and_add_up(data):
    task = task_of(data)
    params, model_state = jax.jit(task.init)(jax.random.key(0))
    batch = next(task.train.iterate(0))
    example = {name: jnp.asarray(of[0]) for name, of in batch.items()}
    of = {name: float(mean.value) for name, mean in jax.jit(task.score)(params, model_state, example).items()}
    np.testing.assert_allclose(of["loss"], of["box"] + of["objectness"] + of["classes"], rtol=1e-5)
    assert min(of.values()) > 0


def test_images_that_cells_do_not_fill_are_refused():
    odd = scenes.load((4, 4, 4), size=44)
    with pytest.raises(InputError, match="images of 44 pixels: expected a multiple of 8"):
        task_of(odd)
