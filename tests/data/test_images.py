import io

import jax
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from jaxdl.data import images
from jaxdl.data.source import Arrays, Records
from jaxdl.errors import InputError

RNG = np.random.default_rng(0)
PICTURES = {  # images and labels by split
    "train": (RNG.integers(0, 256, (60, 6, 4, 3), np.uint8), np.arange(60) % 3),
    "test": (RNG.integers(0, 256, (12, 6, 4, 3), np.uint8), np.arange(12) % 3),
}


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    file.seek(0)
    return file


class _Pictures(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Images and labels given as a dictionary, stored as raw tensors."""

    VERSION = tfds.core.Version("1.0.0")
    pictures = PICTURES
    image = tfds.features.Tensor(shape=(6, 4, 3), dtype=np.uint8)
    encode = staticmethod(np.asarray)

    def _info(self):
        features = {"image": self.image, "label": tfds.features.ClassLabel(names=["cat", "dog", "owl"])}
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), disable_shuffling=True
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in self.pictures}

    def _generate_examples(self, split):
        for key, (pixels, label) in enumerate(zip(*self.pictures[split], strict=True)):
            yield key, {"image": self.encode(pixels), "label": int(label)}


def cropped_png(pixels):
    return png(pixels[: 3 + pixels[0, 0, 0] % 3])


FIXED, ANY = tfds.features.Image(shape=(6, 4, 3)), tfds.features.Image(shape=(None, None, 3))
(TRAIN, LABELS), (TEST, TEST_LABELS) = PICTURES["train"], PICTURES["test"]
SHORT_TEST = (TEST[:9], TEST_LABELS[:9])
FLOATS = np.where(np.arange(60)[:, None, None, None] == 4, np.nan, TRAIN / 255).astype(np.float32)
BUILDERS = [
    type(name, (_Pictures,), attributes)
    for name, attributes in {
        "AsTensors": {},
        "AsPng": {"image": FIXED, "encode": staticmethod(png)},
        "OddSizes": {"image": ANY, "encode": staticmethod(cropped_png)},
        "OtherTest": {"pictures": {**PICTURES, "test": (255 - TEST, TEST_LABELS)}},
        "ThreeSplits": {"pictures": {**PICTURES, "validation": SHORT_TEST}},
        "SecretTest": {
            "pictures": {"train": PICTURES["train"], "validation": SHORT_TEST, "test": (TEST, TEST_LABELS * 0 - 1)}
        },
        "FlatChannel": {"pictures": {"train": (np.where([True, False, False], TRAIN, np.uint8([0, 255, 77])), LABELS)}},
        "Spoilt": {
            "pictures": {"train": (FLOATS, LABELS)},
            "image": tfds.features.Tensor(shape=(6, 4, 3), dtype=np.float32),
        },
        "Unlabelled": {"pictures": {"train": (TRAIN, np.where(np.arange(60) == 7, -1, LABELS))}},
        "OnlyTest": {"pictures": {"test": PICTURES["test"]}},
    }.items()
]


class NoLabels(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = tfds.features.FeaturesDict({"image": tfds.features.Tensor(shape=(2, 2, 1), dtype=np.uint8)})
        return tfds.core.DatasetInfo(builder=self, features=features, disable_shuffling=True)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        yield 0, {"image": np.zeros((2, 2, 1), np.uint8)}


@pytest.fixture(scope="module", autouse=True)
def prepared(shared_data):
    for builder in (*BUILDERS, NoLabels):
        builder(data_dir=shared_data).download_and_prepare(file_format="array_record")


def everything(source):
    return source[np.arange(len(source))]


def pixels(image_set, source):
    """The images of a set back in 0..255."""
    return (everything(source)["image"] * image_set.std + image_set.mean) * 255


def parts(image_set):
    return image_set.train, image_set.dev, image_set.test


def test_the_digits_come_stratified_standardised_and_whole():
    digits = images.load("digits", size=32)
    assert [len(part) for part in parts(digits)] == [1078, 360, 359]
    assert (digits.classes, digits.class_names, digits.shape) == (10, tuple("0123456789"), (32, 32, 1))
    counts = np.array([np.bincount(everything(part)["label"]) for part in parts(digits)])
    exact = counts.sum(0) * np.array([[0.6], [0.2], [0.2]])
    assert np.abs(counts - exact).max() < 1
    image = everything(digits.train)["image"]
    assert image.dtype == np.float32
    assert abs(image.mean()) < 1e-5
    assert abs(image.std() - 1) < 1e-5


def test_statistics_come_from_the_training_images_alone():
    digits = images.load("digits")
    scans = np.concatenate([pixels(digits, part) for part in parts(digits)])
    assert abs(digits.mean[0] - scans.mean() / 255) > 1e-5  # those of all images would differ
    one, other = images.load("as_tensors"), images.load("other_test")
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.std, other.std)
    assert not np.array_equal(everything(one.test)["image"], everything(other.test)["image"])
    train = pixels(one, one.train) / 255
    np.testing.assert_allclose(one.mean, train.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(one.std, train.std((0, 1, 2)), rtol=1e-5)


def test_a_test_split_stays_the_test_set_and_dev_is_carved_from_train():
    pictures = images.load("as_tensors", fractions=(0.6, 0.2, 0.2))
    assert [len(part) for part in parts(pictures)] == [45, 15, 12]  # dev is .2 / (.6 + .2) of 60
    np.testing.assert_allclose(pixels(pictures, pictures.test), TEST, atol=1e-3)
    np.testing.assert_array_equal(everything(pictures.test)["label"], TEST_LABELS)
    np.testing.assert_array_equal(np.bincount(everything(pictures.dev)["label"]), [5, 5, 5])
    assert pictures.class_names == ("cat", "dog", "owl")
    seen = np.concatenate([pixels(pictures, pictures.train), pixels(pictures, pictures.dev)])
    assert sorted(seen.sum((1, 2, 3)).round()) == sorted(TRAIN.sum((1, 2, 3)))


def test_a_validation_split_of_its_own_is_dev_and_test_where_the_test_labels_are_secret():
    assert [len(part) for part in parts(images.load("three_splits"))] == [60, 9, 12]
    assert [len(part) for part in parts(images.load("secret_test"))] == [45, 15, 9]


def test_images_stored_as_tensors_and_as_png_are_the_same_set():
    tensors, compressed = images.load("as_tensors"), images.load("as_png")
    for one, other in zip(parts(tensors), parts(compressed), strict=True):
        for name in ("image", "label"):
            np.testing.assert_array_equal(everything(one)[name], everything(other)[name])


def test_a_set_too_large_for_memory_is_read_from_the_disk_with_the_same_values(monkeypatch):
    held = images.load("as_png", size=8)
    monkeypatch.setattr(images, "IN_MEMORY", 4 * 8 * 8 * 3 * 72 - 1)
    read = images.load("as_png", size=8)
    assert all(isinstance(part, Arrays) for part in parts(held))
    assert all(isinstance(part, Records) for part in parts(read))
    assert [len(part) for part in parts(read)] == [45, 15, 12]
    np.testing.assert_allclose(pixels(read, read.test), pixels(held, held.test), atol=1e-3)
    image = everything(read.train)["image"]
    assert image.dtype == np.float32
    np.testing.assert_allclose(image.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(image.std((0, 1, 2)), 1, atol=1e-5)


def test_statistics_of_a_large_set_come_from_a_seeded_sample_of_train(monkeypatch):
    monkeypatch.setattr(images, "IN_MEMORY", 0)
    monkeypatch.setattr(images, "SAMPLE", 20)
    first, again = images.load("as_tensors"), images.load("as_tensors")
    np.testing.assert_array_equal(first.mean, again.mean)
    train = pixels(first, first.train) / 255
    assert 1e-6 < np.abs(first.mean - train.mean((0, 1, 2))).max() < 0.05


def test_resizing_agrees_with_jaxs_bilinear_resize_both_ways():
    for size in (9, 3):
        pictures = images.load("as_tensors", size=size)
        expected = jax.image.resize(TEST.astype(np.float32), (12, size, size, 3), "bilinear")
        np.testing.assert_allclose(pixels(pictures, pictures.test), expected, atol=0.01)
        assert pictures.shape == (size, size, 3)


def test_colour_turns_to_luma_and_grey_to_three_equal_channels():
    grey = images.load("as_tensors", channels=1)
    expected = TEST @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(pixels(grey, grey.test)[..., 0], expected, atol=0.01)
    colour = images.load("digits", channels=3)
    assert colour.shape == (8, 8, 3)
    image = everything(colour.test)["image"]
    np.testing.assert_array_equal(image, np.repeat(image[..., :1], 3, axis=-1))


def test_a_channel_without_variance_becomes_zero_and_not_infinite():
    image = everything(images.load("flat_channel").train)["image"]
    np.testing.assert_allclose(image[..., 1:], 0, atol=1e-6)
    np.testing.assert_allclose(image[..., 0].std(), 1, rtol=1e-5)


def test_images_of_different_sizes_need_one_and_then_load():
    with pytest.raises(InputError, match="'odd_sizes' differ in size: give one, such as size=64"):
        images.load("odd_sizes")
    assert images.load("odd_sizes", size=5).shape == (5, 5, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "no_labels"}, "has image, not an image .* and a label"),
        ({"name": "digits", "channels": 4}, "channels 4: the images of 'digits' have 1"),
        ({"name": "as_tensors", "fractions": (0.5, 0.5, 0.5)}, "sum to 1"),
        ({"name": "as_tensors", "fractions": (0.0, 0.0, 1.0)}, "leave nothing to train on"),
        ({"name": "spoilt"}, "image of row 4, .* is nan"),
        ({"name": "unlabelled"}, "label -1 of row 7 is no class: give 0 … 2"),
        ({"name": "only_test"}, "has no train split: it has test"),
        ({"name": "mnist"}, "run `python -m jaxdl.data prepare mnist`"),
    ],
)
def test_what_cannot_be_loaded_is_explained(options, message):
    with pytest.raises(InputError, match=message):
        images.load(**options)


def test_equal_seeds_give_equal_sets_and_other_seeds_other_splits():
    first, again, other = (images.load("digits", seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.test.fields["image"], again.test.fields["image"])
    assert not np.array_equal(first.test.fields["label"], other.test.fields["label"])


def test_random_images_have_the_shape_and_the_classes_asked_for():
    sets = images.load("random/1000", size=8)
    assert sets.shape == (8, 8, 3)
    assert sets.classes == len(sets.class_names) == 1000
    assert [len(part) for part in (sets.train, sets.dev, sets.test)] == [256, 128, 128]
    batch = sets.train[np.arange(256)]
    assert batch["image"].shape == (256, 8, 8, 3)
    assert abs(batch["image"].mean()) < 0.02
    assert len(set(batch["label"])) == 256
    with pytest.raises(InputError, match="expected random/ and the number of classes"):
        images.load("random/many")
