import hashlib
import platform
from pydoc_data.topics import topics

import pytest

from jaxdl.data import prose
from jaxdl.errors import InputError

SHARES = (0.8, 0.1, 0.1)


def parts(corpus):
    return corpus.train, corpus.dev, corpus.test


def characters(texts):
    return sum(map(len, texts.values()))


def long_lines(texts):
    return {line.strip() for text in texts.values() for line in text.splitlines() if len(line) > 50}


@pytest.mark.parametrize("seed", range(3))
def test_the_parts_are_pythons_own_texts_whole_disjoint_and_of_the_shares_asked_for(seed):
    corpus = prose.load(seed=seed)
    whole = {name: text for part in parts(corpus) for name, text in part.items()}
    assert len(whole) == sum(map(len, parts(corpus)))
    assert all(topics[name] == text for name, text in whole.items())
    assert characters(whole) > 300_000
    for part, share in zip(parts(corpus), SHARES, strict=True):
        assert characters(part) / characters(whole) == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_held_out_is_not_in_train_under_another_name(seed):
    corpus = prose.load(seed=seed)
    for held_out in (corpus.dev, corpus.test):
        others = [part for part in parts(corpus) if part is not held_out]
        known = set.union(*map(long_lines, others))
        assert len(long_lines(held_out) & known) <= 0.01 * len(long_lines(held_out))
    assert len(long_lines(topics) - set.union(*map(long_lines, parts(corpus)))) < 0.05 * len(long_lines(topics))


def test_the_version_and_the_hash_say_which_text_a_score_is_of():
    corpus, other = prose.load(seed=0), prose.load(seed=1)
    assert corpus.python == platform.python_version()
    whole = {name: text for part in parts(corpus) for name, text in part.items()}
    assert corpus.digest == hashlib.sha256("".join(whole[name] for name in sorted(whole)).encode()).hexdigest()
    assert other.digest == corpus.digest
    assert other.test.keys() != corpus.test.keys()


MADE_UP = {f"topic {row}": f"{row} " * 50 for row in range(100)}


def test_the_order_of_the_topics_moves_none_to_another_part():
    forward = prose.divided(MADE_UP, SHARES)
    backward = prose.divided(dict(reversed(MADE_UP.items())), SHARES)
    assert forward == backward


def test_a_text_that_repeats_a_longer_one_is_left_out_and_a_shared_sentence_is_no_repeat():
    lines = [f"line {row} of a text that is long enough to be told from others\n" for row in range(20)]
    made = {"part": "".join(lines[:4]), "long": "".join(lines), "other": lines[0] + "".join(lines[:3]).upper()}
    corpus = prose.divided(made, (1.0, 0.0, 0.0))
    assert corpus.train.keys() == {"long", "other"}
    assert corpus.dev == corpus.test == {}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: prose.divided({}, SHARES), "no topics"),
        (lambda: prose.divided({"empty": " \n"}, SHARES), "no topics"),
        (lambda: prose.load((0.8, 0.1, 0.2)), "sum to 1"),
    ],
)
def test_what_cannot_be_made_is_explained(call, message):
    with pytest.raises(InputError, match=message):
        call()
