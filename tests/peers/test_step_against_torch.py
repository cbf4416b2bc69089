"""LeNet-5 and an MLP in PyTorch, with copied weights: the same logits, the same loss, the same Adam step."""

import jax
import numpy as np
import optax
import pytest
import torch

from benchmarks import torch_side
from benchmarks.tasks import WORKS, make_task
from jaxdl.losses.classification import cross_entropy
from jaxdl.train import state as states
from jaxdl.train.parallel import Runner
from jaxdl.train.sharding import make_mesh
from jaxdl.train.step import make_step

# The layers with parameters in PyTorch's Sequential, in the order of ours.
LAYERS = {"lenet5": ("0", "3", "7", "9", "11"), "mlp": ("0", "2", "4")}


def as_torch(params, name):
    """Our parameters as PyTorch's: HWIO to OIHW, IO to OI, and the flattened 5 × 5 × 16 image from HWC to CHW order."""
    renamed = {}
    for ours, theirs in zip(sorted(params), LAYERS[name], strict=True):
        kernel = np.asarray(params[ours]["kernel"])
        if (name, theirs) == ("lenet5", "7"):
            kernel = kernel.reshape(5, 5, 16, 120).transpose(2, 0, 1, 3).reshape(400, 120)
        kernel = kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T
        renamed[f"{theirs}.weight"] = torch.tensor(kernel.copy())
        renamed[f"{theirs}.bias"] = torch.tensor(np.array(params[ours]["bias"]))
    return renamed


@pytest.fixture(params=LAYERS)
def twins(request):
    """(name, task, state, batch, PyTorch's model with the same weights, its image and its label), all in float64.

    In float32 the first step of Adam, g / (|g| + 1e-8), would turn the last bit of a gradient near zero into a step.
    """
    name = request.param
    task = make_task(WORKS[name], steps=10)
    with jax.enable_x64():
        state = jax.tree.map(as_double, states.create(task.init, task.optimizer, jax.random.key(0)))
        batch = {field: as_double(values) for field, values in next(task.train.iterate(0)).items()}
        model = torch_side.MODELS[name][0]().double()
        model.load_state_dict(as_torch(state.params, name))
        image = batch["image"].transpose(0, 3, 1, 2) if batch["image"].ndim == 4 else batch["image"]
        yield name, task, state, batch, model, torch.tensor(image.copy()), torch.tensor(batch["label"]).long()


def as_double(leaf):
    """float32 as float64, the rest as it is."""
    return leaf.astype(np.float64) if leaf.dtype == np.float32 else leaf


def test_logits_and_loss_are_pytorchs(twins):
    name, _, state, batch, model, image, label = twins
    logits = jax.vmap(lambda x: WORKS[name].model.apply({"params": state.params}, x))(batch["image"])
    theirs = model(image)
    np.testing.assert_allclose(logits, theirs.detach(), atol=1e-10)
    loss = jax.vmap(cross_entropy)(logits, batch["label"]).mean()
    np.testing.assert_allclose(loss, torch.nn.functional.cross_entropy(theirs, label).detach(), atol=1e-10)


def test_a_step_of_gradient_descent_is_pytorchs(twins):
    name, task, state, batch, model, image, label = twins
    optimizer = optax.sgd(1.0)  # moves by the gradient itself; Adam's first step would hide a factor
    state = state._replace(opt_state=optimizer.init(state.params))
    state, metrics = our_step(task, optimizer)(state, batch)
    theirs = torch.nn.functional.cross_entropy(model(image), label)
    theirs.backward()
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    total, weight = metrics.vector[:2]
    np.testing.assert_allclose(total / weight, theirs.item(), atol=1e-10)
    assert_same(state.params, model, name)


def test_three_steps_of_adam_are_pytorchs(twins):
    name, task, state, batch, model, image, label = twins
    ours, theirs = our_step(task, task.optimizer), torch_side.training_step(model, image, label)
    for _ in range(3):
        state, _ = ours(state, batch)
        theirs()
    assert_same(state.params, model, name)


def our_step(task, optimizer):
    """(state, batch) -> (state, [total, weight, …] of the loss)."""
    return Runner(make_mesh("data=1")).bind(make_step(task.loss, optimizer))


def assert_same(params, model, name):
    """Our parameters are PyTorch's."""
    ours = as_torch(params, name)
    for key, theirs in model.state_dict().items():
        np.testing.assert_allclose(ours[key], theirs, atol=1e-9, err_msg=key)
