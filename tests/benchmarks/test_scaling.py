"""The formulas of the page on scaling are what the compiled programs send."""

import pytest

from benchmarks.scaling import CHIPS, SIZES, Collective, collectives, compare, project


@pytest.mark.parametrize("mesh", ["data=8", "data=2,fsdp=4", "data=4,tensor=2"])
def test_the_program_sends_what_the_formula_says(mesh):
    _, found, expected = compare(SIZES[0], mesh)
    assert found == pytest.approx(expected, rel=0.01)


def test_groups_and_shapes_are_read_in_each_of_xla_s_spellings():
    program = """
      %a = f32[8,4]{1,0} all-gather(%p), replica_groups=[4,2]<=[8], dimensions={0}
      %b = (f32[], bf16[2,3]{1,0}) all-reduce(%p, %q), replica_groups={{0,1,2,3},{4,5,6,7}}, to_apply=%sum
      %c = f32[6]{0} reduce-scatter(%p), replica_groups=mesh['x'=4,'y'=2], device_ids=([2,4]T(1,0)) {'x'}
    """
    assert collectives(program) == [
        Collective("all-gather", 2, 128),
        Collective("all-reduce", 4, 4 + 12),
        Collective("reduce-scatter", 4, 4 * 24),
    ]


def test_a_ring_sends_each_part_once_to_gather_and_twice_to_sum():
    assert Collective("all-gather", 4, 100).sent == 75
    assert Collective("reduce-scatter", 4, 100).sent == 75
    assert Collective("all-reduce", 4, 100).sent == 150
    assert Collective("all-reduce", 1, 100).sent == 0


def test_twice_the_chips_halve_the_arithmetic_of_a_projection():
    for chip in CHIPS:
        four, eight = project(chip, 1e9, 1000, 4), project(chip, 1e9, 1000, 8)
        assert four[0] == pytest.approx(2 * eight[0])
        assert eight[1] > four[1]
