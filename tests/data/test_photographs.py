"""Photographs by name and out of files: what they are turned to, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from jaxdl.data import photographs
from jaxdl.errors import InputError


def saved(tmp_path, pixels, name="x.png", **options):
    Image.fromarray(pixels).save(tmp_path / name, **options)
    return str(tmp_path / name)


@pytest.mark.parametrize("name", photographs.BUNDLED)
def test_the_bundled_ones_are_what_scikit_learn_has(name):
    from sklearn.datasets import load_sample_image

    whole = load_sample_image(f"{name}.jpg")
    middle = whole[:, 106:533] / 255
    found = photographs.load(name, 427)
    assert found.shape == (427, 427, 3)
    assert found.dtype == np.float32
    assert np.abs(found - middle).mean() < 0.05  # 640 − 427 is odd: half a pixel to the side
    assert np.abs(found - middle[:, ::-1]).mean() > 0.1
    np.testing.assert_allclose(photographs.load(name, 8).mean((0, 1)), middle.mean((0, 1)), atol=0.01)


def test_a_grey_image_has_three_equal_colours(tmp_path):
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    found = photographs.load(saved(tmp_path, grey), 8)
    np.testing.assert_allclose(found, np.repeat(grey[..., None] / 255, 3, -1), atol=1e-6)


def test_what_is_transparent_lies_on_white(tmp_path):
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:2, :, 3] = 255
    found = photographs.load(saved(tmp_path, pixels), 4)
    np.testing.assert_array_equal(found[:2], 0)
    np.testing.assert_array_equal(found[2:], 1)


def test_the_middle_square_is_taken(tmp_path):
    wide = np.zeros((4, 12, 3), np.uint8)
    wide[:, 4:8] = 255
    np.testing.assert_array_equal(photographs.load(saved(tmp_path, wide), 4), 1)


def test_the_rotation_of_a_camera_is_undone(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[0] = 255
    found = photographs.load(saved(tmp_path, pixels, exif=exif), 4)
    assert found[3].min() == 1
    assert found[0].max() == 0


def test_what_is_no_image_is_refused(tmp_path):
    whole = saved(tmp_path, np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    content = (tmp_path / "x.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "empty.png").write_bytes(b"")
    for name in ("cut.png", "text.jpg", "empty.png"):
        with pytest.raises(InputError, match=f"{name} is damaged or no image"):
            photographs.load(str(tmp_path / name), 8)
    with pytest.raises(InputError, match="no such image; expected china, flower or"):
        photographs.load(str(tmp_path / "missing.png"), 8)
    with pytest.raises(InputError, match="no such image"):
        photographs.load(str(tmp_path), 8)
    with pytest.raises(InputError, match="size 0"):
        photographs.load(whole, 0)


def test_grey_of_16_bits_is_refused(tmp_path):
    deep = np.full((8, 8), 40_000, np.uint16)
    with pytest.raises(InputError, match="more than 8 bits"):
        photographs.load(saved(tmp_path, deep), 8)
