"""The networks that are timed on an accelerator are the same in PyTorch."""

import math
from collections import Counter

import jax
import pytest
import torch

from benchmarks import torch_cuda
from benchmarks.accelerator import WORKS
from jaxdl.models.classifier import initialised


@pytest.mark.parametrize("name", WORKS)
def test_each_of_our_parameters_has_its_twin(name):
    work = WORKS[name][0]
    make, shape, classes = torch_cuda.MODELS[name]
    params, _ = jax.eval_shape(lambda key: initialised(work.model, key, work.shape), jax.random.key(0))
    ours = Counter(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))
    with torch.device("meta"):
        theirs = Counter(parameter.numel() for parameter in make().parameters())
    assert ours == theirs
    assert (shape[1], shape[2], shape[0]) == work.shape
    assert classes == work.classes


def test_resnet_50_in_pytorch_gives_a_thousand_logits_and_halves_the_image_five_times():
    with torch.device("meta"):
        model, image = torch_cuda.resnet50(), torch.randn(2, 3, 224, 224)
        assert model(image).shape == (2, 1000)
        assert model[:-3](image).shape == (2, 2048, 7, 7)
