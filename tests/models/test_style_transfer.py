"""Style transfer as a Task: its gradient, its minimum, where it starts, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdl.check.gradients import check_task
from jaxdl.errors import InputError
from jaxdl.losses import style as losses
from jaxdl.models import inspection
from jaxdl.models.style_transfer import rectified, style_transfer
from jaxdl.models.vgg import VGG
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run

MODEL = VGG(2, (1, 1), (4, 6), grid=1, dense=())
VARIABLES = dict(MODEL.init(jax.random.key(0), jnp.zeros((8, 8, 3))))
LAYERS = {"conv1_1": 0.25, "conv2_1": 0.75}
RANDOM = np.random.default_rng(0)
CONTENT, STYLE = RANDOM.uniform(size=(2, 8, 8, 3)).astype(np.float32)


def make(content=CONTENT, style=STYLE, features=None, variables=VARIABLES, steps=3, **options):
    options = {"content_layer": "conv2_1", "style_layers": LAYERS, "optimizer": optax.adam(0.05), **options}
    return style_transfer(features or rectified(MODEL, list(LAYERS)), variables, content, style, steps=steps, **options)


def first_cost(task, image=None):
    """(J, its parts) of the image that training starts with, or of this one."""
    params, model_state = task.init(jax.random.key(0))
    params = params if image is None else {"image": jnp.asarray(image)}
    example = {name: jnp.asarray(rows[0]) for name, rows in next(task.train.iterate(0)).items()}
    cost, (_, metrics) = task.loss(params, model_state, example, jax.random.key(0))
    return float(cost.value), {name: float(mean.value) for name, mean in metrics.items()}


def test_the_gradient_of_the_image_is_right():
    report = check_task(make(), examples=1, sample=40)
    assert report.ok, str(report)


def test_the_cost_is_the_weighted_sum_of_the_three_losses():
    cost, parts = first_cost(make(alpha=2.0, beta=30.0, gamma=0.5))
    assert parts.keys() == {"content", "style", "total_variation"}
    np.testing.assert_allclose(
        cost, 2 * parts["content"] + 30 * parts["style"] + 0.5 * parts["total_variation"], rtol=1e-5
    )


def test_the_style_layers_count_by_their_weights():
    each = {layer: first_cost(make(style_layers={layer: 1.0}))[1]["style"] for layer in LAYERS}
    both = first_cost(make())[1]["style"]
    np.testing.assert_allclose(both, 0.25 * each["conv1_1"] + 0.75 * each["conv2_1"], rtol=1e-5)


def test_the_content_image_costs_no_content_and_the_style_image_no_style():
    assert first_cost(make(), CONTENT)[1]["content"] < 1e-10
    assert first_cost(make(), STYLE)[1]["style"] < 1e-10
    assert first_cost(make(), CONTENT)[1]["style"] > 1e-4
    assert first_cost(make(), STYLE)[1]["content"] > 1e-4


def test_what_it_sees_is_the_rectified_layer_by_name():
    seen = rectified(MODEL, ["conv1_1"])(VARIABLES, jnp.asarray(CONTENT))
    kernel, bias = VARIABLES["params"]["conv1_1"]["kernel"], VARIABLES["params"]["conv1_1"]["bias"]
    patch = CONTENT[2:5, 3:6]  # what the place (3, 4) looks at
    np.testing.assert_allclose(
        seen["conv1_1"][3, 4], np.maximum(np.tensordot(patch, kernel, 3) + bias, 0), rtol=1e-4, atol=1e-6
    )


def test_a_network_that_answers_ten_times_as_strongly_makes_the_same_cost():
    features = rectified(MODEL, list(LAYERS))

    def louder(variables, image):
        return {layer: 10 * a for layer, a in features(variables, image).items()}

    assert first_cost(make(features=louder))[0] == pytest.approx(first_cost(make())[0], rel=1e-4)


def test_it_starts_from_noise_that_the_seed_draws_or_from_the_content():
    noises = [make().init(jax.random.key(seed))[0]["image"] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(noises[0], noises[1])
    assert jnp.abs(noises[0] - noises[2]).max() > 0.5
    np.testing.assert_array_equal(make(start="content").init(jax.random.key(0))[0]["image"], CONTENT)


def test_fit_lowers_the_cost_and_leaves_the_network_as_it_was(tmp_path):
    task = make(steps=40)
    result = fit(task, Run(tmp_path, mesh="data=1", evaluate_every=10**6, checkpoint_every=40, quiet=True))
    assert first_cost(task, result.state.params["image"])[0] < first_cost(task)[0] / 3
    network = result.state.model_state["network"]
    jax.tree.map(np.testing.assert_array_equal, network, VARIABLES)


def test_with_style_alone_the_gram_matrix_comes_near_the_style_images():
    task = make(alpha=0.0, gamma=0.0, start="content", style_layers={"conv1_1": 1.0})
    params, model_state = task.init(jax.random.key(0))
    example = {name: jnp.asarray(rows[0]) for name, rows in next(task.train.iterate(0)).items()}
    optimizer = optax.adam(0.02)
    state = optimizer.init(params)

    @jax.jit
    def step(params, state):
        gradient = jax.grad(lambda params: task.loss(params, model_state, example, jax.random.key(0))[0].total)(params)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state

    for _ in range(60):
        params, state = step(params, state)
    see = rectified(MODEL, ["conv1_1"])
    grams = [
        losses.gram(see(VARIABLES, x)["conv1_1"]) for x in (params["image"], jnp.asarray(STYLE), jnp.asarray(CONTENT))
    ]
    assert jnp.abs(grams[0] - grams[1]).max() < 0.1 * jnp.abs(grams[2] - grams[1]).max()


def test_a_black_image_gives_a_finite_cost():
    black = np.zeros_like(CONTENT)
    cost, _ = first_cost(make(black, black))
    assert np.isfinite(cost)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style": STYLE[:4]}, "expected equal shapes"),
        ({"beta": -1.0}, "expected finite ones of 0 or more"),
        ({"alpha": float("nan")}, "expected finite ones of 0 or more"),
        ({"style_layers": {"conv1_1": float("inf")}}, "expected finite ones of 0 or more"),
        ({"content_layer": "conv2_2"}, "unknown layer 'conv2_2': did you mean conv2_1"),
        ({"style_layers": {"conv1_2": 1.0}}, "unknown layer 'conv1_2': did you mean conv1_1"),
        ({"style_layers": {}}, "some layer"),
        ({"features": rectified(MODEL, ["conv1_2"])}, "unknown layer 'conv1_2': did you mean conv1_1"),
        ({"features": rectified(MODEL, ["output"])}, "expected one of places and channels"),
    ],
)
def test_what_can_not_be_painted_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        make(**options)


def test_the_layers_that_can_be_named_are_those_of_the_model():
    found = inspection.layers(MODEL, VARIABLES, (8, 8, 3))
    assert set(LAYERS) <= set(found)
