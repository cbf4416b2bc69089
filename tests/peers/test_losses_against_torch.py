"""Losses, activations, initialisers and batch normalisation beside PyTorch's, softmax beside SciPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import torch
from torch.nn import functional

from jaxdl.layers import activations, initializers, softmax
from jaxdl.layers.normalization import BatchNorm
from jaxdl.losses import classification, regression

RANDOM = np.random.default_rng(0)
Z = np.concatenate([RANDOM.normal(0, 3, 40), [-1e4, -30, 0, 30, 1e4]])


@pytest.fixture(autouse=True)
def in_float64():
    with jax.enable_x64():
        yield


def assert_same(ours, theirs, *args, **kwargs):
    """The two functions and their gradients in the first argument agree to 1e-12, relatively and absolutely."""
    leaves = [torch.tensor(arg) for arg in args]
    leaves[0].requires_grad_()
    expected = theirs(*leaves, **kwargs)
    expected.sum().backward()
    value, pull = jax.vjp(lambda first: ours(first, *map(jnp.asarray, args[1:])), jnp.asarray(args[0]))
    np.testing.assert_allclose(value, expected.detach(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(pull(jnp.ones_like(value))[0], leaves[0].grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (activations.sigmoid, torch.sigmoid),
        (activations.tanh, torch.tanh),
        (activations.relu, functional.relu),
        (activations.elu, functional.elu),
        (activations.softplus, lambda z: functional.softplus(z, threshold=40)),
        (activations.gelu, functional.gelu),
        (activations.gelu_tanh, lambda z: functional.gelu(z, approximate="tanh")),
    ],
)
def test_the_activation_is_pytorch_s_in_value_and_gradient(ours, theirs):
    assert_same(ours, theirs, Z)


def test_leaky_relu_is_pytorch_s_but_for_its_slope_at_zero_which_is_ours_by_convention():
    assert_same(activations.leaky_relu, lambda z: functional.leaky_relu(z, 0.1), Z[Z != 0])


def test_maxout_is_pytorch_s_amax_which_shares_ties_too():
    pieces = np.append(RANDOM.normal(size=(5, 3)), [[1.0, 1.0, 0.0]], 0)
    assert_same(activations.maxout, lambda z: z.amax(-1), pieces)


LOGITS, LABELS = np.append(RANDOM.normal(0, 4, (6, 5)), [[1e4, -1e4, 0, 1, 2]], 0), RANDOM.integers(0, 5, 7)
TARGETS = RANDOM.dirichlet(np.ones(5), 7)
BITS = RANDOM.integers(0, 2, (7, 5)).astype(np.float64)


@pytest.mark.parametrize(
    ("ours", "theirs", "target"),
    [
        (classification.cross_entropy, functional.cross_entropy, LABELS),
        (classification.soft_cross_entropy, functional.cross_entropy, TARGETS),
        (regression.l1, lambda z, y, reduction: functional.l1_loss(z, y, reduction=reduction).sum(-1), TARGETS),
        (regression.l2, lambda z, y, reduction: functional.mse_loss(z, y, reduction=reduction).sum(-1), TARGETS),
        (regression.mse, lambda z, y, reduction: functional.mse_loss(z, y, reduction=reduction).mean(-1), TARGETS),
        (
            classification.multi_label,
            lambda z, y, reduction: functional.binary_cross_entropy_with_logits(z, y, reduction=reduction).sum(-1),
            BITS,
        ),
    ],
)
def test_the_loss_of_each_example_is_pytorch_s_without_reduction(ours, theirs, target):
    assert_same(jax.vmap(ours), theirs, LOGITS, target, reduction="none")


def test_smoothed_labels_cost_what_pytorch_s_do():
    def ours(logits, labels):
        targets = jax.vmap(lambda label: classification.smoothed(jax.nn.one_hot(label, 5), 0.1))(labels)
        return jax.vmap(classification.soft_cross_entropy)(logits, targets)

    def theirs(logits, labels):
        return functional.cross_entropy(logits, labels, label_smoothing=0.1, reduction="none")

    assert_same(ours, theirs, LOGITS, LABELS)


def test_softmax_is_scipy_s_and_cross_entropy_is_its_logsumexp_less_the_logit():
    np.testing.assert_allclose(softmax.softmax(jnp.asarray(LOGITS)), scipy.special.softmax(LOGITS, -1), atol=1e-15)
    losses = jax.vmap(classification.cross_entropy)(jnp.asarray(LOGITS), jnp.asarray(LABELS))
    expected = scipy.special.logsumexp(LOGITS, -1) - LOGITS[np.arange(7), LABELS]
    np.testing.assert_allclose(losses, expected, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(activations.sigmoid(jnp.asarray(Z)), scipy.special.expit(Z), rtol=1e-14)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (initializers.he, lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu")),
        (initializers.xavier, lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="linear")),
        (initializers.glorot, torch.nn.init.xavier_normal_),
        (initializers.normal(10.0), lambda w: torch.nn.init.normal_(w, std=10.0)),
        (initializers.orthogonal, torch.nn.init.orthogonal_),
    ],
)
@pytest.mark.parametrize("shape", [(200, 100), (3, 3, 20, 90)])
def test_the_initialiser_spreads_as_far_as_pytorch_s(ours, theirs, shape):
    """PyTorch keeps the outputs first, OI and OIHW; 4 standard errors of two estimates from 16,200 draws are 3.1 %."""
    torch.manual_seed(0)
    expected = theirs(torch.empty(*reversed(shape)))
    np.testing.assert_allclose(ours(jax.random.key(0), shape).std(), expected.std(), rtol=0.031)


def test_batch_norm_is_pytorch_s_in_training_and_evaluation_but_for_its_unbiased_running_variance():
    """PyTorch multiplies the variance it keeps, and no other, by n/(n−1); its momentum is 1 − ours."""
    x = RANDOM.normal(3, 2, (4, 6, 5, 3))
    theirs = torch.nn.BatchNorm2d(3, eps=1e-5, momentum=0.1).double()
    ours = BatchNorm(momentum=0.9, epsilon=1e-5)
    variables = ours.init(jax.random.key(0), jnp.asarray(x[0]), jnp.ones(()), False)
    variables["params"] = {"scale": jnp.array([1.0, 2.0, 0.5]), "bias": jnp.array([0.0, -1.0, 3.0])}
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor([1.0, 2.0, 0.5]))
        theirs.bias.copy_(torch.tensor([0.0, -1.0, 3.0]))

    def apply(train):
        def one(x):
            return ours.apply(variables, x, jnp.ones(()), train, mutable=["batch_stats"])

        y, new = jax.vmap(jax.vmap(one, axis_name="batch"), axis_name="data")(jnp.asarray(x)[None])
        return y[0], jax.tree.map(lambda leaf: leaf[0, 0], new)

    def expected():
        return theirs(torch.tensor(x).permute(0, 3, 1, 2)).detach().permute(0, 2, 3, 1)

    y, new = apply(train=True)
    np.testing.assert_allclose(y, expected(), atol=1e-10)
    n, stats = 4 * 6 * 5, new["batch_stats"]
    np.testing.assert_allclose(stats["mean"], theirs.running_mean, rtol=1e-10)
    np.testing.assert_allclose(0.9 + (stats["variance"] - 0.9) * n / (n - 1), theirs.running_var, rtol=1e-10)

    theirs.eval()
    theirs.running_var.copy_(torch.tensor(np.asarray(stats["variance"])))
    variables = variables | new
    np.testing.assert_allclose(apply(train=False)[0], expected(), atol=1e-10)
