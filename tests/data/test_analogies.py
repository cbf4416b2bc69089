"""What is planted in the sentences is there: the company of each noun, the questions, the bias."""

from itertools import chain

import numpy as np
import pytest

from jaxdl.data import analogies
from jaxdl.data.analogies import FAMILIES, GENDERS, NUMBERS, OCCUPATIONS
from jaxdl.errors import InputError

NOUNS = {word: (place, form) for place, of in enumerate(FAMILIES) for form, word in enumerate(of.split())}
COMPANY = [family.split() for family in FAMILIES.values()]


@pytest.fixture(scope="module")
def plain():
    """Without noise."""
    return analogies.load(6000, noise=0.0)


def said(corpus):
    return [corpus.vocabulary.decode(text) for text in corpus.texts]


def test_no_word_has_two_meanings():
    words = [*chain(*GENDERS, *NUMBERS), *NOUNS, *chain(*COMPANY), *OCCUPATIONS, *chain(*OCCUPATIONS.values())]
    assert len(words) == len(set(words)) == 12 + 80 + 60 + 12 + 24


def test_without_noise_a_noun_stands_between_two_words_of_its_family_one_of_its_gender_and_one_of_its_number(plain):
    for sentence in said(plain):
        noun, company = sentence[2], {*sentence[:2], *sentence[3:]}
        if noun in NOUNS:
            family, form = NOUNS[noun]
            assert company <= {*COMPANY[family], *GENDERS[form % 2], *NUMBERS[form // 2]}
            assert len(company & {*COMPANY[family]}) in (1, 2)
            assert len(company & {*GENDERS[form % 2]}) == len(company & {*NUMBERS[form // 2]}) == 1
        else:
            assert company <= {*OCCUPATIONS[noun], *chain(*GENDERS), *NUMBERS[0]}


def test_each_noun_is_as_frequent_as_any_other(plain):
    nouns = [sentence[2] for sentence in said(plain)]
    counts = {noun: nouns.count(noun) for noun in {*NOUNS, *OCCUPATIONS}}
    assert set(counts.values()) == {6000 // 92, 6000 // 92 + 1}


def test_a_share_of_the_company_is_any_word_as_the_noise_says():
    corpus = analogies.load(6000, noise=0.4)
    strange = [
        word not in {*COMPANY[NOUNS[row[2]][0]], *chain(*GENDERS, *NUMBERS)}
        for row in said(corpus)
        if row[2] in NOUNS
        for word in (*row[:2], *row[3:])
    ]
    assert np.mean(strange) == pytest.approx(0.4 * (1 - 15 / 188), abs=0.015)


def test_an_occupation_s_gender_is_as_often_a_woman_s_as_was_planted():
    corpus = analogies.load(20_000, noise=0.0, bias=0.9)
    sentences = said(corpus)
    women = {"nurse": 0.9, "dancer": 0.9, "engineer": 0.1, "programmer": 0.1}
    for word, share in women.items():
        of_women = [bool({*row} & {*GENDERS[1]}) for row in sentences if row[2] == word]
        assert np.mean(of_women) == pytest.approx(share, abs=0.08)
        assert corpus.female[corpus.occupations == corpus.vocabulary.encode([word])] == pytest.approx(share)


def test_questions_ask_for_the_same_change_of_form_in_another_family(plain):
    asked = {tuple(plain.vocabulary.decode(row)) for row in plain.questions}
    assert len(asked) == len(plain.questions) == 20 * 19 * 4 * 3
    assert {("man", "woman", "king", "queen"), ("king", "kings", "monk", "monks")} <= asked
    for a, b, c, d in asked:
        assert NOUNS[a][0] == NOUNS[b][0] != NOUNS[c][0] == NOUNS[d][0]
        assert NOUNS[a][1] == NOUNS[c][1] != NOUNS[b][1] == NOUNS[d][1]


def test_pairs_are_she_and_he_in_the_singular_and_then_in_the_plural(plain):
    pairs = [plain.vocabulary.decode(row) for row in plain.pairs]
    assert pairs[:3] == [["woman", "man"], ["women", "men"], ["girl", "boy"]]
    assert len(pairs) == 40


def test_the_seed_decides(plain):
    again, other = analogies.load(6000, noise=0.0), analogies.load(6000, noise=0.0, seed=1)
    assert said(again) == said(plain) != said(other)


@pytest.mark.parametrize("wrong", [{"sentences": 999}, {"noise": 1.0}, {"noise": -0.1}, {"bias": 1.1}])
def test_what_makes_no_corpus_is_refused(wrong):
    with pytest.raises(InputError, match=r"expected 1000 or more, 0 ≤ noise < 1, 0 ≤ bias ≤ 1"):
        analogies.load(**wrong)
