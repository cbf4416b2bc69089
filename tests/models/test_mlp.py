"""The L-layer network against the notes' own formulas, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdl.check.gradients import check_gradients
from jaxdl.check.parameters import count
from jaxdl.errors import InputError
from jaxdl.layers.activations import relu, tanh
from jaxdl.models.mlp import MLP


def drawn(model, shape, seed=0):
    return model.init(jax.random.key(seed), jnp.zeros(shape))


def test_widths_2_3_5_4_2_1_have_66_parameters():
    assert count(drawn(MLP((2, 3, 5, 4, 2, 1)), (2,))["params"]) == 66


def test_it_is_affine_maps_with_the_activation_between_them():
    model = MLP((3, 4, 5, 2), activation=tanh)
    variables = drawn(model, (3,))
    x = jnp.asarray(np.random.default_rng(0).normal(size=(7, 3)), jnp.float32)
    p = {name: (np.asarray(leaf["kernel"]), np.asarray(leaf["bias"])) for name, leaf in variables["params"].items()}
    a = x
    for layer in ("dense1", "dense2"):
        a = np.tanh(np.asarray(a) @ p[layer][0] + p[layer][1])
    expected = a @ p["output"][0] + p["output"][1]
    np.testing.assert_allclose(model.apply(variables, x), expected, rtol=1e-5, atol=1e-6)


def test_one_example_and_a_batch_of_images_give_the_same():
    model = MLP((12, 5, 2), event_axes=3)
    variables = drawn(model, (2, 2, 3))
    x = jnp.asarray(np.random.default_rng(0).normal(size=(4, 2, 2, 3)), jnp.float32)
    one_by_one = jnp.stack([model.apply(variables, image) for image in x])
    np.testing.assert_allclose(model.apply(variables, x), one_by_one, rtol=1e-6)


def test_before_the_activation_batch_norm_takes_the_place_of_the_bias():
    z, a = (drawn(MLP((2, 3, 2), normalize=place), (2,))["params"] for place in "za")
    assert set(z["dense1"]) == {"kernel"}
    assert set(a["dense1"]) == {"kernel", "bias"}
    assert z["norm1"]["scale"].shape == a["norm1"]["scale"].shape == (3,)


def test_each_layer_has_its_own_keep_probability():
    """Dropout scales what it keeps by 1 / keep, so a first layer of ones shows which probability it had."""
    model = MLP((1, 1000, 1000, 1), activation=relu, keep=(0.8, 0.5))
    variables = drawn(model, (1,))
    params = jax.tree.map(jnp.zeros_like, variables["params"])
    params = {name: {**leaf, "bias": leaf["bias"] + 1} for name, leaf in params.items()}
    params["dense2"]["kernel"] = jnp.eye(1000)
    params["dense2"]["bias"] = jnp.zeros(1000)
    params["output"]["kernel"] = jnp.full((1000, 1), 1e-3)
    rngs = {"dropout": jax.random.key(1)}
    out, kept = model.apply({"params": params}, jnp.ones(1), 1.0, True, rngs=rngs, mutable=["intermediates"])
    values = np.unique(np.asarray(kept["intermediates"]["a2"][0]))
    np.testing.assert_allclose(values, [0, 1 / 0.8])
    assert float(out[0]) - 1 == pytest.approx(1, abs=0.15)


def test_its_gradients_are_right():
    model = MLP((3, 4, 2), activation=tanh)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(5, 3)))
    params = drawn(model, (3,))["params"]
    assert check_gradients(lambda params: (model.apply({"params": params}, x) ** 2).sum(), params).ok


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widths": (3,)}, "expected two or more"),
        ({"widths": (3, 0, 2)}, "expected two or more of at least 1"),
        ({"widths": (4, 2)}, "begin with 4, but an example has 3"),
        ({"widths": (3, 4, 2), "keep": (0.5, 0.5)}, "expected one probability or 1"),
        ({"widths": (3, 4, 2), "keep": 0.0}, "expected a probability above 0"),
        ({"widths": (3, 4, 2), "normalize": "b"}, "expected '', 'z' or 'a'"),
    ],
)
def test_what_makes_no_network_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        drawn(MLP(**options), (3,))
