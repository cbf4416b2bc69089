import re
from datetime import date

import numpy as np
import pytest

from jaxdl.data import phrases
from jaxdl.data.phrases import KINDS, LANGUAGES, Kind
from jaxdl.data.text import EOS, SOS, UNK, words
from jaxdl.errors import InputError


@pytest.fixture(scope="module", params=["fr", "ko"])
def data(request):
    return phrases.load(2000, request.param)


def texts(data, name, side):
    return [" ".join(data.vocabulary.decode(row)) for row in getattr(data, name).fields[side]]


def test_values_are_written_as_each_language_does():
    by_writer = {kind.write.__name__: kind.write for kind in KINDS}
    money, units = by_writer["_write_money"], by_writer["_write_units"]
    assert money((12, "USD"), "en") == (("12 US dollars",), ("$12",))
    assert money((12, "CHF"), "fr") == (("12 francs suisses",), ("12\xa0CHF",))
    assert units(((1, "length-foot"), (3, "length-mile")), "fr")[0] == ("1\xa0pied", "3\xa0miles")
    assert units(((3, "duration-hour"),), "ko") == (("3시간",), ("3시간",))  # CLDR has no long form of its own
    assert by_writer["_write_away"](("hours", -3), "fr") == (("il y a 3 heures",),)
    assert by_writer["_write_away"](("hours", 3), "en") == (("in 3 hours",),)
    assert by_writer["_write_and"](("ES", "DE", "FR"), "fr") == (("Espagne, Allemagne et France",),)
    assert by_writer["_write_or"](("fr", "de"), "ko") == (("프랑스어 또는 독일어",),)


def test_every_sentence_has_the_same_gaps_in_every_language():
    for kind in KINDS:
        for sentence in kind.sentences:
            assert len(sentence) == len(LANGUAGES)
            gaps = [sorted(re.findall(r"{\d?}", text)) for text in sentence]
            assert gaps[0] == gaps[1] == gaps[2] != []


def test_every_kind_has_as_many_forms_in_every_language():
    rng = np.random.default_rng(0)
    for kind in KINDS:
        for value in (kind.draw(rng) for _ in range(20)):
            assert len({len(kind.write(value, language)) for language in LANGUAGES}) == 1
            assert not any(re.search("[a-z]-[a-z]", form[0]) for form in kind.write(value, "ko"))  # no code of a unit


def test_a_greater_length_is_more():
    metres = {"kilometers": 1000, "km": 1000, "miles": 1609.344, "mi": 1609.344, "meters": 1, "m": 1, "feet": 0.3048}
    metres |= {"ft": 0.3048, "centimeters": 0.01, "cm": 0.01, "foot": 0.3048}
    assert {phrases.LENGTHS[name] for name in ("kilometer", "mile", "meter", "foot", "centimeter")} == {
        *metres.values()
    }
    metres |= {name[:-1]: size for name, size in metres.items() if name.endswith("s")}
    (kind,) = (kind for kind in KINDS if kind.draw is phrases._compared)
    rng = np.random.default_rng(0)
    for _ in range(60):
        _, english, _ = phrases.phrase(kind, "fr", rng)
        one, unit, comparison, other, other_unit = re.fullmatch(
            r"(\d+) (\w+) is (more|less) than (\d+) (\w+) \.", english
        ).groups()
        difference = int(one) * metres[unit] - int(other) * metres[other_unit]
        assert difference >= 0 if comparison == "more" else difference <= 0


def test_numbers_of_a_phrase_are_those_of_its_first_reference(data):
    """Dates, times and "am" apart, of which the numbers change."""
    checked = 0
    for source, references in zip(texts(data, "test", "source"), data.references["test"], strict=True):
        if re.search(r"cost|paid|weighs|waited|takes|than|outside|water", source):
            checked += 1
            for text in references:
                assert sorted(re.findall(r"\d+", text)) == sorted(re.findall(r"\d+", source))
    assert checked > 50


def test_the_target_is_the_first_reference_and_others_are_beside_it(data):
    for name in ("dev", "test"):
        assert [" ".join(words(texts[0])) for texts in data.references[name]] == [t[0] for t in data.references[name]]
        unknown = (getattr(data, name).fields["target"] == UNK).any(1)
        for row, text in enumerate(texts(data, name, "target")):
            assert text == data.references[name][row][0] or unknown[row]
        assert all(len(set(texts)) == len(texts) for texts in data.references[name])
        assert np.mean([len(texts) > 1 for texts in data.references[name]]) > 0.3


@pytest.mark.parametrize(
    ("value", "target"), [(((3, "duration-day"),), "fr"), (((3, "mass-gram"),), "ko"), ((date(2016, 5, 3),), "ko")]
)
def test_the_same_english_has_the_same_target(value, target):
    """The English "3 days" and "May 3, 2016" are both long and abbreviated; their translations are not."""
    write = phrases._write_date if isinstance(value[0], date) else phrases._write_units
    kind = Kind(lambda rng: value, write, (("it is {}", "c'est {}", "{}"),))
    rng = np.random.default_rng(0)
    seen = {}
    for _ in range(20):
        _, english, references = phrases.phrase(kind, target, rng)
        assert seen.setdefault(english, references[0]) == references[0]


def test_no_value_of_test_is_in_train_in_whatever_form_but_its_words_are(data):
    train, test = (" | ".join(texts(data, name, "source")).replace("lb", "pounds") for name in ("train", "test"))
    for value, least in (
        (r"weighs (\d+) ([kgp])", 5),
        (r"on (?:\w+ , )?(\w+) (\d+) , (\d+)", 20),
        (r"(?:visited :|teams are) (.*?) \.", 10),
    ):
        held_out = set(re.findall(value, test))
        assert len(held_out) > least
        assert not held_out & set(re.findall(value, train))
    for side in ("source", "target"):
        assert (data.test.fields[side] == UNK).mean() < 0.002


def test_a_target_is_abbreviated_where_its_source_is(data):
    for name in ("train", "test"):
        for source, target in zip(texts(data, name, "source"), texts(data, name, "target"), strict=True):
            assert (" kg " in source) == (" kg " in target)
            assert ("kilogram" in source) == ("kilogramme" in target or "킬로그램" in target)


def test_the_parts_have_their_shares(data):
    assert len(data.train) + len(data.dev) + len(data.test) == 2000
    assert len(data.test) == pytest.approx(200, abs=50)
    assert (data.train.fields["target"][:, 0] == SOS).all()
    assert ((data.train.fields["target"] == EOS).sum(1) == 1).all()


def test_the_seed_decides():
    one, again, other = (phrases.load(300, seed=seed) for seed in (0, 0, 1))
    assert one.references == again.references != other.references


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 99}, "expected 100 … 50000"),
        ({"target": "de"}, "unknown target 'de': expected one of fr, ko"),
        ({"fractions": (0.8, 0.1, 0.2)}, "sum to 1"),
    ],
)
def test_what_cannot_be_made_is_explained(options, message):
    with pytest.raises(InputError, match=message):
        phrases.load(**options)
