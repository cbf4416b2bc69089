"""LeNet-5 in its modern form, and as published."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.models.lenet import BITMAPS, CONNECTIONS, LeNet5, OriginalLeNet5, SparseConv, Subsampling, squash

IMAGE = jnp.zeros((32, 32, 1))


def test_a_32_by_32_grey_image_needs_61_706_parameters():
    params = jax.eval_shape(LeNet5().init, jax.random.key(0), IMAGE)["params"]
    counts = {name: sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(layer)) for name, layer in params.items()}
    assert counts == {"conv1": 156, "conv2": 2_416, "dense1": 48_120, "dense2": 10_164, "output": 850}
    assert sum(counts.values()) == 61_706


def test_one_example_and_a_batch_of_any_shape_give_the_same_logits():
    model = LeNet5()
    variables = model.init(jax.random.key(0), IMAGE)
    images = jax.random.normal(jax.random.key(1), (2, 3, 32, 32, 1))
    batch = model.apply(variables, images)
    assert batch.shape == (2, 3, 10)
    np.testing.assert_allclose(model.apply(variables, images[1, 2]), batch[1, 2], atol=1e-5)


# As published.

ORIGINAL = OriginalLeNet5()
TABLE_I = [
    "X...XXX..XXXX.XX",
    "XX...XXX..XXXX.X",
    "XXX...XXX..X.XXX",
    ".XXX..XXXX..X.XX",
    "..XXX..XXXX.XX.X",
    "...XXX..XXXX.XXX",
]


def test_the_published_form_has_60_000_trainable_parameters_its_codes_being_fixed(parameters):
    params = jax.eval_shape(ORIGINAL.init, jax.random.key(0), IMAGE)["params"]
    counts = {name: sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(layer)) for name, layer in params.items()}
    assert counts == {"C1": 156, "S2": 12, "C3": 1_516, "S4": 32, "C5": 48_120, "F6": 10_164}
    assert parameters(ORIGINAL, IMAGE.shape) == 60_000


def test_the_published_layers_have_the_shapes_of_figure_2(layers):
    shapes = layers(ORIGINAL, IMAGE.shape)
    assert [shapes[name] for name in ("C1", "S2", "C3", "S4", "C5", "F6")] == [
        (28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (1, 1, 120), (84,),
    ]  # fmt: skip


def test_c3_has_the_60_connections_of_table_i():
    table = [["X" if c in channels else "." for channels in CONNECTIONS] for c in range(6)]
    assert ["".join(row) for row in table] == TABLE_I
    assert sum(map(len, CONNECTIONS)) == 60


def test_a_map_of_c3_moves_with_the_maps_that_it_is_connected_to_and_no_other():
    layer = SparseConv(CONNECTIONS, 5)
    x = jax.random.normal(jax.random.key(0), (5, 5, 6))
    params = layer.init(jax.random.key(1), x)
    jacobian = jax.jacobian(lambda x: layer.apply(params, x)[0, 0])(x)
    moves = np.abs(jacobian).sum((1, 2)) > 0
    np.testing.assert_array_equal(moves.T, np.array([list(row) for row in TABLE_I]) == "X")


def test_the_subsampling_of_1_2_3_4_with_coefficient_2_and_bias_1_is_21():
    params = {"coefficient": jnp.array([2.0]), "bias": jnp.array([1.0])}
    y = Subsampling().apply({"params": params}, jnp.array([[1.0, 2.0], [3.0, 4.0]])[..., None])
    np.testing.assert_array_equal(y, [[[21.0]]])


def test_the_squashing_function_keeps_1_and_minus_1_and_bends_most_there():
    np.testing.assert_allclose(squash(jnp.array([-1.0, 0.0, 1.0])), [-1, 0, 1], atol=1e-4)
    a = jnp.linspace(0.0, 3.0, 301)
    bend = jax.vmap(jax.grad(jax.grad(squash)))(a)
    np.testing.assert_allclose(a[np.abs(bend).argmax()], 1, atol=0.03)


@pytest.mark.parametrize("digit", range(10))
def test_where_f6_shows_a_digit_its_logit_is_0_and_each_other_s_minus_4_for_a_pixel_that_differs(digit):
    pictures = ["".join(line.split()[d] for line in BITMAPS.strip().splitlines()) for d in range(10)]
    params = jax.tree.map(jnp.zeros_like, ORIGINAL.init(jax.random.key(0), IMAGE)["params"])
    params["F6"]["bias"] += np.array([1.0 if pixel == "#" else -1.0 for pixel in pictures[digit]])
    differing = [sum(a != b for a, b in zip(picture, pictures[digit], strict=True)) for picture in pictures]
    logits = ORIGINAL.apply({"params": params}, IMAGE)
    np.testing.assert_allclose(logits, -4.0 * np.array(differing), rtol=1e-3, atol=1e-3)
    assert sorted(differing)[1] >= 10


def test_the_published_form_takes_larger_images_and_says_what_it_needs_for_smaller_ones(logits):
    for batch, alone in logits(ORIGINAL, [(32, 32, 1), (40, 36, 1)]):
        assert batch.shape == (1, 10)
        np.testing.assert_allclose(batch[0], alone, rtol=1e-4)
    with pytest.raises(InputError, match=r"an image of 32×31: LeNet-5 takes 32×32 and more"):
        ORIGINAL.init(jax.random.key(0), jnp.zeros((32, 31, 1)))


def test_an_eleventh_class_has_no_code_and_three_classes_take_the_first_three():
    with pytest.raises(InputError, match="11 classes: there are codes for the ten digits; take LeNet5"):
        OriginalLeNet5(classes=11).init(jax.random.key(0), IMAGE)
    variables = ORIGINAL.init(jax.random.key(0), IMAGE)
    three, ten = (model.apply(variables, IMAGE + 1) for model in (OriginalLeNet5(classes=3), ORIGINAL))
    np.testing.assert_array_equal(three, ten[:3])


def test_the_gradient_of_the_published_form_is_the_numerical_one(gradient_check):
    report = gradient_check(ORIGINAL, IMAGE.shape)
    assert report.ok, report
