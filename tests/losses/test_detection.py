"""The loss of a grid detector: by hand, at its minimum, and what each part may see."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdl.losses.detection import Said, Target, moved, offsets_to, regions, yolo

GRID = (2, 3, 2)
WHERE = [(0, 1, 0), (1, 2, 1)]


def target():
    there = jnp.zeros(GRID, bool).at[tuple(zip(*WHERE, strict=True))].set(True)
    center = jnp.where(there[..., None], jnp.array([0.25, 0.75]), 0.0)
    size = jnp.where(there[..., None], jnp.array([0.5, -0.5]), 0.0)
    return Target(center, size, there, jnp.where(there, 2, 0))


def said(seed=0):
    keys = jax.random.split(jax.random.key(seed), 4)
    shapes = ((*GRID, 2), (*GRID, 2), GRID, (*GRID, 4))
    return Said(*(jax.random.normal(key, shape) for key, shape in zip(keys, shapes, strict=True)))


def test_a_network_that_says_nothing_pays_by_hand():
    parts = yolo(jax.tree.map(jnp.zeros_like, said()), target())
    np.testing.assert_allclose(parts.box, 5 * 2 * (0.25**2 + 0.25**2 + 0.5**2 + 0.5**2), rtol=1e-6)
    np.testing.assert_allclose(parts.objectness, (2 + 0.5 * 10) * np.log(2), rtol=1e-6)
    np.testing.assert_allclose(parts.classes, 2 * np.log(4), rtol=1e-6)


def test_what_is_right_and_sure_costs_nothing():
    true = target()
    sure = Said(
        center=jnp.log(true.center / (1 - true.center)) * true.there[..., None],
        size=true.size,
        objectness=jnp.where(true.there, 50.0, -50.0),
        classes=50 * jax.nn.one_hot(true.label, 4),
    )
    sure = sure._replace(center=jnp.nan_to_num(sure.center, neginf=0.0))
    np.testing.assert_allclose(jnp.stack(yolo(sure, true)), 0, atol=1e-6)


def test_cells_without_an_object_answer_for_their_objectness_alone():
    gradients = jax.grad(lambda said: sum(yolo(said, target())))(said())
    empty = ~target().there
    for field in (gradients.center, gradients.size, gradients.classes):
        assert not field[empty].any()
        assert (field[~empty] != 0).all()
    assert (gradients.objectness[empty] > 0).all()
    assert (gradients.objectness[~empty] < 0).all()


def test_each_part_sees_its_own_logits_only():
    sees = {"box": ("center", "size"), "objectness": ("objectness",), "classes": ("classes",)}
    for part, fields in sees.items():
        gradients = jax.grad(lambda said, part=part: getattr(yolo(said, target()), part))(said())
        moved = {name for name, of in gradients._asdict().items() if of.any()}
        assert moved == set(fields)


def test_the_weights_scale_the_boxes_and_the_empty_cells():
    once, twice = yolo(said(), target(), 1.0, 1.0), yolo(said(), target(), 2.0, 0.0)
    np.testing.assert_allclose(twice.box, 2 * once.box, rtol=1e-6)
    there = target().there
    np.testing.assert_allclose(twice.objectness, jax.nn.softplus(-said().objectness)[there].sum(), rtol=1e-6)
    np.testing.assert_allclose(
        once.objectness - twice.objectness, jax.nn.softplus(said().objectness)[~there].sum(), rtol=1e-5
    )


def test_its_gradient_is_that_of_finite_differences():
    with jax.enable_x64():
        wide = jax.tree.map(lambda x: x.astype(jnp.float64), said())
        check_grads(lambda said: jnp.stack(yolo(said, target())), (wide,), order=1, modes=["rev"])


def test_in_bfloat16_errors_are_taken_and_summed_in_float32():
    """With the same inputs, rounded, the parts are those of float32."""

    def both(function, *args):
        small = [jnp.asarray(of, jnp.bfloat16) for of in args]
        wide = [of.astype(jnp.float32) for of in small]
        for ours, expected in zip(function(*small), function(*wide), strict=True):
            assert ours.dtype == jnp.float32
            np.testing.assert_allclose(ours, expected, rtol=1e-5)

    true = target()
    both(lambda *of: yolo(Said(*of[:4]), true._replace(center=of[4], size=of[5])), *said(), true.center, true.size)
    labels, present = jnp.array([2, 1]), jnp.array([True, True])
    offsets = jax.random.normal(jax.random.key(0), (4, 4))
    shifted = PROPOSALS + 200.0  # where bfloat16 holds whole pixels, and no half
    both(lambda *of: regions(*of, labels, present), jnp.ones((4, 4)), offsets, shifted, TRUE + 203.0)


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_logits_without_bound_cost_something_finite(logit):
    loud = jax.tree.map(lambda x: jnp.full_like(x, logit), said())._replace(size=said().size)
    gradients = jax.grad(lambda said: sum(yolo(said, target())))(loud)
    assert jnp.isfinite(jnp.stack(yolo(loud, target()))).all()
    assert all(jnp.isfinite(of).all() for of in gradients)


def some_boxes(seed, count=6):
    random = np.random.default_rng(seed)
    low, sides = random.uniform(0, 30, (count, 2)), random.uniform(1, 20, (count, 2))
    return jnp.asarray(np.concatenate([low, low + sides], -1), jnp.float32)


def test_offsets_and_moved_boxes_are_inverses():
    proposals, boxes = some_boxes(0), some_boxes(1)
    np.testing.assert_allclose(moved(proposals, offsets_to(proposals, boxes)), boxes, atol=1e-4)
    offsets = jax.random.normal(jax.random.key(0), (6, 4))
    np.testing.assert_allclose(offsets_to(proposals, moved(proposals, offsets)), offsets, atol=1e-4)


def test_offsets_by_hand_and_without_an_area():
    from_, to = jnp.array([[0.0, 0, 10, 20]]), jnp.array([[5.0, 5, 15, 45]])
    np.testing.assert_allclose(offsets_to(from_, to), [[0.5, 0.75, 0, np.log(2)]], atol=1e-6)
    assert jnp.isfinite(offsets_to(jnp.zeros((1, 4)), to)).all()


PROPOSALS = jnp.array([[0.0, 0, 10, 10], [0.0, 0, 10, 5], [30, 30, 40, 40], [0, 0, 10, 4]])
TRUE = jnp.array([[0.0, 0, 10, 10], [50, 50, 60, 60]])


def test_a_region_learns_the_object_it_covers_half_of_or_more_and_else_that_nothing_is_there():
    def cost(logits, offsets):
        return sum(regions(logits, offsets, PROPOSALS, TRUE, jnp.array([2, 1]), jnp.array([True, True])))

    d_logits, d_offsets = jax.grad(cost, (0, 1))(jnp.zeros((4, 4)), jnp.ones((4, 4)) / 9)
    assert d_logits.argmin(1).tolist() == [3, 3, 0, 0]  # 1 + label 2, where IoUs are 1 and .5; 0 for 0 and .4
    np.testing.assert_array_equal(d_offsets.any(1), [True, True, False, False])


def test_regions_by_hand():
    offsets = jnp.array([[0.5, 0, 0, 0], [0, 0.5, 0, 3.0 + np.log(2)], [9, 9, 9, 9], [9, 9, 9, 9]])
    parts = regions(jnp.zeros((4, 4)), offsets, PROPOSALS, TRUE, jnp.array([2, 1]), jnp.array([True, True]), weight=2.0)
    np.testing.assert_allclose(parts.region_classes, np.log(4), rtol=1e-6)
    # .5²/2 off the first; the second is 0 and .5 off in y, right, and 3 − 1/2 off in the logarithm of its height
    np.testing.assert_allclose(parts.region_boxes, 2 * (0.125 + 2.5) / 2, rtol=1e-5)


def test_an_object_that_is_not_present_owns_no_region():
    cost = regions(100 * jax.nn.one_hot(jnp.zeros(4, int), 4), jnp.ones((4, 4)), PROPOSALS, TRUE, jnp.array([2, 1]),
                   jnp.zeros(2, bool))  # fmt: skip
    np.testing.assert_allclose(jnp.stack(cost), 0, atol=1e-6)
