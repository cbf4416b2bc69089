"""The searches that are timed find the same."""

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.beam import END, by_hypothesis, by_sentence, in_lists, network, one_program


@pytest.mark.parametrize("likelier_end", [0.0, 12.0])
def test_one_program_and_the_loops_find_the_same_sentences(likelier_end):
    step, carries = network()

    def ending(carry, token):
        logits, carry = step(carry, token)
        return logits.at[END].add(likelier_end), carry

    beams = one_program(ending)(carries[:2])
    for read in (by_hypothesis(ending), by_sentence(ending)):
        for place in range(2):
            found = in_lists(read, np.asarray(carries[place]))
            np.testing.assert_allclose(beams.scores[place], [score for score, _ in found], rtol=1e-4)
            rows = zip(beams.tokens[place], beams.lengths[place], strict=True)
            assert [tokens[:length].tolist() for tokens, length in rows] == [tokens for _, tokens in found]
    assert (likelier_end > 0) == bool(jnp.unique(beams.lengths).size > 1)
