"""A run directory is read whatever a killed process left of it."""

import math

import numpy as np
import pytest

from jaxdl.errors import InputError
from jaxdl.report import records


def write_log(directory, *lines):
    (directory / "metrics.jsonl").write_bytes("\n".join(lines).encode())


def test_a_torn_last_line_is_left_out(tmp_path):
    whole = '{"step": 1, "set": "train", "loss": 2.0}'
    write_log(tmp_path, '{"schema": 1}', whole, '{"step": 2, "set": "tr')
    loss = records.series(records.read(tmp_path).records)["loss"]["train"]
    assert loss.steps.tolist() == [1]
    assert loss.values.tolist() == [2.0]


def test_a_character_torn_in_the_middle_is_left_out(tmp_path):
    (tmp_path / "metrics.jsonl").write_bytes(b'{"step": 1, "set": "train", "loss": 2.0}\n{"step": 2, "set": "\xc3')
    assert len(records.read(tmp_path).records) == 1


def test_null_and_nan_and_its_spelling_are_all_nan(tmp_path):
    values = ("NaN", "null", '"nan"', "-Infinity")
    write_log(tmp_path, *(f'{{"step": {i}, "set": "dev", "loss": {value}}}' for i, value in enumerate(values)))
    found = records.series(records.read(tmp_path).records)["loss"]["dev"].values
    np.testing.assert_array_equal(found, [math.nan, math.nan, math.nan, -math.inf])


def test_a_step_written_twice_counts_once_and_the_later_line_wins():
    lines = [{"step": 2, "set": "train", "loss": 5.0}, {"step": 1, "set": "train", "loss": 7.0}]
    loss = records.series([*lines, {"step": 2, "set": "train", "loss": 4.0}])["loss"]["train"]
    assert loss.steps.tolist() == [1, 2]
    assert loss.values.tolist() == [7.0, 4.0]


def test_words_flags_and_events_are_no_metrics():
    lines = [{"step": 1, "set": "train", "note": "warm", "done": True, "loss": 1.0}, {"step": 1, "event": "start"}]
    assert set(records.series(lines)) == {"loss"}
    assert records.events(lines) == [{"step": 1, "event": "start"}]


def test_a_directory_without_a_run_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=f"{tmp_path.name}: no run here"):
        records.read(tmp_path)
