import unicodedata

import pytest

from jaxdl.data import names
from jaxdl.data.names import Name
from jaxdl.errors import InputError

SOME = ("fi", "fr", "en")


@pytest.fixture(scope="module")
def whole():
    return names.load()


def every(found):
    return [*found.train, *found.dev, *found.test]


def plain(text):
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def test_well_known_names_are_there_with_their_kind_and_language():
    found = set(every(names.load(lower=False)))
    assert {
        Name("Paris", "place", "da"),  # the first of many languages that write it so; cs writes Paříž
        Name("Buenos Aires", "place", "cs"),
        Name("Varsovie", "place", "fr"),
        Name("Kolkata", "place", "da"),
        Name("Deutschland", "territory", "de"),
        Name("Norja", "territory", "fi"),
        Name("Ufaransa", "territory", "sw"),
        Name("Icelandic", "language", "en"),
        Name("Türkçe", "language", "tr"),
    } <= found


def test_names_are_thousands_in_small_latin_letters_each_once_and_in_order(whole):
    found = every(whole)
    assert len(found) > 5000
    assert len({name.text for name in found}) == len(found)
    letters = {letter for name in found for letter in name.text} - set(" -.'’")
    assert all(unicodedata.name(letter).startswith("LATIN SMALL LETTER") for letter in letters)
    assert all(list(part) == sorted(part) for part in vars(whole).values())
    assert all(name.text == name.text.strip() for name in found)


def test_what_is_no_name_of_a_place_a_territory_or_a_language_is_left_out():
    texts = {name.text for name in every(names.load(languages=("en",), lower=False))}
    assert not texts & {"Northern Europe", "Eurozone", "United Nations", "Unknown Region", "Pseudo-Accents", "UTC"}
    assert not texts & {"Unknown City", "Multiple languages", "Unknown language", "British English"}


def test_the_turkish_capital_loses_its_dot_and_keeps_one_letter():
    assert "istanbul" in {name.text for name in every(names.load(("place",), ("tr",)))}


def test_the_parts_have_their_shares_and_no_name_is_in_two_of_them_under_other_accents():
    found = names.load(fractions=(0.7, 0.2, 0.1))
    for part, share in zip((found.train, found.dev, found.test), (0.7, 0.2, 0.1), strict=True):
        assert len(part) / len(every(found)) == pytest.approx(share, abs=0.02)
    train, dev, test = ({plain(name.text) for name in part} for part in (found.train, found.dev, found.test))
    assert not train & dev
    assert not (train | dev) & test
    assert len({plain(name.text) for name in every(found)}) < len(every(found))  # some do differ by accents alone


def test_other_kinds_languages_and_sizes_move_no_name_to_another_part(whole):
    part_of = {name.text: part for part, found in vars(whole).items() for name in found}
    for options in ({"languages": ("fi", "fr")}, {"languages": ("sv",), "kinds": ("place",), "size": 100}):
        for part, found in vars(names.load(**options)).items():
            assert all(part_of[name.text] == part for name in found)


def test_a_size_takes_so_many_from_all_parts_and_the_seed_decides_which():
    few, again, other = (names.load(languages=SOME, size=1000, seed=seed) for seed in (0, 0, 1))
    assert few == again
    assert len(every(few)) == len(every(other)) == 1000
    assert {name.text for name in every(few)} != {name.text for name in every(other)}
    assert len(few.train) == pytest.approx(800, abs=50)
    assert {name.text[0] for name in every(few)} >= set("abcdefghiklmnoprstuvwyz")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"languages": ("xx",)}, "unknown locale 'xx': expected the code of a language in CLDR"),
        ({"kinds": ("places",)}, "unknown kind of name 'places': did you mean place"),
        ({"kinds": ("territory",), "languages": ("ja",)}, "no name of territory in ja"),
        ({"languages": ("fi",), "size": 0}, r"\(size 0\)"),
        ({"fractions": (0.8, 0.1, 0.2)}, "sum to 1"),
    ],
)
def test_what_cannot_be_made_is_explained(options, message):
    with pytest.raises(InputError, match=message):
        names.load(**options)
