import numpy as np
import tensorflow_datasets as tfds
from sklearn.datasets import load_digits

from jaxdl.data import sets


def test_the_prepared_digits_invert_to_scikit_learns_counts_exactly():
    digits = load_digits()
    stored = list(sets.find("digits").as_data_source("train"))
    images = np.stack([example["image"] for example in stored])
    assert images.shape == (1797, 8, 8, 1)
    assert images.dtype == np.uint8
    assert (images.min(), images.max()) == (0, 255)
    np.testing.assert_array_equal(np.round(images[..., 0] / 255 * 16), digits.images)
    np.testing.assert_array_equal([example["label"] for example in stored], digits.target)


def test_tfds_finds_the_digits_by_name(data_directory):
    sets.find("digits")
    source = tfds.data_source("digits", split="train[:10]", data_dir=data_directory, download=False)
    assert len(source) == 10
