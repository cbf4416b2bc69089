"""English phrases and what they are in French or Korean: dates, times, durations, money, units, lists, comparisons.

The values are written as CLDR has it, by Babel; the sentences around them are by hand. Where CLDR has several forms
of a value, a long and an abbreviated one, each is a right translation. No download.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

import numpy as np

from jaxdl.data.philox import generator
from jaxdl.data.split import check_fractions
from jaxdl.data.text import Pairs, words
from jaxdl.errors import InputError, chosen

LANGUAGES = ("en", "fr", "ko")
LARGEST = 50_000

CURRENCIES = ("USD", "EUR", "GBP", "JPY", "CHF", "CAD")
LENGTHS = {"kilometer": 1000, "mile": 1609.344, "meter": 1, "foot": 0.3048, "centimeter": 0.01}
COUNTRIES = tuple(words("AR AT BE BR CA CH CL CN DE DK EG ES FR GB GR IE IN IT JP KR MA MX NL NO PT SE TR US"))
TONGUES = tuple(words("ar cs da de el en es fi fr hi hu it ja ko nl no pl pt ru sv sw tr uk vi zh"))

Forms = tuple[tuple[str, ...], ...]
"""The ways to write a value, in the same order in every language, each of as many texts as its sentences have gaps."""


@dataclass(frozen=True)
class Kind:
    """A kind of value: draw(rng) -> value, write(value, locale) -> forms, and sentences in each of `LANGUAGES`."""

    draw: Callable[[np.random.Generator], tuple[Any, ...]]
    write: Callable[[tuple[Any, ...], str], Forms]
    sentences: tuple[tuple[str, ...], ...]


def load(
    size: int = 6000, target: str = "fr", fractions: tuple[float, float, float] = (0.8, 0.1, 0.1), seed: int = 0
) -> Pairs:
    """`size` different phrases in small letters, by word, with all the right translations as `references`.

    A target has the same form of the value as its source: abbreviated where that is. The part of a phrase is decided by
    the hash of (seed, value): no date, amount, list … of one part is in another, in whatever sentence or form.
    A reference is its words with a space between. Raises InputError for another target than fr and ko, fewer than 100
    phrases or more than 50,000, and for fractions that can't be met.
    """
    check_fractions(fractions)
    chosen("target", target, dict.fromkeys(LANGUAGES[1:]))
    if not 100 <= size <= LARGEST:
        raise InputError(f"{size} phrases: expected 100 … {LARGEST}, such as 6000")
    rng = generator(seed)
    bounds = np.cumsum(fractions)[:2]
    phrases: dict[str, tuple[int, tuple[str, ...]]] = {}
    while len(phrases) < size:
        value, source, references = phrase(KINDS[rng.integers(len(KINDS))], target, rng)
        phrases.setdefault(source, (int(np.searchsorted(bounds, _hash(value, seed), "right")), references))
    parts = [[(source, texts) for source, (place, texts) in phrases.items() if place == part] for part in range(3)]
    return Pairs.build(parts, words)


def phrase(kind: Kind, target: str, rng: np.random.Generator) -> tuple[tuple[Any, ...], str, tuple[str, ...]]:
    """(value, English, translations) of a phrase at random; the first translation has the form that the English has."""
    value = kind.draw(rng)
    sentence = kind.sentences[rng.integers(len(kind.sentences))]
    english, translated = kind.write(value, "en"), kind.write(value, target)
    form = english.index(_any(english, rng))  # of two forms that English writes alike the first
    texts = [sentence[LANGUAGES.index(target)].format(*gaps) for gaps in (*translated[form:], *translated[:form])]
    return value, _plain(sentence[0].format(*english[form])), tuple(dict.fromkeys(map(_plain, texts)))


def _plain(text: str) -> str:
    return " ".join(words(text.lower()))


def _hash(value: tuple[Any, ...], seed: int) -> float:
    return int.from_bytes(hashlib.sha256(f"{seed} {value}".encode()).digest()[:6]) / 2**48


def _count(rng: np.random.Generator) -> int:
    return int(rng.integers(1, 100))


def _any(choices: tuple[Any, ...], rng: np.random.Generator) -> Any:
    return choices[int(rng.integers(len(choices)))]


def _date(rng: np.random.Generator) -> tuple[date]:
    # French says "1er" of a month's first day, which CLDR's patterns do not.
    return (date(int(rng.integers(2000, 2030)), int(rng.integers(1, 13)), int(rng.integers(2, 29))),)


def _write_date(value: tuple[date], locale: str) -> Forms:
    from babel.dates import format_date

    return tuple((format_date(value[0], style, locale=locale),) for style in ("long", "medium"))


def _write_day(value: tuple[date], locale: str) -> Forms:
    from babel.dates import format_date

    return ((format_date(value[0], "full", locale=locale),),)


def _time(rng: np.random.Generator) -> tuple[time]:
    return (time(int(rng.integers(24)), int(rng.integers(60))),)


def _write_time(value: tuple[time], locale: str) -> Forms:
    from babel.dates import format_time

    return ((format_time(value[0], "short", locale=locale),),)


def _later(rng: np.random.Generator) -> tuple[str, int]:
    unit, most = _any((("minutes", 50), ("hours", 20), ("days", 5)), rng)  # more would round to the next unit
    return unit, int(rng.integers(1, most + 1))


def _ago(rng: np.random.Generator) -> tuple[str, int]:
    unit, count = _later(rng)
    return unit, -count


def _write_away(value: tuple[str, int], locale: str) -> Forms:
    from babel.dates import format_timedelta

    return ((format_timedelta(timedelta(**{value[0]: value[1]}), add_direction=True, locale=locale),),)


def _money(rng: np.random.Generator) -> tuple[int, str]:
    return _count(rng), _any(CURRENCIES, rng)


def _write_money(value: tuple[int, str], locale: str) -> Forms:
    """The name of the currency, then its symbol: 12 US dollars, $12."""
    from babel import Locale
    from babel.numbers import format_currency

    symbol = Locale.parse(locale).currency_formats["standard"].pattern.replace(".00", "")
    name = format_currency(*value, "#,##0", locale, currency_digits=False, format_type="name")
    return ((name,), (format_currency(*value, symbol, locale, currency_digits=False),))


def _measured(*units: str) -> Callable[[np.random.Generator], tuple[tuple[int, str]]]:
    return lambda rng: ((_count(rng), _any(units, rng)),)


def _write_units(value: tuple[tuple[int, str], ...], locale: str) -> Forms:
    """The long form and the short one of all the measures of a sentence."""
    from babel.units import format_unit

    def text(count: int, unit: str, style: Any) -> str:
        long = format_unit(count, unit, style, locale=locale)
        # Where CLDR's long form is only inherited from the short one, Babel writes the unit's code.
        return format_unit(count, unit, "short", locale=locale) if unit in long else long

    return tuple(tuple(text(*measure, style) for measure in value) for style in ("long", "short"))


def _compared(rng: np.random.Generator) -> tuple[tuple[int, str], ...]:
    """Two lengths, the greater first."""
    one, other = rng.choice(tuple(LENGTHS), 2, replace=False).tolist()
    both = [(_count(rng), one), (_count(rng), other)]
    both.sort(key=lambda length: -length[0] * LENGTHS[length[1]])
    return tuple((count, f"length-{unit}") for count, unit in both)


def _several(codes: tuple[str, ...]) -> Callable[[np.random.Generator], tuple[str, ...]]:
    return lambda rng: tuple(rng.choice(codes, int(rng.integers(2, 5)), replace=False).tolist())


def _write_and(value: tuple[str, ...], locale: str) -> Forms:
    return _write_list(value, "standard", locale)


def _write_or(value: tuple[str, ...], locale: str) -> Forms:
    return _write_list(value, "or", locale)


def _write_list(codes: tuple[str, ...], style: Any, locale: str) -> Forms:
    from babel import Locale
    from babel.lists import format_list

    cldr = Locale.parse(locale)
    names = [cldr.territories[code] if code in COUNTRIES else cldr.languages[code] for code in codes]
    return ((format_list(names, style, locale),),)


KINDS = (
    Kind(
        _date,
        _write_date,
        (
            ("the meeting is on {} .", "la réunion est le {} .", "회의는 {} 입니다 ."),
            ("she was born on {} .", "elle est née le {} .", "그녀의 생일은 {} 입니다 ."),
            ("it opens on {} and not before .", "il ouvre le {} et pas avant .", "{} 에 엽니다 , 그 전은 아닙니다 ."),
        ),
    ),
    Kind(
        _date,
        _write_day,
        (
            ("the concert is on {} .", "le concert est le {} .", "음악회는 {} 입니다 ."),
            ("we arrived on {} .", "nous sommes arrivés le {} .", "우리는 {} 에 도착했습니다 ."),
        ),
    ),
    Kind(
        _time,
        _write_time,
        (
            ("the train leaves at {} .", "le train part à {} .", "기차는 {} 에 떠납니다 ."),
            ("call me at {} , please .", "appelle-moi à {} , s'il te plaît .", "{} 에 전화해 주세요 ."),
        ),
    ),
    Kind(
        _later,
        _write_away,
        (
            ("the bus arrives {} .", "le bus arrive {} .", "버스는 {} 에 도착합니다 ."),
            ("they come back {} .", "ils reviennent {} .", "그들은 {} 에 돌아옵니다 ."),
        ),
    ),
    Kind(
        _ago,
        _write_away,
        (
            ("the bus left {} .", "le bus est parti {} .", "버스는 {} 에 떠났습니다 ."),
            ("it rained {} .", "il a plu {} .", "{} 에 비가 왔습니다 ."),
        ),
    ),
    Kind(
        _measured("duration-second", "duration-minute", "duration-hour", "duration-day", "duration-week"),
        _write_units,
        (
            ("he waited for {} .", "il a attendu pendant {} .", "그는 {} 동안 기다렸습니다 ."),
            ("it takes {} .", "cela prend {} .", "{} 걸립니다 ."),
        ),
    ),
    Kind(
        _money,
        _write_money,
        (
            ("the ticket costs {} .", "le billet coûte {} .", "표 값은 {} 입니다 ."),
            ("she paid {} for the book .", "elle a payé {} pour le livre .", "그녀가 낸 책값은 {} 입니다 ."),
        ),
    ),
    Kind(
        _measured("mass-kilogram", "mass-gram", "mass-pound"),
        _write_units,
        (
            ("the bag weighs {} .", "le sac pèse {} .", "가방의 무게는 {} 입니다 ."),
            ("the fish weighs {} .", "le poisson pèse {} .", "물고기의 무게는 {} 입니다 ."),
        ),
    ),
    Kind(
        _measured("temperature-celsius", "temperature-fahrenheit"),
        _write_units,
        (
            ("it is {} outside .", "il fait {} dehors .", "바깥은 {} 입니다 ."),
            ("the water is at {} .", "l'eau est à {} .", "물은 {} 입니다 ."),
        ),
    ),
    Kind(
        _compared,
        _write_units,
        (
            ("{0} is more than {1} .", "{0} , c'est plus que {1} .", "{1} 보다 {0} 쪽이 더 깁니다 ."),
            ("{1} is less than {0} .", "{1} , c'est moins que {0} .", "{0} 보다 {1} 쪽이 더 짧습니다 ."),
        ),
    ),
    Kind(
        _several(COUNTRIES),
        _write_and,
        (
            ("countries visited : {} .", "pays visités : {} .", "방문한 나라 : {} ."),
            ("the teams are {} .", "les équipes sont : {} .", "팀 : {} ."),
        ),
    ),
    Kind(
        _several(TONGUES),
        _write_and,
        (
            ("she speaks {} .", "elle parle {} .", "그녀가 쓰는 말은 {} 입니다 ."),
            ("they are learning {} .", "ils apprennent : {} .", "그들이 배우는 말은 {} 입니다 ."),
        ),
    ),
    Kind(
        _several(TONGUES),
        _write_or,
        (
            ("do you speak {} ?", "parles-tu {} ?", "할 줄 아는 말이 {} 입니까 ?"),
            ("write to us in {} .", "écrivez-nous en {} .", "{} 로 써 주세요 ."),
        ),
    ),
)
