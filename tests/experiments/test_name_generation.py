"""Names made by a character model, and how they are judged."""

import numpy as np
import pytest

from experiments.sequences.name_generation import SHARES, Config, in_threes, judged, load, measure
from jaxdl.optim.chain import Chain
from jaxdl.train.settings import Run

SMALL = Config(
    seeds=1, kinds=("place",), languages=("en", "de"), longest=12, hidden=24, epochs=12, batch_size=32, samples=150,
    temperatures=(0.3, 1.5), order=3, optimizer=Chain("adam", learning_rate=2e-2),
)  # fmt: skip


def test_names_are_judged_by_hand():
    """bern is of train, bonn held out, kern new and there twice; of its ^ke ker ern rn$ train has the last two."""
    known, held_out = {"bern", "bari"}, {"bonn"}
    found = dict(zip(SHARES, judged(["bern", "bonn", "kern", "kern"], known, held_out), strict=True))
    triples = (4 + 0 + 2 + 2) / 16
    assert found == {
        "of train": 0.25, "of dev or test": 0.25, "new": 0.5, "different": 0.75, "known triples": triples
    }  # fmt: skip
    assert in_threes("kern") == ["^ke", "ker", "ern", "rn$"]


def test_no_name_is_longer_than_asked_and_none_is_both_seen_and_held_out():
    data, known, held_out = load(SMALL)
    assert max(map(len, known | held_out)) <= 12
    assert not known & held_out
    assert len(data.train) + len(data.dev) + len(data.test) == len(known | held_out)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return measure(SMALL, Run(tmp_path_factory.mktemp("names"), mesh="data=1"))


def test_the_network_learns_how_names_are_written(measured):
    bits, _, _, real = measured
    symbols = len(load(SMALL)[0].vocabulary)
    assert bits["gru"] < 0.75 * np.log2(symbols)
    assert 0.5 < real < 1


def test_warmer_names_are_newer_more_different_and_less_like_names(measured):
    _, shares, _, _ = measured
    for found in shares.values():
        cold, warm = (dict(zip(SHARES, row, strict=True)) for row in found[0])
        assert warm["new"] > cold["new"] - 0.02
        assert warm["different"] > cold["different"]
        assert warm["known triples"] < cold["known triples"] - 0.1


def test_the_names_shown_are_new(measured):
    _, _, shown, _ = measured
    _, known, held_out = load(SMALL)
    for names in shown.values():
        assert 0 < len(names) <= SMALL.shown
        assert not {*names} & (known | held_out)
