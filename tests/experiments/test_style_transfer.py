"""Style transfer, on a shrunken run."""

import dataclasses

import jax
import numpy as np
import pytest

from experiments.vision import style_transfer
from experiments.vision.style_transfer import Config
from jaxdl.errors import InputError
from jaxdl.models import pretrained
from jaxdl.models.classifier import initialised
from jaxdl.models.vgg import VGG
from jaxdl.train.settings import Run

SMALL = Config(
    size=24, width=4, steps=25, moments=(2,), seeds=1, features="random", compared=("optimizer",), beta=20.0,
    content_layer="conv2_1", style_layers=(("conv1_1", 0.5), ("conv2_1", 0.5)),
)  # fmt: skip


def test_from_noise_the_loss_falls_ten_times_and_the_painting_takes_the_textures_of_the_style(tmp_path):
    found, moments = style_transfer.measure(SMALL, Run(tmp_path, mesh="data=1"))
    (painting,), (by_adam,) = found["VGG of random weights"], found["VGG of random weights, Adam"]
    assert style_transfer.fall(painting) > 10
    assert style_transfer.fall(painting) > style_transfer.fall(by_adam) > 2
    assert 0 <= painting.image.min() < painting.image.max() <= 1
    content, style = style_transfer.pair(SMALL)
    noise = np.random.default_rng(0).uniform(size=content.shape).astype(np.float32)
    assert style_transfer.apart(painting.image, style) < 0.8 * style_transfer.apart(noise, style)
    assert style_transfer.apart(painting.image, style) < style_transfer.apart(content, style)
    assert painting.losses.keys() == {"loss", "content", "style", "total_variation"}
    assert painting.losses["loss"].size == SMALL.steps
    assert moments.keys() == {2}
    assert np.abs(moments[2] - painting.image).mean() > 0.05


def test_patches_are_apart_by_how_far_one_must_be_moved_to_the_other():
    black, white = np.zeros((8, 8, 3), np.float32), np.ones((8, 8, 3), np.float32)
    assert style_transfer.apart(black, black) == 0
    np.testing.assert_allclose(style_transfer.apart(black, 0.5 * white), 0.5 * style_transfer.apart(black, white))
    stripes = white * (np.arange(8) % 2)[:, None, None]
    assert style_transfer.apart(stripes, stripes.transpose(1, 0, 2)) > 0.1  # equal colours, another texture
    assert style_transfer.alike(stripes, -stripes) == pytest.approx(-1)


def test_the_convolutions_of_a_file_look_and_its_dense_layers_do_not(tmp_path, monkeypatch):
    whole = VGG(3, (1, 1), (8, 16), grid=1, dense=(5,))
    monkeypatch.setattr(style_transfer, "vgg", lambda depth: whole)
    monkeypatch.setitem(style_transfer.CONVOLUTIONS, 11, (1, 1))
    monkeypatch.setattr(style_transfer, "cut", lambda config, width: VGG(10, (1, 1), (8, 16), grid=1, dense=()))
    params, state = initialised(whole, jax.random.key(1), (8, 8, 3))
    pretrained.save(tmp_path / "vgg.safetensors", params, state, whole)
    config = dataclasses.replace(SMALL, weights=tmp_path / "vgg.safetensors", depth=11, compared=())
    ((name, painter),) = style_transfer.painters(config, Run(tmp_path)).items()
    assert name == "VGG of the file"
    used = painter.variables(0)["params"]
    assert used.keys() == {"conv1_1", "conv2_1", "output"}
    for layer in ("conv1_1", "conv2_1"):
        np.testing.assert_array_equal(used[layer]["kernel"], params[layer]["kernel"])


def test_a_network_is_as_deep_as_the_deepest_layer_that_is_looked_at():
    assert len(style_transfer.cut(Config(), 32).convolutions) == 4
    assert len(style_transfer.cut(SMALL, 4).convolutions) == 2
    deep = dataclasses.replace(SMALL, content_layer="conv5_1")
    assert style_transfer.cut(deep, 64).channels == [64, 128, 256, 512, 512]


def test_what_can_not_be_painted_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected steps between 0 and the 25"):
        dataclasses.replace(SMALL, moments=(30,))
    run = Run(tmp_path, mesh="data=1")
    with pytest.raises(InputError, match="unknown layer 'conv9_1'"):
        style_transfer.measure(dataclasses.replace(SMALL, content_layer="conv9_1"), run)
    with pytest.raises(InputError, match="no such image"):
        style_transfer.measure(dataclasses.replace(SMALL, content="missing.png"), run)
    with pytest.raises(InputError, match="can't be read"):
        style_transfer.measure(dataclasses.replace(SMALL, weights=tmp_path / "missing.safetensors"), run)
