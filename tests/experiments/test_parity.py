"""Parity by depth and by width: the constructions are exact and as small as said; training prefers the wide one."""

import itertools

import numpy as np
import pytest

from experiments.foundations import parity
from experiments.foundations.parity import Config, apply, counter, inputs, minterms, mistakes, tree, widths
from jaxdl.errors import InputError


@pytest.mark.parametrize("make", [tree, minterms, counter])
@pytest.mark.parametrize("n", [2, 3, 5, 7, 10])
def test_each_construction_counts_odd_from_even_on_every_row(make, n):
    output = np.asarray(apply(make(n), inputs(n)))
    odd = [bin(row).count("1") % 2 for row in range(2**n)]
    np.testing.assert_array_equal(output, odd)
    assert mistakes(make(n), n) == 0


@pytest.mark.parametrize("n", [2, 4, 8])
def test_the_tree_has_two_units_for_each_of_its_n_minus_1_blocks_and_log_n_layers(n):
    assert widths(tree(n)) == [n // 2**level for level in range(n.bit_length() - 1)]
    assert sum(widths(tree(n))) == 2 * (n - 1)


@pytest.mark.parametrize("n", range(3, 11))
def test_a_bit_left_over_adds_at_most_one_unit_a_layer(n):
    layers = int(np.ceil(np.log2(n)))
    assert len(widths(tree(n))) == layers
    assert 2 * (n - 1) <= sum(widths(tree(n))) <= 2 * (n - 1) + layers


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_no_and_unit_can_serve_two_odd_rows_so_each_needs_its_own(n):
    """An AND that leaves a bit out accepts two rows that differ in that bit alone, and no two odd rows do."""
    odd = [row for row in range(2**n) if bin(row).count("1") % 2]
    assert min(bin(a ^ b).count("1") for a, b in itertools.combinations(odd, 2)) == 2
    assert widths(minterms(n)) == [len(odd)] == [2 ** (n - 1)]


def test_no_unit_of_the_constructions_is_idle():
    for layers in (tree(5), minterms(5), counter(5)):
        *hidden, (w, b) = layers
        for unit in range(len(w)):
            without = w.copy()
            without[unit] = 0
            assert mistakes([*hidden, (without, b)], 5) > 0


def test_training_learns_parity_in_the_wide_shape_and_seldom_in_the_small_ones():
    _, trained = parity.measure(Config(largest=4, bits=(5,), seeds=5, steps=800))
    learned = {name: int((sizes[5] == 1).sum()) for name, sizes in trained.items()}
    assert learned["minterms"] == 5
    assert max(learned["tree"], learned["counter"]) <= 2


def test_the_findings_quote_what_was_measured():
    findings, figures = parity.main(Config(largest=4, bits=(2,), seeds=2, steps=5), None)
    assert "tree 6, minterms 8, counter 4" in findings[0]
    assert "lie in 2 layers, the others in 1" in findings[0]
    assert findings[0].endswith("2 to 4 bits: 0.")
    assert len(findings) == 4
    assert len(figures) == 2


@pytest.mark.parametrize("flags", [{"largest": 1}, {"bits": (4, 1)}])
def test_less_than_two_bits_are_refused(flags):
    with pytest.raises(InputError, match="expected 2 or more"):
        Config(**flags)
