"""Reviews made by a small grammar, in which negation and word order decide what is meant. Made from a seed, not read.

A clause says its word or negates it ("full of good food", "completely lacking in good food"), and a review is two
clauses that agree. Half of the reviews have a twin of the same words in another order with the other label, "not good ,
it was bad" and "not bad , it was good": no bag of words is right on more than one of the two, so none exceeds 0.75.
"""

from itertools import product

import numpy as np

from jaxdl.data.philox import generator
from jaxdl.data.source import Arrays
from jaxdl.data.split import split
from jaxdl.data.text import Sequences, Vocabulary, pad
from jaxdl.errors import InputError

CLASSES = ("negative", "positive")

POSITIVE = (
    "good",
    "great",
    "superb",
    "lovely",
    "charming",
    "fresh",
    "friendly",
    "perfect",
    "tasty",
    "warm",
    "fine",
    "fun",
)
NEGATIVE = ("bad", "awful", "dreadful", "ugly", "boring", "stale", "rude", "poor", "bland", "cold", "vile", "dull")
ASPECTS = ("food", "service", "taste", "music", "staff", "soup", "wine", "coffee", "bread", "company")
SAID = ("it was {}", "the [] was {}", "full of {} []", "truly {} []", "we had {} []")
NEGATED = (
    "not {}",
    "it was never {}",
    "the [] was not {}",
    "completely lacking in {} []",
    "far from {}",
    "without any {} []",
)
JOINTS = (",", "and", ", in short ,", ";")

FRACTIONS = (0.6, 0.2, 0.2)
SHARES = (0.4, 0.5, 0.1)  # of the reviews in which no clause negates its word, one does, both do

Template = tuple[str, str, str]


def load(size: int = 4000, seed: int = 0) -> Sequences:
    """About `size` reviews with `label`, half of each class, and `order`, 1 where only the order of the words tells.

    What holds the parts apart is grammar: of all templates (clause, joint, clause) and of all pairs of words, each part
    has its own 60, 20 or 20 percent. The words themselves are common to all; the vocabulary is that of train.
    Raises InputError for fewer than 100 reviews.
    """
    if size < 100:
        raise InputError(f"{size} reviews are too few for train, dev and test: give 100 or more, such as 4000")
    templates = list(product(SAID + NEGATED, JOINTS, SAID + NEGATED))
    pairs = list(product(range(len(POSITIVE)), range(len(NEGATIVE))))
    grammars = split(np.array([_negations(template) for template in templates]), FRACTIONS, seed)
    lexicons = split(len(pairs), FRACTIONS, seed)
    rng = generator(seed)
    parts = [
        _reviews([templates[row] for row in grammar], [pairs[row] for row in lexicon], round(size * fraction), rng)
        for fraction, grammar, lexicon in zip(FRACTIONS, grammars, lexicons, strict=True)
    ]
    vocabulary = Vocabulary.build(words for words, _, _ in parts[0])
    longest = max(len(words) for part in parts for words, _, _ in part)
    train, dev, test = (_arrays(part, vocabulary, longest) for part in parts)
    return Sequences(train, dev, test, vocabulary, CLASSES)


def _negations(template: Template) -> int:
    first, _, second = template
    return (first in NEGATED) + (second in NEGATED)


def _reviews(
    templates: list[Template], pairs: list[tuple[int, int]], count: int, rng: np.random.Generator
) -> list[tuple[list[str], int, int]]:
    """(words, label, order) of about `count` reviews, each beside its twin of the other label."""
    reviews = []
    for negations, share in enumerate(SHARES):
        among = [template for template in templates if _negations(template) == negations]
        for _ in range(round(count * share / 2)):
            first, joint, second = among[rng.integers(len(among))]
            one, other = pairs[rng.integers(len(pairs))]
            if negations == 1:  # the clauses agree because one of them negates its word: exchange the words
                twins = [(POSITIVE[one], NEGATIVE[other]), (NEGATIVE[other], POSITIVE[one])]
            else:
                twins = [(POSITIVE[one], POSITIVE[other]), (NEGATIVE[one], NEGATIVE[other])]
            aspects = rng.permutation(ASPECTS)[:2]
            for said in twins:
                clauses = (
                    clause.format(word).replace("[]", aspect)
                    for clause, word, aspect in zip((first, second), said, aspects, strict=True)
                )
                label = (said[0] in POSITIVE) != (first in NEGATED)
                reviews.append((f" {joint} ".join(clauses).split(), int(label), int(negations == 1)))
    return reviews


def _arrays(reviews: list[tuple[list[str], int, int]], vocabulary: Vocabulary, longest: int) -> Arrays:
    words, label, order = zip(*reviews, strict=True)
    tokens, length = pad([vocabulary.encode(text) for text in words], longest)
    return Arrays(
        {"tokens": tokens, "length": length, "label": np.array(label, np.int32), "order": np.array(order, np.int32)}
    )
