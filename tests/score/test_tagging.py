"""Names are found whole or not at all."""

import numpy as np
import pytest

from jaxdl.score.tagging import span_scores, spans, spelled


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O O", []),
        ("B-PER I-PER O B-LOC", [(0, 2, "PER"), (3, 4, "LOC")]),
        ("B-PER B-PER", [(0, 1, "PER"), (1, 2, "PER")]),
        ("B-PER I-LOC", [(0, 1, "PER"), (1, 2, "LOC")]),
        ("I-PER I-PER O", [(0, 2, "PER")]),
        ("", []),
    ],
)
def test_the_names_of_a_sentence_by_hand(tags, expected):
    assert spans(tags.split()) == expected


def test_a_name_that_is_too_short_or_of_another_kind_counts_twice_as_wrong():
    """True: three names. Found: one right, one cut short, and one of another kind."""
    true = [["B-PER", "I-PER", "O"], ["B-LOC", "O", "B-PER"]]
    said = [["B-PER", "O", "O"], ["B-LOC", "O", "B-LOC"]]
    assert span_scores(said, true) == pytest.approx({"precision": 1 / 3, "recall": 1 / 3, "f1": 1 / 3})
    assert span_scores([["O"] * 3, ["O"] * 3], true) == {"precision": 0, "recall": 0, "f1": 0}
    assert span_scores(true, true)["f1"] == 1


def test_padding_is_no_tag():
    assert spelled(np.array([[0, 1, 0], [1, 1, 1]]), np.array([2, 3]), ("O", "B-X")) == [["O", "B-X"], ["B-X"] * 3]
