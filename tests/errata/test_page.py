"""docs/errata.md and the tests beside this one name each other, one to one."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ROWS = [
    re.split(r"(?<!\\)\|", line.strip("|"))
    for line in (ROOT / "docs/errata.md").read_text().splitlines()
    if re.match(r"\| \d", line)
]


def beside_this_one():
    return {
        f"{path.relative_to(ROOT)}::{node.name}"
        for path in HERE.glob("test_*.py")
        if path != Path(__file__)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_each_of_the_28_errata_has_one_row_of_four_filled_cells():
    assert [int(row[0]) for row in ROWS] == list(range(1, 29))
    assert all(len(row) == 4 and all(cell.strip() for cell in row) for row in ROWS)


def test_each_row_names_tests_and_each_of_them_exists():
    for row in ROWS:
        named = re.findall(r"`([^`]+)`", row[3])
        assert named, row[0]
        assert set(named) <= beside_this_one(), row[0]


def test_each_test_of_an_erratum_is_named_by_one_row():
    named = [name for row in ROWS for name in re.findall(r"`([^`]+)`", row[3])]
    assert sorted(named) == sorted(beside_this_one())
