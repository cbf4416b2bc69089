"""Who is at fault: the search where it missed what its own model prefers, else the model."""

import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.score.search_errors import search_errors


def blamed(human, found):
    return search_errors(np.log(human), np.log(found))


def test_the_search_is_at_fault_where_the_human_s_sentence_is_more_probable_by_hand():
    """P(y*) = 2e-10 and P(ŷ) = 1e-10: a better sentence was there, and not found."""
    found = blamed([2e-10, 1e-10, 3e-9, 5e-8], [1e-10, 2e-10, 1e-9, 5e-8])
    assert found.by_search.tolist() == [True, False, True, False]  # where they are equal, the model's
    assert found.counts == {"search": 2, "model": 2}
    assert found.shares == {"search": 0.5, "model": 0.5}


@pytest.mark.parametrize(
    ("human", "words", "others"),
    [
        ([0.3, 0.3, 0.1], ["search is at fault in 2 of 3", "widen the beam"], ["regularise"]),
        (
            [0.3, 0.1, 0.1],
            ["model is at fault in 2 of 3", "regularise", "more data", "another architecture"],
            ["widen"],
        ),
        ([0.3, 0.1], ["1 each", "widen the beam", "regularise"], []),
    ],
)
def test_the_advice_goes_with_the_larger_share(human, words, others):
    advice = blamed(human, np.full(len(human), 0.2)).advice
    assert all(word in advice for word in words)
    assert not any(word in advice for word in others)


def test_each_sentence_is_somebody_s_fault():
    human, found = np.random.default_rng(0).normal(size=(2, 50))
    there, back = search_errors(human, found), search_errors(found, human)
    assert (there.by_search ^ back.by_search).all()
    assert sum(there.counts.values()) == 50
    assert sum(there.shares.values()) == pytest.approx(1)


def test_a_sentence_that_the_model_rules_out_is_the_model_s_fault():
    assert search_errors(np.array([-np.inf]), np.array([-3.0])).counts == {"search": 0, "model": 1}


def test_what_can_t_be_compared_is_refused():
    with pytest.raises(InputError, match="2 and 1 sentences"):
        search_errors(np.zeros(2), np.zeros(1))
    with pytest.raises(InputError, match="0 and 0 sentences"):
        search_errors(np.zeros(0), np.zeros(0))
    with pytest.raises(InputError, match=r"log P\(ŷ\) of sentence 1 is NaN"):
        search_errors(np.zeros(2), np.array([0.0, np.nan]))
