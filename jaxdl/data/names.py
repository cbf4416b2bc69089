"""Names of places, territories and languages in many languages, from Unicode's CLDR as Babel carries it. No download.

A place is a city that stands for its time zone, such as Reykjavík; a territory a country or a part of one.
"""

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import Any

from jaxdl.data.split import check_fractions
from jaxdl.errors import InputError, chosen

KINDS = ("place", "territory", "language")
LANGUAGES = ("cs", "da", "de", "en", "es", "et", "fi", "fr", "hr", "hu", "it", "nl", "pl", "pt", "ro", "sv", "sw", "tr")

_NO_TERRITORY = frozenset(("EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"))  # unions, test codes and the unknown
_NO_LANGUAGE = frozenset(("mis", "mul", "und", "zxx"))


@dataclass(frozen=True, order=True)
class Name:
    """A name, what it is a name of (one of `KINDS`) and the code of the language it is written in."""

    text: str
    kind: str
    language: str


@dataclass(frozen=True)
class Names:
    """Train, dev and test: no name is in two of them, however it is accented."""

    train: tuple[Name, ...]
    dev: tuple[Name, ...]
    test: tuple[Name, ...]


def load(
    kinds: tuple[str, ...] = KINDS,
    languages: tuple[str, ...] = LANGUAGES,
    lower: bool = True,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    size: int | None = None,
    seed: int = 0,
) -> Names:
    """The names of these kinds in these languages that are written in Latin letters, each once, in alphabetical order.

    A name that several kinds or languages share is the first kind's and language's, in the order given.
    Its part is decided by the hash of (seed, name without case and accents) alone, so that other kinds or languages
    move no name from one part to another.

    lower  write them in small letters
    size   keep so many names at most, drawn by another hash

    Raises InputError for an unknown kind or language, for fractions that can't be met and where no name is left.
    """
    check_fractions(fractions)
    for kind in kinds:
        chosen("kind of name", kind, dict.fromkeys(KINDS))
    found: dict[str, Name] = {}
    for language in languages:
        written = latin(language)
        for kind in kinds:
            for text in written[kind]:
                text = text.lower().replace("i̇", "i") if lower else text  # of İ, lower() keeps the dot as a mark
                found.setdefault(text, Name(text, kind, language))
    hashes = {name: _hashes(name.text, seed) for name in found.values()}
    kept = sorted(sorted(hashes, key=lambda name: (hashes[name][1], name))[:size])
    if not kept:
        raise InputError(f"no name of {', '.join(kinds)} in {', '.join(languages)} (size {size}) in Latin letters")
    first, second = fractions[0], fractions[0] + fractions[1]
    return Names(
        train=tuple(name for name in kept if hashes[name][0] < first),
        dev=tuple(name for name in kept if first <= hashes[name][0] < second),
        test=tuple(name for name in kept if second <= hashes[name][0]),
    )


def latin(language: str) -> dict[str, tuple[str, ...]]:
    """The names by kind that this language writes in Latin letters, spaces, hyphens, points and apostrophes alone.

    Raises InputError for a language that CLDR does not have.
    """
    locale = _locale(language)
    zones = [zone for zone in _locale("ru").time_zones if not zone.startswith("Etc/")]  # ru spells every city out
    cities = [locale.time_zones.get(zone, {}).get("city", _city(zone)) for zone in zones]
    territories = [name for code, name in locale.territories.items() if len(code) == 2 and code not in _NO_TERRITORY]
    languages = [name for code, name in locale.languages.items() if len(code) <= 3 and code not in _NO_LANGUAGE]
    return {
        kind: tuple(sorted({unicodedata.normalize("NFC", name) for name in found if _is_latin(name)}))
        for kind, found in zip(KINDS, (cities, territories, languages), strict=True)
    }


def _city(zone: str) -> str:
    """What CLDR means where it names no city: Buenos Aires for America/Argentina/Buenos_Aires."""
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def _locale(language: str) -> Any:
    from babel import Locale, UnknownLocaleError

    try:
        return Locale(language)
    except UnknownLocaleError as error:
        raise InputError(f"{error}: expected the code of a language in CLDR, such as en, fr or sw") from error


def _is_latin(name: str) -> bool:
    letters = [letter for letter in unicodedata.normalize("NFC", name) if letter not in " -.'’"]
    return bool(letters) and all(unicodedata.name(letter, "").startswith("LATIN ") for letter in letters)


def _hashes(name: str, seed: int) -> tuple[float, float]:
    """Two numbers of [0, 1), the same for names that differ in case or accents alone."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    digest = hashlib.sha256(f"{seed} {plain}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48, int.from_bytes(digest[6:12]) / 2**48
