"""Dates as people write them in many languages, and what they are in ISO 8601: "tuesday, may 3, 2016", "2016-05-03".

The forms are CLDR's, as Babel carries them, and some by hand. No form reads as two dates: where a date is all numbers
the day comes before the month or the year before both, and a year of two digits is one of POSIX's 1969 … 2068.
"""

from datetime import date, timedelta

from jaxdl.data.philox import generator
from jaxdl.data.split import check_fractions, split
from jaxdl.data.text import Pairs
from jaxdl.errors import InputError

LOCALES = ("da", "de", "en", "en_GB", "es", "fr", "it", "nl", "pt", "sv")
FIRST, LAST = date(1969, 1, 1), date(2068, 12, 31)

STYLES = ("short", "medium", "long", "full")
BY_HAND = ("d MMM yy", "dd MMMM y", "EEE d MMM y", "d/M/y", "dd.MM.yy", "y/MM/dd", "EEEE d/M/y")
ENGLISH = ("MMM d y", "MMMM d y", "EEEE, MMM d, y", "'the' d MMMM, y")
NUMBERS_MONTH_FIRST = ("M/d/yy",)  # en's short form, which reads as en_GB's day and month


def load(size: int = 10_000, fractions: tuple[float, float, float] = (0.8, 0.1, 0.1), seed: int = 0) -> Pairs:
    """`size` different dates, each written once in a locale and a form at random, by character in small letters.

    No date of one part is in another. Raises InputError for fewer than 30 dates or more than there are from 1969 to
    2068, and for fractions that can't be met.
    """
    check_fractions(fractions)
    days = (LAST - FIRST).days + 1
    if not 30 <= size <= days:
        raise InputError(f"{size} dates: expected 30 … {days}, such as 10000")
    rng = generator(seed)
    dates = [FIRST + timedelta(int(day)) for day in rng.permutation(days)[:size]]
    ways = [(form, locale) for locale in LOCALES for form in forms(locale)]
    drawn = rng.integers(len(ways), size=size)
    pairs = [(written(day, *ways[way]), (day.isoformat(),)) for day, way in zip(dates, drawn, strict=True)]
    return Pairs.build([[pairs[row] for row in part] for part in split(size, fractions, seed)], list)


def forms(locale: str) -> tuple[str, ...]:
    """The patterns of CLDR in which a locale writes dates here, each once."""
    from babel import Locale

    cldr = [Locale.parse(locale).date_formats[style].pattern for style in STYLES]
    extra = ENGLISH if locale == "en" else ()
    return tuple(dict.fromkeys(form for form in (*cldr, *BY_HAND, *extra) if form not in NUMBERS_MONTH_FIRST))


def written(day: date, form: str, locale: str) -> str:
    """A date in small letters, with plain spaces between its words."""
    from babel.dates import format_date

    return " ".join(format_date(day, form, locale=locale).lower().split())
