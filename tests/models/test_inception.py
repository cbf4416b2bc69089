"""GoogLeNet: the table of its modules, and its auxiliary heads."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.models.inception import Auxiliary, GoogLeNet, Inception, Widths, googlenet, small_googlenet

TINY = GoogLeNet(3, ({"3a": Widths(2, 2, 3, 1, 2, 1)}, {"4a": Widths(2, 2, 2, 1, 1, 1)}), ("3a",), "small", head=(2, 4))


def test_without_heads_and_batch_norm_with_biases_for_1000_classes_it_has_6_998_552_parameters(parameters):
    assert parameters(googlenet(auxiliary=False), (224, 224, 3)) == 6_998_552


def test_the_two_heads_add_3_188_840_and_3_190_888_parameters(parameters):
    """1×1 to 128, 2,048 to 1,024 and 1,024 to 1,000, from 512 channels and from 528."""
    for channels, number in ((512, 3_188_840), (528, 3_190_888)):
        assert (channels + 1) * 128 + 2_049 * 1_024 + 1_025 * 1_000 == number
    assert parameters(googlenet(), (224, 224, 3)) == 6_998_552 + 3_188_840 + 3_190_888


def test_the_nine_modules_have_the_shapes_of_table_1(layers):
    shapes = layers(googlenet(), (224, 224, 3))
    assert shapes["conv1"] == (112, 112, 64)
    assert shapes["conv2"] == (56, 56, 192)
    modules = {name.removeprefix("inception"): shape for name, shape in shapes.items() if "/" not in name}
    assert {name: shape for name, shape in modules.items() if name[0] in "345"} == {
        "3a": (28, 28, 256), "3b": (28, 28, 480),
        "4a": (14, 14, 512), "4b": (14, 14, 512), "4c": (14, 14, 512), "4d": (14, 14, 528), "4e": (14, 14, 832),
        "5a": (7, 7, 832), "5b": (7, 7, 1024),
    }  # fmt: skip


def test_a_module_lays_its_branches_end_to_end():
    """With every kernel 0 but one bias a branch, each branch is that bias: 1, 2, 3 and 4, in so many channels."""
    widths = Widths(2, 1, 3, 1, 4, 5)
    x = jax.random.normal(jax.random.key(0), (4, 4, 2))
    params = jax.tree.map(jnp.zeros_like, jax.jit(Inception(widths).init)(jax.random.key(1), x)["params"])
    for value, branch in enumerate(("one", "three", "five", "pool"), 1):
        params[branch]["bias"] += value
    y = jax.jit(Inception(widths).apply)({"params": params}, x)
    np.testing.assert_array_equal(y, np.broadcast_to(np.repeat([1, 2, 3, 4], [2, 3, 4, 5]), (4, 4, 14)))


@pytest.mark.parametrize("side", [1, 4, 8, 14, 20])
def test_a_head_has_the_same_weights_at_every_resolution(side):
    params = jax.eval_shape(
        lambda: Auxiliary(5, 3, 7).init(jax.random.key(0), jnp.zeros((side, side, 6)), False)["params"]
    )
    assert params["dense"]["kernel"].shape == (4 * 4 * 3, 7)


def test_on_14_by_14_places_a_head_sees_the_means_of_5_by_5_three_apart():
    """A lone 25 at (4, 4) is in the windows that start at 0 and 3 of either direction, and adds 1 to each."""
    head = Auxiliary(1, 1, 1)
    x = jnp.zeros((14, 14, 1)).at[4, 4].set(25.0)

    def seen(place):
        params = {name: {"bias": jnp.zeros(1)} for name in ("conv", "dense", "output")}
        params["conv"]["kernel"], params["output"]["kernel"] = jnp.ones((1, 1, 1, 1)), jnp.ones((1, 1))
        params["dense"]["kernel"] = jnp.zeros((16, 1)).at[place].set(1.0)
        return head.apply({"params": params}, x, False)[0]

    seen = jax.jit(jax.vmap(seen))(jnp.arange(16))
    np.testing.assert_allclose(seen.reshape(4, 4), [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])


def test_the_heads_change_nothing_about_the_logits():
    image = jax.random.normal(jax.random.key(0), (6, 6, 1))
    variables = jax.jit(TINY.init)(jax.random.key(1), image)
    logits, heads = jax.jit(TINY.apply, static_argnames="method")(variables, image, method="with_auxiliary")
    assert [head.shape for head in heads] == [(3,)]
    for model in (TINY, TINY.clone(auxiliary=())):
        np.testing.assert_allclose(jax.jit(model.apply)(variables, image), logits, rtol=1e-5)


def test_the_loss_of_a_head_reaches_the_stem_and_nothing_behind_the_head():
    def cost(params):
        _, heads = TINY.apply({"params": params}, image, method="with_auxiliary")
        return (heads[0] ** 2).sum()

    image = jax.random.normal(jax.random.key(0), (6, 6, 1))
    params = jax.tree.map(lambda leaf: leaf + 0.05, jax.jit(TINY.init)(jax.random.key(1), image)["params"])
    gradient = jax.jit(jax.grad(cost))(params)
    reached = {name for name, layer in gradient.items() if any(np.any(leaf) for leaf in jax.tree.leaves(layer))}
    assert reached == {"conv1", "inception3a", "auxiliary3a"}
    assert set(gradient) - reached == {"inception4a", "output"}


def test_the_small_network_has_its_head_after_4a_by_choice():
    def made(auxiliary):
        model = small_googlenet(5, auxiliary)
        return jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((8, 8, 1)))["params"]

    assert set(made(True)) - set(made(False)) == {"auxiliary4a"}


@pytest.mark.parametrize(("side", "stem_strides"), [(8, 1), (16, 1), (32, 2)])
def test_the_small_network_has_fewer_than_50_000_parameters_and_halves_the_side_once(
    side, stem_strides, layers, parameters
):
    model = small_googlenet(stem_strides=stem_strides)
    assert layers(model, (side, side, 3))["inception4b"] == (side // stem_strides // 2,) * 2 + (64,)
    assert parameters(model, (side, side, 3)) < 50_000


def test_an_example_and_a_batch_of_one_have_the_same_logits_at_any_resolution(logits):
    for batch, alone in logits(TINY, [(1, 1, 1), (5, 6, 1)]):
        assert batch.shape == (1, 3)
        np.testing.assert_allclose(batch[0], alone, rtol=1e-4, atol=1e-5)


def test_dropout_drops_in_training_alone_in_the_network_and_in_its_heads():
    def outputs(train, key=0):
        rngs = {"dropout": jax.random.key(key)}
        logits, heads = apply(variables, image, 1.0, train, rngs=rngs, method="with_auxiliary")
        return tuple(logits.tolist()), tuple(heads[0].tolist())

    image = jax.random.normal(jax.random.key(0), (6, 6, 1))
    variables = jax.jit(TINY.init)(jax.random.key(1), image)
    apply = jax.jit(TINY.apply, static_argnums=3, static_argnames="method")
    for trained in zip(*[outputs(True, key) for key in range(12)], strict=True):
        assert len(set(trained)) > 1
    assert outputs(False, 0) == outputs(False, 1)


def test_its_gradient_is_the_numerical_one_with_that_of_its_head(gradient_check):
    report = gradient_check(TINY, (6, 6, 1), method="with_auxiliary")
    assert report.ok, report
