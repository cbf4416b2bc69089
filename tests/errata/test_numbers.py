"""The notes' wrong numbers and claims beside the right ones."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.layers.pooling import max_pool
from jaxdl.losses.regression import l1
from jaxdl.models.lenet import LeNet5

Y = np.array([1, 0, 0, 1, 1])


def test_the_l1_loss_of_the_first_worked_prediction_is_0_83():
    first, other = [".9", ".02", ".01", ".4", ".9"], [".9", ".2", ".1", ".4", ".9"]

    def exact(prediction):
        return sum(abs(Fraction(p) - int(y)) for p, y in zip(prediction, Y, strict=True))

    assert [exact(first), exact(other)] == [Fraction("0.83"), Fraction("1.1")]  # the notes' number is the other's
    for prediction in (first, other):
        loss = l1(jnp.array([float(p) for p in prediction]), jnp.asarray(Y, float))
        np.testing.assert_allclose(loss, float(exact(prediction)), rtol=1e-6)


def test_deviations_from_the_average_of_5_8_7_2_add_up_to_zero_only_for_5_5():
    ratings = np.array([5, 8, 7, 2])
    assert (ratings - 5.5).sum() == 0
    assert (ratings - 5.25).sum() == 1
    assert ratings.mean() == 5.5


def test_lenet_5_on_a_colour_image_has_these_activations_and_parameters():
    """Each parameter count is checked against the layer's own arrays, each activation against its output's shape."""
    image = jax.ShapeDtypeStruct((32, 32, 3), jnp.float32)

    def init_and_apply(key, image):
        params = LeNet5().init(key, image)["params"]
        _, kept = LeNet5().apply({"params": params}, image, capture_intermediates=True, mutable=["intermediates"])
        outputs = {name: layer["__call__"][0] for name, layer in kept["intermediates"].items() if name != "__call__"}
        return params, outputs | {"pool1": max_pool(outputs["conv1"])}

    params, outputs = jax.eval_shape(init_and_apply, jax.random.key(0), image)
    counts = {name: sum(leaf.size for leaf in jax.tree.leaves(layer)) for name, layer in params.items()}
    assert counts == {"conv1": 456, "conv2": 2_416, "dense1": 48_120, "dense2": 10_164, "output": 850}
    assert outputs["conv1"].shape == (28, 28, 6)
    assert {name: outputs[name].size for name in ("conv1", "pool1")} == {"conv1": 4_704, "pool1": 1_176}
    wrong = {"conv1": 6_272, "pool1": 1_568}  # the notes': eight filters for six
    assert wrong == {name: outputs[name].size * 8 // 6 for name in wrong}
    dense = ("dense1", "dense2", "output")
    biases = {name: params[name]["bias"].size for name in dense}
    assert biases == {"dense1": 120, "dense2": 84, "output": 10}
    assert {n: params[n]["kernel"].size for n in dense} == {n: counts[n] - biases[n] for n in dense}


def test_star_broadcasts_and_dot_does_not():
    column, row = np.arange(3.0)[:, None], np.arange(4.0)[None]
    assert (column * row).shape == (3, 4)
    np.testing.assert_array_equal((column * row)[2], 2 * row[0])
    matrix = np.ones((4, 3))
    assert (matrix * np.arange(3.0)).shape == (4, 3)
    with pytest.raises(ValueError, match="not aligned"):
        np.dot(matrix, np.ones((1, 3)))  # which broadcasting would repeat
    assert np.dot(matrix, np.ones((3, 2))).shape == (4, 2)


def test_one_over_a_matrix_is_not_its_inverse():
    matrix = np.array([[2.0, 1.0], [1.0, 3.0]])
    np.testing.assert_allclose(matrix @ np.linalg.inv(matrix), np.eye(2), atol=1e-12)
    assert not np.allclose(matrix @ (1 / matrix), np.eye(2))
    np.testing.assert_allclose(matrix * (1 / matrix), 1)  # it undoes the element-wise product


def test_softmax_adds_up_to_one_only_when_divided_by_176_3():
    powers = np.exp([5.0, 2.0, -1.0, 3.0])
    np.testing.assert_allclose((powers / 176.3).sum(), 1, atol=5e-4)
    np.testing.assert_allclose((powers / 148.4).sum(), 1.188, atol=5e-4)
    np.testing.assert_allclose(powers[0], 148.4, atol=0.05)  # what the notes divide by is e⁵ alone
    np.testing.assert_allclose(jax.nn.softmax(jnp.array([5.0, 2.0, -1.0, 3.0])), powers / 176.3, atol=3e-4)
