"""Objects out of TFDS sets of the real sets' structure, prepared here without a network."""

import io

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from jaxdl.data import object_sets, scenes
from jaxdl.data.source import Arrays, Records
from jaxdl.errors import InputError

F = tfds.features
BREEDS = ["Abyssinian", "american_bulldog", "pug"]
NAMES = ["person", "dog", "tvmonitor"]


def encoded(pixels, kind):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **({"quality": 100, "subsampling": 0} if kind == "JPEG" else {}))
    file.seek(0)
    return file


def picture(number):
    """40 pixels high and 20 wide: black, but for a white upper left quarter; its red tells which it is."""
    pixels = np.zeros((40, 20, 3), np.uint8)
    pixels[:20, :10] = 255
    pixels[20:, :, 0] = 8 * number
    return encoded(pixels, "JPEG")


def thing(label, ymin, xmin, ymax, xmax, **more):
    return {"label": label, "bbox": F.BBox(ymin, xmin, ymax, xmax), **more}


QUARTER, LINE, ALL = (0.0, 0.0, 0.5, 0.5), (0.9, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0)
VOC = {"pose": 0, "is_truncated": False, "is_difficult": False}
COCO = {"id": 1, "area": 1, "is_crowd": False}


class _Set(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    VERSION = tfds.core.Version("1.0.0")
    counts = {"train": 20, "test": 6}  # noqa: RUF012

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=F.FeaturesDict(self.features()), disable_shuffling=True)

    def _split_generators(self, dl_manager):
        return {part: self._generate_examples(part) for part in self.counts}

    def _generate_examples(self, part):
        for number in range(self.counts[part]):
            yield number, self.example(part, number)


class Voc(_Set, skip_registration=True):
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name="2007", version="1.0.0")]  # noqa: RUF012
    counts = {"train": 10, "validation": 4, "test": 6}  # noqa: RUF012

    def features(self):
        label = F.ClassLabel(names=NAMES)
        one = {"label": label, "bbox": F.BBoxFeature(), "pose": F.ClassLabel(num_classes=5)}
        one |= {"is_truncated": np.bool_, "is_difficult": np.bool_}
        labels = {"labels": F.Sequence(label), "labels_no_difficult": F.Sequence(label)}
        return {"image": F.Image(), "image/filename": F.Text(), "objects": F.Sequence(one), **labels}

    def example(self, part, number):
        found = [thing("dog", *LINE, **VOC), thing("tvmonitor", *QUARTER, **VOC), thing("person", *ALL, **VOC)]
        found = found[: number % 4]
        of = {"labels": [], "labels_no_difficult": [], "image/filename": f"{number}.jpg"}
        return {"image": picture(number), "objects": found, **of}


class Coco(_Set, skip_registration=True):
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name="2014", version="1.0.0")]  # noqa: RUF012
    counts = {"train": 20, "validation": 6, "test": 8}  # noqa: RUF012

    def features(self):
        one = {"id": np.int64, "area": np.int64, "bbox": F.BBoxFeature(), "is_crowd": np.bool_}
        one["label"] = F.ClassLabel(names=NAMES)
        image = {"image": F.Image(encoding_format="jpeg"), "image/filename": F.Text(), "image/id": np.int64}
        return {**image, "objects": F.Sequence(one)}

    def example(self, part, number):
        found = [] if part == "test" else [thing("dog", *QUARTER, **COCO)]  # the test's are kept secret
        return {"image": picture(number), "image/filename": "x", "image/id": number, "objects": found}


class OxfordIiitPet(_Set, skip_registration=True):
    def features(self):
        return {
            "image": F.Image(encoding_format="jpeg"), "label": F.ClassLabel(names=BREEDS),
            "species": F.ClassLabel(names=["Cat", "Dog"]), "file_name": F.Text(),
            "segmentation_mask": F.Image(shape=(None, None, 1), use_colormap=True), "head_bbox": F.BBoxFeature(),
        }  # fmt: skip

    def example(self, part, number):
        mask = np.full((40, 20), 2, np.uint8)
        mask[10:30, 5:15] = 3
        mask[12:28, 6:14] = 1
        return {
            "image": picture(number), "label": number % 3, "species": 0, "file_name": "x",
            "segmentation_mask": encoded(mask, "PNG"), "head_bbox": F.BBox(0.0, 0.0, 0.0, 0.0),
        }  # fmt: skip


class OnlyTrain(Coco, skip_registration=True):
    counts = {"train": 20}  # noqa: RUF012


class NoTrain(Coco, skip_registration=True):
    counts = {"validation": 3}  # noqa: RUF012


class Secret(Coco, skip_registration=True):
    def example(self, part, number):
        return super().example("test", number)


class Unmarked(OxfordIiitPet, skip_registration=True):
    def features(self):
        return {"image": F.Image(), "label": F.ClassLabel(names=BREEDS)}

    def example(self, part, number):
        return {"image": picture(number), "label": 0}


class Corrupt(Coco, skip_registration=True):
    def example(self, part, number):
        return {**super().example(part, number), "image": io.BytesIO(picture(number).read()[:200])}


class WrongWay(_Set, skip_registration=True):
    def features(self):
        one = {"bbox": F.Tensor(shape=(4,), dtype=np.float32), "label": F.ClassLabel(names=NAMES)}
        return {"image": F.Image(), "objects": F.Sequence(one)}

    def example(self, part, number):
        box = np.array([0.5, 0.0, 0.25, 1.0], np.float32)  # its lower edge above its upper one
        return {"image": picture(number), "objects": [{"bbox": box, "label": 0}]}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    place = tmp_path_factory.mktemp("objects")
    for builder in (Voc, Coco, OxfordIiitPet, OnlyTrain, NoTrain, Secret, Unmarked, Corrupt, WrongWay):
        builder(data_dir=place, file_format="array_record").download_and_prepare()
    return place


@pytest.fixture(autouse=True)
def data_directory(prepared, monkeypatch):
    monkeypatch.setenv("JAXDL_DATA_DIR", str(prepared))


def parts(data):
    return data.train, data.dev, data.test


def numbers(part):
    """Which pictures these are."""
    return np.round(part[np.arange(len(part))]["image"][:, -2, 4, 0] * 255 / 8).astype(int).tolist()


def test_voc_has_its_own_three_parts_boxes_in_pixels_and_the_largest_things():
    data = scenes.load((100, 100, 100), size=16, name="voc", objects=2)
    assert [len(part) for part in parts(data)] == [10, 4, 6]
    assert (data.class_names, data.objects, data.shape) == (("person", "dog", "tvmonitor"), 2, (16, 16, 3))
    fields = data.test.fields
    assert fields["present"].sum(1).tolist() == [0, 1, 2, 2, 0, 1]
    np.testing.assert_allclose(fields["boxes"][1], [[0, 14.4, 16, 16], [0, 0, 0, 0]], rtol=1e-6)
    np.testing.assert_allclose(fields["boxes"][3], [[0, 0, 16, 16], [0, 0, 8, 8]], rtol=1e-6)
    assert fields["labels"][3].tolist() == [0, 2]
    assert (fields["landmarks"].shape, fields["landmark_present"].shape) == ((6, 2, 0, 2), (6, 2, 0))
    assert "segments" not in fields


def test_an_image_is_resized_with_its_boxes():
    image = scenes.load((100, 100, 100), size=16, name="voc").test.fields["image"][3]
    assert image.dtype == np.float32
    np.testing.assert_allclose(image[:7, :7], 1, atol=0.03)
    np.testing.assert_allclose(image[:7, 9:], 0, atol=0.03)
    np.testing.assert_allclose(image[9:, :, 1:], 0, atol=0.03)


def test_captions_speak_of_the_things_that_are_there():
    data = scenes.load((100, 100, 100), size=16, name="voc")
    said = [" ".join(data.vocabulary.decode(row)) for row in data.test.fields["caption"][:4]]
    assert said == ["nothing", "a dog", "a tvmonitor above a dog", "a tvmonitor above a person above a dog"]
    length = data.test.fields["caption_length"]
    assert length.tolist()[:3] == [3, 4, 7]


def test_a_test_split_without_objects_is_secret_and_dev_is_cut_from_train():
    data = scenes.load((100, 100, 100), size=16, name="coco")
    assert [len(part) for part in parts(data)] == [16, 4, 6]
    assert sorted(numbers(data.train) + numbers(data.dev)) == list(range(20))
    assert all(part.fields["present"][:, 0].all() for part in parts(data))


def test_a_set_with_one_split_is_divided_in_three():
    data = scenes.load((100, 100, 100), size=16, name="only_train")
    assert [len(part) for part in parts(data)] == [12, 4, 4]
    assert sorted(number for part in parts(data) for number in numbers(part)) == list(range(20))


def test_no_more_images_are_taken_than_asked_for_and_the_seed_says_which():
    first, again, other = (scenes.load((7, 2, 3), size=16, name="coco", seed=seed) for seed in (0, 0, 1))
    assert [len(part) for part in parts(first)] == [7, 2, 3]
    assert numbers(first.train) == numbers(again.train) != numbers(other.train)
    first, other = (scenes.load((5, 2, 3), size=16, name="voc", seed=seed) for seed in (0, 1))  # its train is its own
    assert numbers(first.train) != numbers(other.train)


@pytest.mark.parametrize("size", [20, 64])  # 64 is no multiple: between 1, the animal, and 3, its outline, lies no 2
def test_a_pet_is_where_its_mask_or_its_outline_is(size):
    data = scenes.load((100, 100, 100), size=size, name="oxford_iiit_pet")
    low, high = size // 4, size - size // 4
    assert data.class_names == ("abyssinian", "american bulldog", "pug")
    assert (data.objects, [len(part) for part in parts(data)]) == (1, [16, 4, 6])
    fields = data.test.fields
    assert fields["labels"][:, 0].tolist() == [0, 1, 2, 0, 1, 2]
    np.testing.assert_array_equal(fields["boxes"][:, 0], np.tile([low, low, high, high], (6, 1)))
    expected = np.zeros((size, size), int)
    expected[low:high, low:high] = 1
    np.testing.assert_array_equal(fields["segments"], expected * (1 + fields["labels"])[:, :, None])
    assert data.vocabulary.decode(fields["caption"][1]) == ["an", "american", "bulldog"]


def test_what_does_not_fit_in_memory_is_read_from_the_disk_with_the_same_values(monkeypatch):
    held = scenes.load((9, 4, 4), size=16, name="oxford_iiit_pet")
    monkeypatch.setattr(object_sets, "IN_MEMORY", 1000)
    read = scenes.load((9, 4, 4), size=16, name="oxford_iiit_pet")
    assert isinstance(held.train, Arrays)
    assert isinstance(read.train, Records)
    rows = np.array([8, 0, 3])
    one, other = held.train[rows], read.train[rows]
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name])
        assert values.dtype == other[name].dtype


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("coco_captions", {}, "run `python -m jaxdl.data prepare coco_captions`"),
        ("oxford_iit_pet", {}, "did you mean oxford_iiit_pet"),
        ("unmarked", {}, "expected `objects` with `bbox` and `label`, as in voc"),
        ("no_train", {}, "has no train split: it has validation"),
        ("secret", {}, "has no object in its first 50 training images"),
        ("wrong_way", {}, r"box 0, 0 is .0, 8, 16, 4.: expected x1 ≤ x2 and y1 ≤ y2"),
        ("corrupt", {}, "an image of the set can't be read"),
        ("voc", {"objects": 0}, "expected 1 or more of both"),
        ("voc", {"counts": (0, 1, 1)}, "expected 1 scene or more"),
    ],
)
def test_what_cannot_be_read_is_explained(name, options, message):
    with pytest.raises(InputError, match=message):
        scenes.load(**{"counts": (5, 5, 5), "size": 16, "name": name, **options})
