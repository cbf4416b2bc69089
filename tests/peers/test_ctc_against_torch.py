"""CTC and its gradient against PyTorch's."""

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jaxdl.losses.ctc import ctc


def test_values_and_gradients_are_pytorch_s():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(5, 15, 6)).astype(np.float32), rng.integers(1, 6, (5, 5))
    times, lengths = np.array([15, 12, 9, 15, 0]), np.array([5, 4, 2, 1, 0])
    theirs = torch.tensor(logits, requires_grad=True)
    log_p = theirs.log_softmax(-1).transpose(0, 1)
    cost = torch.nn.functional.ctc_loss(log_p, torch.tensor(labels), torch.tensor(times), torch.tensor(lengths),
                                        reduction="none")  # fmt: skip
    cost.sum().backward()
    mine, slope = jax.vmap(jax.value_and_grad(ctc))(
        jnp.array(logits), jnp.array(labels), jnp.array(times), jnp.array(lengths)
    )
    np.testing.assert_allclose(mine, cost.detach().numpy(), rtol=1e-4)
    np.testing.assert_allclose(slope, theirs.grad.numpy(), atol=1e-5)
