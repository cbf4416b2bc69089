"""Two stages: what is proposed, what is read of it, and where gradients may go."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.boxes import Detections, iou
from jaxdl.data import scenes
from jaxdl.errors import InputError
from jaxdl.losses.detection import offsets_to
from jaxdl.models.region_proposals import RegionNetwork, Regions, read_regions, region_detector
from jaxdl.optim.chain import Chain

ANCHORS = np.array([[8.0, 12.0], [16.0, 20.0]])


@pytest.fixture(scope="module")
def network():
    model = RegionNetwork(tuple(map(tuple, ANCHORS.tolist())), width=4, proposals=6, dense=16)
    image = jax.random.uniform(jax.random.key(1), (32, 32, 1))
    return model, jax.jit(model.init)(jax.random.key(0), image), image


def test_it_proposes_regions_in_the_image_the_surest_first_that_do_not_cover_one_another(network):
    model, variables, image = network
    found = jax.jit(model.apply)(variables, image)
    boxes, scores, valid = found.proposals.boxes, found.proposals.scores, found.proposals.valid
    assert valid.all()
    assert (jnp.diff(scores) <= 0).all()
    assert (boxes >= 0).all()
    assert (boxes <= 32).all()
    assert iou(boxes[:, None], boxes)[~np.eye(6, dtype=bool)].max() < 0.7
    assert found.logits.shape == (6, 11)


def test_the_second_stage_does_not_teach_the_first_where_to_look(network):
    model, variables, image = network

    def cost(params):
        found = model.apply({**variables, "params": params}, image)
        return (found.logits**2).sum() + found.offsets.sum()

    gradients = jax.jit(jax.grad(cost))(variables["params"])
    assert not any(of.any() for of in jax.tree.leaves(gradients["grid"]))
    assert gradients["backbone"]["conv1_0"]["kernel"].any()
    assert gradients["dense"]["kernel"].any()
    assert not any(of.any() for of in jax.tree.leaves(gradients["backbone"]["conv2_0"]))  # after the map it reads


def test_a_region_that_is_read_rightly_becomes_its_object():
    proposals = jnp.array([[0.0, 0, 10, 10], [2, 0, 12, 10], [20, 20, 28, 30], [0, 20, 9, 29]])
    true = jnp.array([[0.0, 0, 12, 12], [0, 0, 12, 12], [20, 20, 30, 30], [0, 20, 9, 29]])
    logits = 9.0 * jax.nn.one_hot(jnp.array([3, 3, 1, 0]), 5)  # the last is none
    logits = logits.at[0, 3].add(1.0)
    valid = Detections(proposals, jnp.zeros(4, int), jnp.ones(4), jnp.ones(4, bool))
    said = Regions(None, valid, logits, offsets_to(proposals, true))
    found = read_regions(said, 32, 4, 0.5, 0.5)
    assert found.valid.tolist() == [True, True, False, False]
    assert found.labels[:2].tolist() == [2, 0]
    np.testing.assert_allclose(found.boxes[:2], true[jnp.array([0, 2])], atol=1e-4)


def task_of(size=32, **changes):
    arguments = {"optimizer": Chain(), "epochs": 1, "batch_size": 8, "width": 4, **changes}
    return region_detector(scenes.load((16, 8, 8), size=size), ANCHORS, **arguments)


def test_the_parts_of_the_loss_are_metrics_and_add_up():
    task = task_of()
    params, model_state = jax.jit(task.init)(jax.random.key(0))
    example = {name: jnp.asarray(of[0]) for name, of in next(task.train.iterate(0)).items()}
    of = {name: float(mean.value) for name, mean in jax.jit(task.score)(params, model_state, example).items()}
    parts = ("objectness", "box", "region_classes", "region_boxes")
    assert sorted(of) == sorted(("loss", *parts))
    np.testing.assert_allclose(of["loss"], sum(of[name] for name in parts), rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"proposals": 0}, "proposals = 0: expected 1 or more"),
        ({"score": 2.0}, "score = 2.0: expected a threshold from 0 to 1"),
        ({"size": 44}, "images of 44 pixels: expected a multiple of 8"),
    ],
)
def test_bad_input_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        task_of(**change)
