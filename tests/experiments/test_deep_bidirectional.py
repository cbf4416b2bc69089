"""Depth and direction on a shrunken run: what needs both sides and depth is learned with both, not with one of them."""

import numpy as np

from experiments.sequences import deep_bidirectional
from experiments.sequences.deep_bidirectional import GAP, Config, last_letter
from jaxdl.train.settings import Run


def test_the_tags_say_whether_the_letters_on_both_sides_differ():
    letters = np.array([[1, 0, 0, 2, 0, 2, 0, 1]])
    np.testing.assert_array_equal(last_letter(letters), [[1, 1, 1, 2, 2, 2, 2, 1]])
    fields = deep_bidirectional.load(Config(sequences=50), 0).train.fields
    for tokens, tags in zip(fields["tokens"] - GAP, fields["tags"], strict=True):
        for place, tag in enumerate(tags):
            before, after = tokens[: place + 1], tokens[place:]
            assert tag == (before[before > 0][-1] != after[after > 0][0])


def test_on_gaps_the_tag_is_a_coin_s_toss_and_the_letter_before_tells_nothing_of_it():
    fields = deep_bidirectional.load(Config(sequences=3000), 0).train.fields
    gaps, before = fields["tokens"] == GAP, last_letter(fields["tokens"] - GAP)
    for letter in (1, 2):
        np.testing.assert_allclose(fields["tags"][gaps & (before == letter)].mean(), 0.5, atol=0.03)


def test_one_way_and_one_layer_are_no_better_than_chance_and_two_layers_both_ways_are_right(tmp_path):
    config = Config(depths=(1, 2), sequences=1200, length=8, epochs=16, seeds=1)
    found = deep_bidirectional.measure(config, Run(tmp_path, mesh="data=1"))
    assert found["one way"].max() < 0.6
    assert found["both ways"][0] < 0.75
    assert found["both ways"][1] > 0.95
