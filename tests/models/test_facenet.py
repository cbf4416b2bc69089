"""Embeddings of length 1, Siamese logits, and the Task that trains them."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_task
from jaxdl.data.parts import Sets
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError
from jaxdl.losses.classification import binary_cross_entropy
from jaxdl.losses.metric_learning import batch_pairs, batch_triplet
from jaxdl.models.classifier import initialised
from jaxdl.models.facenet import FaceNet, Siamese, metric_learner
from jaxdl.optim.chain import Chain
from jaxdl.task import is_coupled
from jaxdl.train.loop import fit
from jaxdl.train.predictions import predictions
from jaxdl.train.settings import Run

SHAPE = (4, 4, 1)
IMAGES = np.random.default_rng(0).normal(size=(24, *SHAPE)).astype(np.float32)
LABELS = np.arange(24, dtype=np.int32) % 3


def small_sets():
    """Noise, brighter at the place of its label: three identities, two per cent of a network's work."""
    image = 0.3 * IMAGES
    image[np.arange(24), LABELS, LABELS] += 2
    part = Arrays({"image": image, "label": LABELS})
    return Sets(part, part, part, 3, tuple("abc"), SHAPE, np.zeros(1), np.ones(1), "image")


def by_triplets(params, embedding, example):
    return batch_triplet(embedding, example["label"], example["mask"], 0.5)


def test_embeddings_have_length_one_and_an_image_of_zeros_has_a_finite_gradient():
    model = FaceNet(5, (2,))
    params, state = initialised(model, jax.random.key(0), SHAPE)
    variables = {"params": params, **state}
    embedding = model.apply(variables, jnp.asarray(IMAGES))
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1, rtol=1e-5)
    blank, gradient = jax.value_and_grad(lambda x: model.apply(variables, x).sum())(jnp.zeros(SHAPE))
    assert blank == 0
    assert np.isfinite(gradient).all()


def test_a_dense_layer_makes_the_embedding_as_wide_as_asked_and_without_one_the_last_pool_does():
    for dimension, wide in ((5, 5), (0, 1 * 1 * 3)):
        model = FaceNet(dimension, (2, 3))
        params, state = initialised(model, jax.random.key(0), SHAPE)
        assert model.apply({"params": params, **state}, jnp.zeros(SHAPE)).shape == (wide,)
        assert ("output" in params["features"]) == bool(dimension)


@pytest.mark.parametrize("difference", ["absolute", "chi-squared"])
def test_a_siamese_logit_is_a_logistic_unit_on_the_difference_of_features(difference):
    model = Siamese(difference, 4, (2,))
    params, state = initialised(model, jax.random.key(0), SHAPE)
    variables = {"params": params, **state}
    assert (model.apply(variables, jnp.asarray(IMAGES)) >= 0).all()
    f, g = np.abs(np.random.default_rng(1).normal(size=(2, 4)))
    by_feature = abs(f - g) if difference == "absolute" else (f - g) ** 2 / (f + g + 1e-6)
    unit = params["unit"]
    expected = by_feature @ np.asarray(unit["kernel"])[:, 0] + np.asarray(unit["bias"])[0]
    compare = partial(model.apply, variables, method="compare")
    f, g = (jnp.asarray(of, jnp.float32) for of in (f, g))
    np.testing.assert_allclose(compare(f, g), expected, rtol=1e-4)
    assert compare(f, g) == compare(g, f)
    np.testing.assert_allclose(compare(f, f), unit["bias"][0])


def test_the_examples_of_a_batch_are_coupled_and_micro_batches_refused(tmp_path):
    task = metric_learner(FaceNet(4, (2,)), small_sets(), by_triplets, Chain(), 1, 8)
    assert is_coupled(task)
    with pytest.raises(InputError, match="accumulate"):
        fit(task, Run(tmp_path, mesh="data=1", accumulate=2))


class Pixels(nn.Module):
    """The pixels as they are, times a parameter."""

    @nn.compact
    def __call__(self, image: jax.Array, mask: jax.Array | float = 1.0, train: bool = False) -> jax.Array:
        return self.param("scale", nn.initializers.ones, ()) * image.reshape(-1)


def test_training_sees_images_as_they_are_augmented_and_nothing_else_does():
    def turned(key, image):
        return image[::-1] + jax.random.uniform(key)

    task = metric_learner(Pixels(), small_sets(), lambda params, f, example: f[0], Chain(), 1, 8, augment=turned)
    params, key = task.init(jax.random.key(0))[0], jax.random.key(1)
    example = {"image": jnp.asarray(IMAGES[0]), "mask": jnp.float32(1)}
    assert task.loss(params, {}, example, key)[0].total == IMAGES[0, -1, 0, 0] + jax.random.uniform(key)
    assert task.predict(params, {}, example)[0] == IMAGES[0, 0, 0, 0]


def test_its_gradients_are_right():
    task = metric_learner(FaceNet(4, (2,)), small_sets(), by_triplets, Chain(), 1, 8)
    report = check_task(task, sample=20)
    assert report.ok, str(report)


def test_training_brings_one_identity_together_and_two_apart(tmp_path):
    task = metric_learner(FaceNet(0, (4,)), small_sets(), by_triplets, Chain("adam", learning_rate=1e-2), 10, 12)
    state = fit(task, Run(tmp_path, mesh="data=2", quiet=True)).state
    f = predictions(task, state, {"image": small_sets().test.fields["image"]})
    distance = ((f[:, None] - f) ** 2).sum(-1)
    same = LABELS[:, None] == LABELS
    assert distance[same].mean() < 0.5 * distance[~same].mean()
    first, _ = task.init(jax.random.key(0))
    untrained = predictions(task, state._replace(params=first), {"image": small_sets().test.fields["image"]})
    before = ((untrained[:, None] - untrained) ** 2).sum(-1)
    assert distance[same].mean() / distance[~same].mean() < 0.8 * before[same].mean() / before[~same].mean()


def test_a_siamese_network_learns_which_pairs_are_of_one_identity(tmp_path):
    model = Siamese("chi-squared", 0, (4,))

    def cost(params, f, example):
        def logistic(f, g, same):
            return binary_cross_entropy(model.apply({"params": params}, f, g, method="compare"), same)

        return batch_pairs(f, example["label"], example["mask"], logistic)

    task = metric_learner(model, small_sets(), cost, Chain("adam", learning_rate=1e-2), 30, 12)
    state = fit(task, Run(tmp_path, mesh="data=1", quiet=True)).state
    f = jnp.asarray(predictions(task, state, {"image": small_sets().test.fields["image"]}))
    logits = model.apply({"params": state.params}, f[:, None], f, method="compare")
    same = (LABELS[:, None] == LABELS)[np.triu_indices(24, 1)]
    said = np.asarray(logits)[np.triu_indices(24, 1)] > 0
    assert (said[same].mean() + (~said[~same]).mean()) / 2 > 0.9
