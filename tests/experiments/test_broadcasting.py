import numpy as np

from experiments.foundations.broadcasting import findings, measure

FOUND = measure()


def test_dot_outer_and_element_wise_have_the_shapes_of_the_notes():
    assert FOUND["dot"] == (4, 2)
    assert FOUND["outer"] == (12, 6)
    assert "incompatible shapes" in FOUND["element-wise"]


def test_the_table_of_calories_gives_the_worked_sums_and_percentages():
    np.testing.assert_allclose(FOUND["sums"], [59, 239, 155.4, 76.9], rtol=1e-6)
    np.testing.assert_allclose(FOUND["percent"][0, 0], 94.915, atol=5e-4)
    np.testing.assert_allclose(FOUND["percent"].sum(0), 100, rtol=1e-6)


def test_scalar_row_and_column_fit_and_a_column_of_the_wrong_length_does_not():
    assert FOUND["scalar"] == FOUND["row"] == FOUND["column"] == (3, 4)
    assert "incompatible shapes" in FOUND["percent of columns as a column"]


def test_row_plus_column_is_a_matrix_and_spoils_a_mean_squared_error_in_silence():
    assert FOUND["row + column"] == (3, 4)
    assert FOUND["its shape"] == (3, 3)
    np.testing.assert_allclose(FOUND["squared error"], 4 / 3, rtol=1e-6)  # (1 + 1 + 1 + 1 + 4 + 4) / 9
    assert FOUND["squared error, both flat"] == 0


def test_a_times_a_transposed_is_a_number_or_a_matrix():
    assert FOUND["flat.T"] == (5,)
    assert FOUND["flat @ flat.T"] == 55
    assert FOUND["column @ column.T"].shape == (5, 5)
    assert FOUND["column.T @ column"].shape == (1, 1)


def test_the_findings_tell_the_numbers():
    told = " ".join(findings(FOUND))
    assert all(words in told for words in ("59, 239, 155.4, 76.9", "94.915 %", "(3, 3)", "1.333", "number 55"))
