"""Identities in training and in the test are others; sets are prepared on the spot in the form of omniglot and lfw."""

import io

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from jaxdl.data import identities
from jaxdl.data.identities import Grouped
from jaxdl.data.source import Arrays
from jaxdl.errors import InputError
from jaxdl.task import Batches as TaskBatches

RNG = np.random.default_rng(0)
PEOPLE = ["Ada"] * 4 + ["Ben"] + ["Cleo"] * 4 + ["Dora"] * 2 + ["Élodie"] * 3 + ["Finn"]


def picture(person, take):
    """Grey, lighter from person to person, and a row that is lighter from take to take."""
    pixels = np.full((6, 4, 3), 15 * person, np.uint8)
    pixels[0] += np.uint8(take)
    return pixels


class _Set(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    VERSION = tfds.core.Version("1.0.0")
    label: object = None
    splits: object = ()

    def _info(self):
        image = tfds.features.Image(shape=(6, 4, 3))
        features = tfds.features.FeaturesDict({"image": image, "label": self.label})
        return tfds.core.DatasetInfo(builder=self, features=features, disable_shuffling=True)

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(rows) for split, rows in self.splits}

    def _generate_examples(self, rows):
        for take, label in enumerate(rows):
            file = io.BytesIO()
            person = PEOPLE.index(label) if isinstance(label, str) else label
            Image.fromarray(picture(person, take)).save(file, "PNG")
            file.seek(0)
            yield take, {"image": file, "label": label}


class Faces(_Set):
    """As lfw: one split, labelled by name, in no order."""

    label = tfds.features.Text()
    splits = (("train", [PEOPLE[row] for row in RNG.permutation(len(PEOPLE))]),)


class Characters(_Set):
    """As omniglot: the characters of its test split are not those of its train split, and a small one repeats some."""

    label = tfds.features.ClassLabel(num_classes=6)
    splits = (("train", [0, 1, 2] * 4), ("test", [3, 4, 5] * 4), ("small1", [0, 0, 0]))


@pytest.fixture(scope="module", autouse=True)
def prepared(shared_data):
    for builder in (Faces, Characters):
        builder(data_dir=shared_data).download_and_prepare(file_format="array_record")


def people(data, part):
    return sorted({data.class_names[label] for label in getattr(data, part).fields["label"]})


def test_zero_to_five_are_learned_from_and_six_to_nine_never_seen():
    digits = identities.load("digits")
    assert (people(digits, "train"), people(digits, "dev")) == (list("012345"),) * 2
    assert people(digits, "test") == list("6789")
    assert [len(part) for part in (digits.train, digits.dev, digits.test)] == [812, 271, 714]
    whole = [image.tobytes() for part in (digits.train, digits.dev, digits.test) for image in part.fields["image"]]
    assert len(set(whole)) == 1797


def test_mean_and_deviation_are_of_the_training_images():
    digits = identities.load("digits", size=6, channels=3)
    assert digits.shape == (6, 6, 3)
    image = digits.train.fields["image"]
    np.testing.assert_allclose((image.mean(), image.std()), (0, 1), atol=1e-5)
    assert abs(digits.test.fields["image"].mean()) > 1e-3


def test_people_go_by_name_and_those_with_a_single_image_are_left_out():
    faces = identities.load("faces", seen=0.5, dev=0.5)
    assert (people(faces, "train"), people(faces, "dev")) == (["Ada", "Cleo"],) * 2
    assert people(faces, "test") == ["Dora", "Élodie"]
    assert [len(part) for part in (faces.train, faces.dev, faces.test)] == [4, 4, 5]


def test_every_image_keeps_its_label():
    for data, person in ((identities.load("faces", seen=0.5), lambda name: PEOPLE.index(name)),
                         (identities.load("characters", seen=0.5), int)):  # fmt: skip
        for part in (data.train, data.dev, data.test):
            grey = (part.fields["image"] * data.std + data.mean)[:, 1:] * 255
            expected = [15 * person(data.class_names[label]) for label in part.fields["label"]]
            np.testing.assert_allclose(grey, np.broadcast_to(np.reshape(expected, (-1, 1, 1, 1)), grey.shape), atol=0.1)


def test_splits_are_put_together_and_each_image_is_there_once():
    characters = identities.load("characters", size=3, channels=1, seen=0.5)
    assert characters.shape == (3, 3, 1)
    assert sum(len(part) for part in (characters.train, characters.dev, characters.test)) == 24
    assert people(characters, "test") == ["3", "4", "5"]


def test_the_first_identities_are_judged_where_there_are_too_many_and_all_are_learned_from():
    digits = identities.load("digits", most=400)
    assert (people(digits, "train"), people(digits, "dev")) == (list("012345"),) * 2
    assert people(digits, "test") == ["6", "7"]
    assert len(digits.test) == 181 + 179
    assert people(identities.load("digits", most=181 + 179 + 174), "test") == ["6", "7", "8"]
    assert people(identities.load("digits", most=100), "test") == ["6", "7"]
    assert people(identities.load("digits", most=100), "dev") == ["0", "1"]


def test_another_seed_keeps_other_images_for_dev_and_the_same_identities():
    first, again, other = (identities.load("digits", seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.dev.fields["image"], again.dev.fields["image"])
    assert not np.array_equal(first.dev.fields["label"], other.dev.fields["label"])
    assert people(first, "test") == people(other, "test")


MANY = Arrays({"label": np.repeat(np.arange(50, dtype=np.int32), 7), "which": np.arange(350)})


def epoch(batches, number, seed=0):
    """Batches of one epoch, one after the other."""
    first = number * batches.steps_per_epoch
    return [batches.batch(first + step, seed) for step in range(batches.steps_per_epoch)]


def test_each_image_comes_once_an_epoch_and_epochs_differ():
    batches = Grouped(MANY, 35, 3)
    shown = [np.concatenate([batch["which"] for batch in epoch(batches, number)]) for number in (0, 1, 0)]
    for order in shown:
        assert sorted(order) == list(range(350))
    assert not np.array_equal(shown[0], shown[1])
    np.testing.assert_array_equal(shown[0], shown[2])
    assert len(epoch(Grouped(MANY, 64, 3), 0)) == 5  # 30 of them are left out


def test_which_images_of_an_identity_stand_together_is_drawn_anew_each_epoch():
    def together(number):
        order = np.concatenate([batch["which"] for batch in epoch(Grouped(MANY, 350, 3), number)])
        return {frozenset(pair) for pair in zip(order[:-1].tolist(), order[1:].tolist(), strict=True)
                if pair[0] // 7 == pair[1] // 7}  # fmt: skip

    first, second = together(0), together(1)
    assert len(first) > 150
    assert len(first & second) < len(first) / 3


@pytest.mark.parametrize("group", [1, 3, 7, 10])
def test_images_of_one_identity_stand_in_groups_of_that_size(group):
    labels = np.concatenate([batch["label"] for batch in epoch(Grouped(MANY, 350, group), 0)])
    runs = np.diff(np.flatnonzero(np.diff(labels, prepend=-1, append=-1)))
    assert np.bincount(runs)[1:].argmax() + 1 == min(group, 7)
    pairs = [len(batch["label"]) - len(set(batch["label"])) for batch in epoch(Grouped(MANY, 35, group), 0)]
    assert (np.mean(pairs) > 15) == (group > 1)  # in any order it is about 10 of 35


def test_grouped_batches_go_on_where_they_were_and_hosts_share_them():
    batches = Grouped(MANY, 10, 3)
    assert isinstance(batches, TaskBatches)
    whole, again = batches.iterate(4), batches.iterate(4)
    for _ in range(3):
        next(whole)
    again.set_state(whole.get_state())
    halves = [batches.iterate(4, process, 2) for process in (0, 1)]
    for half in halves:
        half.set_state(whole.get_state())
    expected, restored, parts = next(whole), next(again), [next(half) for half in halves]
    for name in ("which", "label", "mask", "row"):
        np.testing.assert_array_equal(expected[name], restored[name])
        np.testing.assert_array_equal(expected[name], np.concatenate([part[name] for part in parts]))
    with pytest.raises(InputError, match="can't be shared by 3 processes"):
        batches.iterate(4, 0, 3)
    with pytest.raises(InputError, match="groups of 0"):
        Grouped(MANY, 10, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seen": 0.0}, "the share 0.0 of identities that are seen: expected more than 0"),
        ({"dev": 1.0}, "the share 1.0 of their images"),
        ({"seen": 0.95}, "has 10 identities with two images or more, 10 to learn from: expected"),
        ({"name": "faces", "seen": 0.9}, "has 4 identities"),
        ({"name": "lfw"}, "run `python -m jaxdl.data prepare lfw`"),
        ({"channels": 4}, "channels 4"),
    ],
)
def test_what_cannot_be_loaded_is_explained(options, message):
    with pytest.raises(InputError, match=message):
        identities.load(**options)


def test_a_set_that_memory_can_not_hold_asks_for_a_smaller_size(monkeypatch):
    monkeypatch.setattr(identities, "IN_MEMORY", 4 * 6 * 4 * 3 * 24 - 1)
    with pytest.raises(InputError, match=r"24 images of \(6, 4, 3\) take more than .*: give a smaller size"):
        identities.load("characters")
    assert identities.load("characters", size=3, seen=0.5).shape == (3, 3, 3)
