"""What is cut out is what is in the box; from few scenes two steps read more than one."""

import numpy as np
import pytest

from experiments.vision import end_to_end
from experiments.vision.end_to_end import NAMES, Config
from jaxdl.errors import InputError
from jaxdl.train.settings import Run

CONFIG = Config(sizes=(32, 192), tested=100, steps=150, channels=(4, 8, 16), seeds=1)


def test_a_window_shows_the_square_around_the_box_at_its_own_scale():
    """Of an image whose brightness is its x, cut around (16, 12) with a side of 1.2 · 10: 10 to 22 over 12 pixels."""
    image = np.tile(np.arange(32, dtype=np.float32)[None, None, :, None] + 0.5, (1, 32, 1, 1))
    box = np.array([[16, 12, 10, 6]], np.float32) / 32
    (window,) = end_to_end.cut(image, box, 12)
    np.testing.assert_allclose(window[..., 0], np.tile(np.arange(10, 22) + 0.5, (12, 1)), atol=1e-3)
    (smaller,) = end_to_end.cut(image, box, 6)
    np.testing.assert_allclose(smaller[3, :, 0], np.arange(11, 22, 2), atol=1e-3)
    (turned,) = end_to_end.cut(image.swapaxes(1, 2), box[:, [1, 0, 3, 2]], 12)
    np.testing.assert_allclose(turned[..., 0], window[..., 0].T, atol=1e-3)


def test_a_box_without_extent_still_gives_a_window():
    assert np.isfinite(end_to_end.cut(np.ones((1, 32, 32, 1), np.float32), np.zeros((1, 4), np.float32), 12)).all()


def test_from_few_scenes_the_reader_of_windows_reads_more_than_the_network_of_whole_scenes(tmp_path):
    found, overlaps, (box, said) = end_to_end.measure(CONFIG, Run(tmp_path, mesh="data=1"))
    whole, chained, read = (found[name] for name in NAMES)
    assert whole.shape == chained.shape == overlaps.shape == (1, 2)
    assert read[0, -1] > whole[0, -1] + 0.2
    assert box.shape == (100, 4)
    assert chained[0, -1] == np.mean(said == end_to_end.load(CONFIG, 0).test.fields["label"])


def test_a_single_number_of_scenes_is_nothing_to_compare():
    with pytest.raises(InputError, match="expected two or more"):
        Config(sizes=(100,))
