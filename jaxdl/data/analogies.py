"""Sentences with planted relations: man : woman :: king : queen, and biased occupations. Made from a seed, not read.

In the middle of a sentence stands a noun, and around it, in any order, two words of its family ("throne", "crown"), a
word of its gender ("he", "her") and one of its number ("was", "were"). So what a noun is can be told from the words
beside it alone, and the same change of gender or number is the same change of company for all nouns. An occupation has
either gender, the one more often than the other: that is the bias, planted on purpose.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, permutations

import numpy as np

from jaxdl.data.philox import generator
from jaxdl.data.text import Vocabulary
from jaxdl.errors import InputError

FAMILIES = {
    "man woman men women": "adult person crowd",
    "boy girl boys girls": "school toy playground",
    "king queen kings queens": "throne crown kingdom",
    "prince princess princes princesses": "castle heir fairytale",
    "duke duchess dukes duchesses": "estate title manor",
    "father mother fathers mothers": "child cradle home",
    "son daughter sons daughters": "born birthday homework",
    "brother sister brothers sisters": "sibling quarrel attic",
    "uncle aunt uncles aunts": "visit cousin present",
    "nephew niece nephews nieces": "relative summer postcard",
    "husband wife husbands wives": "wedding ring marriage",
    "grandfather grandmother grandfathers grandmothers": "tale clock armchair",
    "actor actress actors actresses": "stage film role",
    "waiter waitress waiters waitresses": "tray menu table",
    "host hostess hosts hostesses": "guest party welcome",
    "wizard witch wizards witches": "spell broom potion",
    "monk nun monks nuns": "monastery prayer vow",
    "hero heroine heroes heroines": "quest dragon sword",
    "lion lioness lions lionesses": "savanna mane roar",
    "stallion mare stallions mares": "saddle meadow gallop",
}
"""{nouns: words of their family}; the nouns are he, she, he in the plural, she in the plural."""

OCCUPATIONS = {
    "nurse": ("hospital", "bandage"),
    "secretary": ("letter", "desk"),
    "librarian": ("book", "shelf"),
    "hairdresser": ("comb", "scissors"),
    "florist": ("bouquet", "tulip"),
    "dancer": ("ballet", "music"),
    "engineer": ("bridge", "blueprint"),
    "mechanic": ("engine", "wrench"),
    "carpenter": ("hammer", "plank"),
    "pilot": ("airport", "cockpit"),
    "surgeon": ("scalpel", "operation"),
    "programmer": ("keyboard", "compiler"),
}
"""{occupation: words of its family}; the first six are more often women's here, the others men's."""

GENDERS = (("he", "him", "his"), ("she", "her", "hers"))
NUMBERS = (("is", "was", "has"), ("are", "were", "have"))


@dataclass(frozen=True)
class Noun:
    """A noun, the words of its family, P(it stands among words of women), and whether it is a plural."""

    word: str
    family: tuple[str, ...]
    female: float
    plural: int


@dataclass(frozen=True, eq=False)
class Analogies:
    """Sentences, and what was planted in them, in tokens of the vocabulary.

    texts        int32 [5] each
    questions    int32 [4560, 4]: a is to b as c to d, with a and b of one family, c and d of another
    pairs        int32 [40, 2]: (she, he), singular and plural, a pair after the other of its family
    occupations  int32 [12]
    female       float64 [12]: how often an occupation stands among words of women
    """

    texts: list[np.ndarray]
    vocabulary: Vocabulary
    questions: np.ndarray
    pairs: np.ndarray
    occupations: np.ndarray
    female: np.ndarray


def load(sentences: int = 20_000, noise: float = 0.3, bias: float = 0.8, seed: int = 0) -> Analogies:
    """`sentences` sentences of five words.

    noise  share of the words around a noun that are any word of the vocabulary instead
    bias   an occupation that is more often a woman's stands among words of women with this probability, the others
           with 1 − bias

    Raises InputError for fewer than 1000 sentences, where words would be missing, for a noise that leaves nothing to
    learn, and for a bias that is no probability.
    """
    if sentences < 1000 or not 0 <= noise < 1 or not 0 <= bias <= 1:
        raise InputError(
            f"{sentences} sentences, noise {noise:g}, bias {bias:g}: expected 1000 or more, 0 ≤ noise < 1, 0 ≤ bias ≤ 1"
        )
    rng = generator(seed)
    nouns = _nouns(bias)
    texts = _sentences(nouns, sentences, noise, rng)
    vocabulary = Vocabulary.build(texts)
    forms = vocabulary.encode_known(chain(*map(str.split, FAMILIES))).reshape(-1, 4)
    return Analogies(
        texts=[vocabulary.encode(text) for text in texts],
        vocabulary=vocabulary,
        questions=np.array(list(_questions(forms))),
        pairs=forms[:, [1, 0, 3, 2]].reshape(-1, 2),
        occupations=vocabulary.encode_known(OCCUPATIONS),
        female=np.array([noun.female for noun in nouns if noun.word in OCCUPATIONS]),
    )


def _nouns(bias: float) -> list[Noun]:
    of_families = [
        Noun(word, tuple(family.split()), female=float(form % 2), plural=form // 2)
        for words, family in FAMILIES.items()
        for form, word in enumerate(words.split())
    ]
    of_work = [
        Noun(word, family, female=bias if place < len(OCCUPATIONS) // 2 else 1 - bias, plural=0)
        for place, (word, family) in enumerate(OCCUPATIONS.items())
    ]
    return of_families + of_work


def _sentences(nouns: list[Noun], count: int, noise: float, rng: np.random.Generator) -> list[list[str]]:
    """Each noun as often as any other, and its company drawn anew each time."""
    any_word = list(
        dict.fromkeys(chain(*GENDERS, *NUMBERS, *(noun.family for noun in nouns), (noun.word for noun in nouns)))
    )
    sentences = []
    for place in rng.permutation(count):
        noun = nouns[place % len(nouns)]
        gender = GENDERS[int(rng.random() < noun.female)]
        pools = (noun.family, noun.family, gender, NUMBERS[noun.plural])
        company = [
            _any(any_word if rng.random() < noise else pools[which], rng) for which in rng.permutation(len(pools))
        ]
        sentences.append([*company[:2], noun.word, *company[2:]])
    return sentences


def _any(choices: tuple[str, ...] | list[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _questions(forms: np.ndarray) -> Iterator[tuple[int, int, int, int]]:
    """All (a, b, c, d) of two families in which a and b differ as c and d do."""
    for one, other in permutations(forms.tolist(), 2):
        for first, second in permutations(range(forms.shape[1]), 2):
            yield one[first], one[second], other[first], other[second]
