"""Laws of the parameter table: a count by hand, and the same from shapes alone."""

import jax
import jax.numpy as jnp

from jaxdl.check.parameters import count, table

PARAMS = {
    "Conv_0": {"bias": jnp.zeros(6), "kernel": jnp.zeros((5, 5, 1, 6))},
    "step": jnp.zeros((), jnp.int32),
    "half": jnp.zeros((3, 2), jnp.bfloat16),
}


def test_the_count_is_the_sum_of_the_products_of_the_shapes():
    assert count(PARAMS) == 6 + 150 + 1 + 6
    assert count({}) == 0


def test_the_table_has_a_line_per_leaf_with_its_bytes_and_a_total():
    lines = [line.split() for line in table(PARAMS).splitlines()]
    assert lines == [
        ["leaf", "shape", "dtype", "count", "bytes"],
        ["Conv_0/bias", "6", "float32", "6", "24"],
        ["Conv_0/kernel", "5×5×1×6", "float32", "150", "600"],
        ["half", "3×2", "bfloat16", "6", "12"],
        ["step", "scalar", "int32", "1", "4"],
        ["total", "163", "640"],
    ]


def test_columns_are_aligned_and_thousands_separated():
    lines = table({"a": jnp.zeros((60, 100)), "longer": jnp.zeros(2)}).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "6,000  24,000" in lines[1]


def test_shapes_without_arrays_give_the_same_table():
    assert table(jax.eval_shape(lambda: PARAMS)) == table(PARAMS)
