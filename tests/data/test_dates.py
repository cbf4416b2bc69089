from datetime import date
from itertools import chain, product

import numpy as np
import pytest

from jaxdl.data import dates
from jaxdl.data.text import UNK
from jaxdl.errors import InputError


@pytest.fixture(scope="module")
def data():
    return dates.load(3000)


def texts(data, name, side):
    return ["".join(data.vocabulary.decode(row)) for row in getattr(data, name).fields[side]]


@pytest.mark.parametrize(
    ("form", "locale", "expected"),
    [
        ("EEEE, MMMM d, y", "en", "tuesday, may 3, 2016"),
        ("d. MMMM y", "de", "3. mai 2016"),
        ("EEEE d MMMM y", "fr", "mardi 3 mai 2016"),
        ("d 'de' MMMM 'de' y", "es", "3 de mayo de 2016"),
        ("dd.MM.yy", "de", "03.05.16"),
    ],
)
def test_the_third_of_may_2016_is_written_as_people_write_it(form, locale, expected):
    assert form in dates.forms(locale)
    assert dates.written(date(2016, 5, 3), form, locale) == expected


def test_no_text_is_two_dates():
    """Among dates whose day, month and year could be taken for each other, and one day of each year of the century."""
    numbers = (1, 2, 3, 5, 10, 11, 12)
    days = [date(2000 + year, month, day) for year, month, day in product(numbers, repeat=3)]
    days += [date(year, 10, 11) for year in range(dates.FIRST.year, dates.LAST.year + 1)]
    read = {}
    for locale in dates.LOCALES:
        for form, day in product(dates.forms(locale), days):
            assert read.setdefault(dates.written(day, form, locale), day) == day
    assert read["3/5/12"] == date(2012, 5, 3)


def test_targets_are_the_dates_in_iso_and_the_only_references(data):
    for name in ("dev", "test"):
        targets = texts(data, name, "target")
        assert all(date.fromisoformat(text).isoformat() == text for text in targets)
        assert data.references[name] == tuple((text,) for text in targets)


def test_the_year_of_a_source_is_that_of_its_target(data):
    for source, target in zip(texts(data, "train", "source"), texts(data, "train", "target"), strict=True):
        assert target[:4] in source or target[2:4] in source
        assert str(int(target[8:])) in source


def test_each_date_is_in_one_part_and_once(data):
    parts = [texts(data, name, "target") for name in ("train", "dev", "test")]
    assert list(map(len, parts)) == [2400, 300, 300]
    assert len(set(chain(*parts))) == 3000


def test_many_languages_and_forms_occur_and_all_characters_are_known(data):
    sources = " ".join(texts(data, "train", "source"))
    for word in ("tuesday", "mardi", "dienstag", "martes", "août", "märz", "enero", "gennaio", "the ", " de "):
        assert word in sources
    assert sources == sources.lower()
    assert "  " not in sources
    for part in (data.train, data.dev, data.test):
        assert not (part.fields["source"] == UNK).any()


def test_the_seed_decides(data):
    again, other = dates.load(3000), dates.load(3000, seed=1)
    np.testing.assert_array_equal(data.train.fields["source"], again.train.fields["source"])
    assert texts(data, "test", "target") != texts(other, "test", "target")


@pytest.mark.parametrize("size", [29, 36_526])
def test_more_dates_than_there_are_or_too_few_are_refused(size):
    with pytest.raises(InputError, match="expected 30 … 36525"):
        dates.load(size)
