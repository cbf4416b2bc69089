"""Texts out of TFDS sets, prepared here without a network."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from jaxdl.data import corpora, prose
from jaxdl.data.text import UNK
from jaxdl.errors import InputError

LONG = "".join(chr(97 + i % 26) for i in range(1000))
ONE = {"train": [LONG[:600], LONG[600:]]}
THREE = {"train": ["one"], "validation": ["two"], "test": ["three é"]}
TEST = {"test": ["a"]}
OPINIONS = {"train": ["a bad film", "a good film"] * 10, "test": ["an odd film", "good"]}


class _Texts(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    VERSION = tfds.core.Version("1.0.0")
    texts = ONE
    labels = False

    def _info(self):
        features = {"text": tfds.features.Text()}
        if self.labels:
            features["label"] = tfds.features.ClassLabel(names=["neg", "pos"])
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), disable_shuffling=True
        )

    def _split_generators(self, dl_manager):
        return {part: self._generate_examples(part) for part in self.texts}

    def _generate_examples(self, part):
        for key, text in enumerate(self.texts[part]):
            yield key, {"text": text} | ({"label": key % 2} if self.labels else {})


class OneText(_Texts):
    pass


class ThreeTexts(_Texts):
    texts = THREE


class NoText(_Texts):
    texts = TEST


class Opinions(_Texts):
    texts = OPINIONS
    labels = True


class SignedOpinions(_Texts):
    """Each ends with a word of its own."""

    texts = {part: [f"{text} {part}{key}" for key, text in enumerate(rows)] for part, rows in OPINIONS.items()}  # noqa: RUF012
    labels = True


PAIRS = [
    {"en": "The cat sits.", "fr": "Le chat est assis."},
    {"en": "A dog!", "fr": "Un chien qui court dans la rue !"},
    {"en": "", "fr": "Rien."},
    {"en": "The dog sits.", "fr": "Le chien est assis."},
]


class Translated(_Texts):
    """With the features of the sets of WMT."""

    splits = ("train", "validation", "test")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.Translation(languages=("en", "fr")),
            supervised_keys=("fr", "en"),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        return {part: enumerate(PAIRS if part == "train" else PAIRS[::-1]) for part in self.splits}


class NoValidation(Translated):
    splits = ("train", "test")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    place = tmp_path_factory.mktemp("texts")
    for builder in (OneText, ThreeTexts, NoText, Opinions, SignedOpinions, Translated, NoValidation):
        builder(data_dir=place, file_format="array_record").download_and_prepare()
    return place


@pytest.fixture(autouse=True)
def data_directory(prepared, monkeypatch):
    monkeypatch.setenv("JAXDL_DATA_DIR", str(prepared))


def test_one_split_is_cut_from_front_to_back():
    found = corpora.load("one_text", (0.8, 0.1, 0.1))
    whole = LONG[:600] + "\n" + LONG[600:]
    parts = [found.train["one_text"], found.dev["one_text"], found.test["one_text"]]
    assert "".join(parts) == whole
    assert [len(part) for part in parts] == [801, 100, 100]


def test_the_set_s_own_splits_are_kept():
    found = corpora.load("three_texts")
    assert [*found.train.values(), *found.dev.values(), *found.test.values()] == ["one", "two", "three é"]


def test_no_more_is_read_than_asked_for():
    assert corpora.load("one_text", characters=100).train["one_text"] == LONG[:80]


def test_prose_is_the_bundled_one():
    assert corpora.load("prose").digest == prose.load().digest


def test_labelled_texts_are_words_of_train_with_their_labels():
    found = corpora.labelled("opinions", limit=2, dev=0.2)
    assert found.classes == ("neg", "pos")
    assert found.vocabulary.symbols[4:] == ("a", "film", "bad", "good")
    assert (len(found.train), len(found.dev), len(found.test)) == (16, 4, 2)
    unknown, good = 1, found.vocabulary.symbols.index("good")
    np.testing.assert_array_equal(found.test.fields["tokens"], [[unknown, unknown], [good, 0]])
    np.testing.assert_array_equal(found.test.fields["length"], [2, 1])
    for part in (found.train, found.dev):
        second = [found.vocabulary.symbols[row[1]] for row in part.fields["tokens"]]
        assert [("bad", "good")[label] for label in part.fields["label"]] == second


def test_the_words_of_dev_are_not_in_the_vocabulary_of_train():
    found = corpora.labelled("signed_opinions", dev=0.2)
    unknown = [int((part.fields["tokens"] == UNK).sum()) for part in (found.train, found.dev)]
    assert unknown == [0, len(found.dev)]


def test_translations_are_words_in_small_letters_without_the_long_and_the_empty():
    found = corpora.translated("translated", "fr", size=3, limit=5)
    spelled = [found.vocabulary.decode(tokens) for tokens in found.train.fields["source"]]
    assert spelled == [["the", "cat", "sits", "."], ["the", "dog", "sits", "."]]
    assert found.references == {"dev": (("le chien est assis .",),), "test": (("le chien est assis .",),)}
    back = corpora.translated("translated", "en", source="fr", size=3, limit=5)
    assert back.references["test"] == (("the dog sits .",),)


def test_the_vocabulary_of_translations_is_of_the_most_frequent_words_of_train():
    found = corpora.translated("translated", "fr", limit=5, vocabulary=4 + 6)
    assert found.vocabulary.symbols[4:] == (".", "assis", "est", "le", "sits", "the")
    assert "<UNK>" in found.vocabulary.decode(found.train.fields["target"][0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: corpora.translated("translated", "de"), "has en, fr, not en and de"),
        (lambda: corpora.translated("no_validation", "fr"), "no validation split: it has train, test"),
        (lambda: corpora.translated("translated", "fr", limit=1), "no sentence of up to 1 words in train"),
        (lambda: corpora.translated("wmt14_translate/fr-en", "fr"), "jaxdl.data prepare wmt14_translate/fr-en"),
        (lambda: corpora.load("no_text"), "no train split"),
        (lambda: corpora.load("tiny_shakespear"), "tiny_shakespeare"),
        (lambda: corpora.load("tiny_shakespeare"), "jaxdl.data prepare tiny_shakespeare"),
        (lambda: corpora.load("one_text", (0.5, 0.5, 0.0)), "no text for test"),
        (lambda: corpora.labelled("one_text"), "not text and label"),
    ],
)
def test_what_is_no_text_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
