"""The map shows each weight at its pair of tokens."""

import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.report.attention import attention_map


def test_rows_look_at_columns():
    weights = np.array([[0.1, 0.7, 0.2], [0.0, 0.0, 1.0]])
    axes = attention_map(weights, ["a", "$b"], ["x", " ", "z"]).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), weights)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", r"\$b"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["x", "␣", "z"]


def test_tokens_that_do_not_fit_the_weights_are_refused():
    with pytest.raises(InputError, match="2 tokens that look at 2"):
        attention_map(np.zeros((2, 3)), ["a", "b"], ["x", "y"])
