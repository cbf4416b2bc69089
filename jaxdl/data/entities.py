"""Sentences with names of persons, places and languages, tagged: B- begins a name, I- goes on with it, O is no name.

Places and languages are CLDR's (`names.py`), the persons are invented. In half of the sentences only what follows the
name tells what it is: "Jordan said …" and "Jordan is a country …", "Teddy Roosevelt …" and "Teddy bears …". They come
in pairs that are the same up to the name, so that a model that reads from left to right is right on no more than one.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from jaxdl.data import names
from jaxdl.data.philox import generator
from jaxdl.data.source import Arrays
from jaxdl.data.split import split
from jaxdl.data.text import Sequences, Vocabulary, pad, words
from jaxdl.errors import InputError

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-LANG", "I-LANG")
FRACTIONS = (0.6, 0.2, 0.2)

GIVEN = tuple(
    words(
        "Ada Bela Carla Dmitri Emil Frida Goran Hanna Ivo Jana Kofi Leila Marek Nadia Olaf Petra Quentin Rosa Stefan "
        "Tala Umar Vera Wanda Xenia Yusuf Zora Amadou Birgit Cosimo Dalia"
    )
)
FAMILY = tuple(
    words(
        "Abbot Brandl Castell Dorn Eriks Farkas Gruber Holm Iversen Jarvi Keller Lindqvist Moreau Novak Okoro Pavlic "
        "Quist Rinaldi Sato Tamm Urban Vidal Weiss Xanthos Yilmaz Zeman Ansah Bianchi Cerny Dube"
    )
)
NAMESAKES = tuple(
    words(
        "Jordan Chad Georgia Israel Paris Sydney Adelaide Santiago Florence Vienna Lincoln Nelson Victoria Madison "
        "Jackson Charlotte Austin Houston Regina Stanley Kingston Savannah Lourdes Cairo"
    )
)
"""Names of persons and of places both."""

OPENINGS = ("", "Yesterday ,", "As we know ,", "The report begins :", "He read aloud :", "In the end ,", "Today")
PERSON_DOES = (
    "said that it was late .",
    "smiled and left the room .",
    "wrote a letter to {PER} .",
    "was born in {LOC} .",
    "never learned {LANG} .",
    "plays the piano well .",
)
PLACE_IS = (
    "is a country in the south .",
    "lies on the coast .",
    "has two million inhabitants .",
    "was governed from {LOC} .",
    "has a border with {LOC} .",
    "is where {LANG} is spoken .",
)
PLAIN = (
    "We moved to {LOC} last year .",
    "She lives in {LOC} with {PER} .",
    "The train from {LOC} to {LOC} was late .",
    "He met {PER} at the market .",
    "My friend {PER} teaches {LANG} .",
    "They speak {LANG} and {LANG} at home .",
    "The book was translated into {LANG} by {PER} .",
    "It rained all day in the mountains .",
)

Sentence = list[tuple[str, str, int]]
"""(word, tag, whether only the words after it tell its tag) of each word."""

Reading = tuple[Sentence, tuple[str, ...]]
"""A name, tagged, and how a sentence may go on after it."""

TEDDIES: list[Reading] = [
    (
        [("Teddy", "B-PER", 1), ("Roosevelt", "I-PER", 0)],
        ("was a great president .", "said that it was late .", "wrote a letter to {PER} ."),
    ),
    (
        [("Teddy", "O", 1)],
        ("bears are on sale .", "bears were sent to {LOC} .", "bears sat on the shelf ."),
    ),
]


def load(size: int = 3000, seed: int = 0) -> Sequences:
    """About `size` sentences with `tags` int32 [N, T], 0 (O) where there is padding, and `ambiguous` int32 [N, T].

    ambiguous is 1 at the words whose tag only the words after them tell. Teddy apart, no name is in two parts; the
    vocabulary is that of the words which train has three times or more, so that train has unknown names too.
    Raises InputError for fewer than 100 sentences.
    """
    if size < 100:
        raise InputError(f"{size} sentences are too few for train, dev and test: give 100 or more, such as 3000")
    rng = generator(seed)
    parts = [
        _sentences(known, round(size * share), rng) for known, share in zip(_lexicons(seed), FRACTIONS, strict=True)
    ]
    vocabulary = Vocabulary.build(([word for word, _, _ in sentence] for sentence in parts[0]), minimum=3)
    longest = max(map(len, chain(*parts)))
    train, dev, test = (_arrays(part, vocabulary, longest) for part in parts)
    return Sequences(train, dev, test, vocabulary, TAGS)


def _lexicons(seed: int) -> list[dict[str, list[str]]]:
    """The names by tag that train, dev and test may use, and the `namesakes` of each."""
    cldr = names.load(languages=("en",), lower=False, fractions=FRACTIONS, seed=seed)
    given, family, namesakes = (
        [[pool[row] for row in rows] for rows in split(len(pool), FRACTIONS, seed)]
        for pool in (GIVEN, FAMILY, NAMESAKES)
    )
    return [
        {
            "PER": [f"{first} {last}" for first in given[part] for last in family[part]],
            "LOC": [name.text for name in found if name.kind != "language" and name.text not in NAMESAKES],
            "LANG": [name.text for name in found if name.kind == "language"],
            "namesakes": namesakes[part],
        }
        for part, found in enumerate((cldr.train, cldr.dev, cldr.test))
    ]


def _sentences(known: dict[str, list[str]], count: int, rng: np.random.Generator) -> list[Sentence]:
    """About `count` sentences, half of them in pairs that are the same up to the word whose tag they differ in."""
    sentences = [_filled(_any(PLAIN, rng), known, rng) for _ in range(count // 2)]
    for _ in range(count // 4):
        opening = _filled(_any(OPENINGS, rng), known, rng)
        name = _any(known["namesakes"], rng)
        readings: list[Reading] = [([(name, "B-PER", 1)], PERSON_DOES), ([(name, "B-LOC", 1)], PLACE_IS)]
        for reading, ends in TEDDIES if rng.random() < 0.2 else readings:
            sentences.append([*opening, *reading, *_filled(_any(ends, rng), known, rng)])
    return sentences


def _filled(template: str, known: dict[str, list[str]], rng: np.random.Generator) -> Sentence:
    """The words of a template with a name of its tag in each {place}."""
    sentence: Sentence = []
    for piece in template.split():
        tag = piece.strip("{}")
        if tag == piece:
            sentence.append((piece, "O", 0))
        else:
            begins, *goes_on = words(_any(known[tag], rng))
            sentence += [(begins, f"B-{tag}", 0), *((word, f"I-{tag}", 0) for word in goes_on)]
    return sentence


def _any(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _arrays(sentences: list[Sentence], vocabulary: Vocabulary, longest: int) -> Arrays:
    tokens, length = pad([vocabulary.encode(word for word, _, _ in sentence) for sentence in sentences], longest)
    tags, _ = pad([[TAGS.index(tag) for _, tag, _ in sentence] for sentence in sentences], longest)
    ambiguous, _ = pad([[mark for _, _, mark in sentence] for sentence in sentences], longest)
    return Arrays({"tokens": tokens, "length": length, "tags": tags, "ambiguous": ambiguous})
