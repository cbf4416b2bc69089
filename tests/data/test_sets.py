import errno
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from jaxdl.data import sets
from jaxdl.data.__main__ import main
from jaxdl.errors import InputError, StorageError

WAIT_THEN_FIND = """
import pathlib, sys, time
from jaxdl.data import digits, sets  # the slow imports first, so that both are ready at the same moment
import sklearn.datasets
print("ready", flush=True)
sys.stdin.readline()
print(len(sets.find("digits").as_data_source("train")))
"""


class Sequel(tfds.core.GeneratorBasedBuilder):
    """A set that is not bundled: numbers, 30 for training and 5 for testing."""

    VERSION = tfds.core.Version("1.2.0")

    def _info(self):
        features = tfds.features.FeaturesDict({"x": tfds.features.Tensor(shape=(), dtype=np.int64)})
        return tfds.core.DatasetInfo(builder=self, features=features, disable_shuffling=True)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(0, 30), "test": self._generate_examples(30, 35)}

    def _generate_examples(self, start, stop):
        for x in range(start, stop):
            yield x, {"x": x}


@pytest.fixture(scope="module")
def sequel(tmp_path_factory):
    """The directory of the prepared set."""
    place = tmp_path_factory.mktemp("sequel")
    Sequel(data_dir=place).download_and_prepare(file_format="array_record")
    return place / "sequel"


def test_two_processes_that_need_an_unprepared_set_at_once_both_get_it(empty_data_directory):
    both = [
        subprocess.Popen(
            [sys.executable, "-c", WAIT_THEN_FIND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(sets.__file__).parents[2],
        )
        for _ in range(2)
    ]
    assert [process.stdout.readline() for process in both] == ["ready\n"] * 2
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate() for process in both]
    assert answers == [("1797\n", "")] * 2
    assert [process.returncode for process in both] == [0, 0]
    assert not list(empty_data_directory.glob("digits/*incomplete*"))


def test_a_bundled_set_is_prepared_once_and_then_only_read(empty_data_directory, capfd):
    files = [Path(path) for path in sets.find("digits").data_path.iterdir()]
    stamps = [os.stat(path).st_mtime_ns for path in files]
    (empty_data_directory / ".digits.lock").unlink()
    assert sets.find("digits:1.0.0").data_path == sets.find("digits").data_path
    assert [os.stat(path).st_mtime_ns for path in files] == stamps
    assert not (empty_data_directory / ".digits.lock").exists()
    assert capfd.readouterr() == ("", "")


def test_a_set_that_somebody_prepared_is_read_by_name(data_directory):
    Sequel(data_dir=data_directory).download_and_prepare(file_format="array_record")
    assert [example["x"] for example in sets.find("sequel").as_data_source("test")] == list(range(30, 35))
    assert len(sets.find("sequel:1.2.0").as_data_source("train[:10%]")) == 3
    assert sets.prepare("sequel") == data_directory / "sequel" / "1.2.0"


def test_preparing_a_set_that_is_not_bundled_leaves_it_readable_by_index(empty_data_directory, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)  # as if TensorFlow were here; ours needs none
    assert sets.prepare("sequel") == empty_data_directory / "sequel" / "1.2.0"
    assert len(sets.find("sequel").as_data_source("train")) == 30


def test_a_set_in_a_format_without_random_access_is_named_with_its_place(empty_data_directory):
    Sequel(data_dir=empty_data_directory).download_and_prepare(file_format="array_record")
    info = empty_data_directory / "sequel" / "1.2.0" / "dataset_info.json"
    info.write_text(info.read_text().replace("array_record", "tfrecord"))
    with pytest.raises(InputError, match=rf"{info.parent} is in a format that can't be read by index: remove"):
        sets.find("sequel")


def cut_off(path):
    os.truncate(path, path.stat().st_size - 10)


DAMAGE = [
    ("train.array_record-00000-of-00001", cut_off),
    ("train.array_record-00000-of-00001", Path.unlink),
    ("dataset_info.json", cut_off),
    ("dataset_info.json", Path.unlink),
]


@pytest.mark.parametrize(("file", "damage"), DAMAGE)
def test_a_damaged_bundled_set_is_prepared_again(empty_data_directory, data_directory, file, damage, capsys):
    place = Path(sets.find("iris").data_path)
    name = file if file.endswith("json") else f"iris-{file}"
    whole = (place / name).read_bytes()
    damage(place / name)
    assert main(["prepare", "iris"]) == 0
    assert capsys.readouterr().out == f"iris  {place}\n"
    if file.endswith("record-00000-of-00001"):
        assert (place / name).read_bytes() == whole
    assert len(sets.find("iris").as_data_source("train")) == 150


@pytest.mark.parametrize(("file", "damage"), [*DAMAGE, ("features.json", cut_off)])
def test_a_damaged_set_that_is_not_bundled_is_named_with_its_place(empty_data_directory, sequel, file, damage):
    place = shutil.copytree(sequel, empty_data_directory / "sequel") / "1.2.0"
    damage(place / (file if file.endswith("json") else f"sequel-{file}"))
    told = rf"'sequel' is damaged .*: remove {place.parent}\S* and run `python -m jaxdl.data prepare sequel`"
    for use in (sets.find, sets.prepare):
        with pytest.raises(InputError, match=told):
            use("sequel")


def test_a_full_disk_while_preparing_is_explained_and_leaves_nothing_half_done(
    empty_data_directory, monkeypatch, capsys
):
    def full(self):
        yield 0, {"x": np.zeros(4, np.float32), "label": 0}
        raise OSError(errno.ENOSPC, "No space left on device")

    iris = sets.bundled()["iris"]
    monkeypatch.setattr(iris, "_generate_examples", full)
    with pytest.raises(StorageError, match=rf"could not prepare 'iris' in {empty_data_directory}, .* No space left"):
        sets.find("iris")
    assert main(["prepare", "iris"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    monkeypatch.undo()
    monkeypatch.setenv("JAXDL_DATA_DIR", str(empty_data_directory))
    assert len(sets.find("iris").as_data_source("train")) == 150


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10_corrupted/brightness_1"])
def test_an_unprepared_tfds_set_comes_with_the_command_that_prepares_it(name):
    with pytest.raises(InputError, match=rf"is not prepared in /.*: run `python -m jaxdl.data prepare {name}`$"):
        sets.find(name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("digts", "did you mean digits"),
        ("mnsit", "did you mean mnist or"),
        ("ciphar10", "did you mean cifar10 or"),
        ("MNIST", "did you mean mnist or"),
        ("../digits", "give a bundled one, such as digits"),
        ("", "give a bundled one, such as digits"),
        ("no such thing", "give a bundled one, such as digits"),
        ("mnist/", "expected a name such as mnist, voc/2007 or mnist:3.0.1"),
        ("mnist:3.0.1/x", "expected a name such as mnist, voc/2007 or mnist:3.0.1"),
        ("digits/x", "digits is bundled in one form, version 1.0.0: give digits"),
        ("digits:9.9.9", "digits is bundled in one form, version 1.0.0: give digits"),
    ],
)
def test_an_unknown_name_comes_with_the_closest_names(name, hint):
    for use in (sets.find, sets.prepare):
        with pytest.raises(InputError, match=f"no data set is called '{name}': {hint}"):
            use(name)


def test_the_data_directory_is_the_variable_or_else_the_users_cache(monkeypatch):
    monkeypatch.setenv("JAXDL_DATA_DIR", "~/elsewhere")
    assert sets.directory() == Path.home() / "elsewhere"
    monkeypatch.delenv("JAXDL_DATA_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert sets.directory() == Path("/var/cache/me/jaxdl/data")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert sets.directory() == Path.home() / ".cache/jaxdl/data"


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("JAXDL_DATA_DIR", str(tmp_path / "file" / "data"))
    with pytest.raises(InputError, match=r"can't write to the data directory .*/file/data .*: set JAXDL_DATA_DIR"):
        sets.find("digits")


def test_every_bundled_set_is_known_under_its_tfds_name():
    assert all(tfds.builder_cls(name) is builder for name, builder in sets.bundled().items())
