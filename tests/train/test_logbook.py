"""Each step stands in the log once, whatever happened to the process that wrote it."""

import importlib.machinery
import io
import json
import resource
import signal
import sys
import types

import pytest

from jaxdl.errors import StorageError
from jaxdl.train.logbook import Logbook, Progress


def lines(directory):
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def write(directory, steps, evaluations=()):
    with Logbook(directory, 10, io.StringIO()) as book:
        book.start(steps[0] - 1)
        for step in steps:
            book.train(step, {"loss": 1 / step})
            if step in evaluations:
                book.evaluation(step, {"dev": {"accuracy": step / 10}})
        return book.starts


def test_the_first_line_is_the_schema_and_each_step_has_a_line(tmp_path):
    write(tmp_path, range(1, 4))
    assert lines(tmp_path) == [
        {"schema": 1},
        {"step": 0, "event": "start"},
        *({"step": step, "set": "train", "loss": 1 / step} for step in (1, 2, 3)),
    ]


def test_steps_done_again_after_a_restart_stand_there_once(tmp_path):
    write(tmp_path, range(1, 7), evaluations=(3, 6))
    assert write(tmp_path, range(4, 10), evaluations=(6, 9)) == 2
    records = lines(tmp_path)
    assert [r["step"] for r in records if r.get("set") == "train"] == list(range(1, 10))
    assert [r["step"] for r in records if r.get("set") == "dev"] == [3, 6, 9]
    assert sum(r.get("event") == "start" for r in records) == 2


@pytest.mark.parametrize("torn", ['{"step": 3, "se', '{"step": 3, "set": "train", "loss": 0.3}'])
def test_a_line_torn_by_a_kill_is_cut_off_and_written_again(tmp_path, torn):
    write(tmp_path, range(1, 3))
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write(torn)
    write(tmp_path, range(3, 5))
    assert [r["step"] for r in lines(tmp_path) if r.get("set") == "train"] == [1, 2, 3, 4]


def test_a_metric_that_is_not_a_number_is_null_so_that_every_json_reader_can_read_it(tmp_path):
    with Logbook(tmp_path, 10, io.StringIO()) as book:
        book.train(1, {"loss": 1.0, "ratio": float("nan")})
    assert lines(tmp_path)[-1] == {"step": 1, "set": "train", "loss": 1.0, "ratio": None}


def test_evaluations_go_to_tensorboard_where_it_is_installed(tmp_path, monkeypatch):
    added = []

    class SummaryWriter:
        def __init__(self, directory):
            assert directory == str(tmp_path / "tensorboard")

        def add_scalar(self, *scalar):
            added.append(scalar)

        def close(self):
            added.append("closed")

    module = types.ModuleType("tensorboardX")
    module.SummaryWriter, module.__spec__ = SummaryWriter, importlib.machinery.ModuleSpec("tensorboardX", None)
    monkeypatch.setitem(sys.modules, "tensorboardX", module)
    write(tmp_path, range(1, 4), evaluations=(3,))
    assert added == [("dev/accuracy", 0.3, 3), "closed"]


def test_a_log_that_can_not_be_opened_or_grown_is_told_with_its_path_and_the_free_bytes(tmp_path):
    with pytest.raises(StorageError, match=r"could not write .*metrics.jsonl, where [\d,]+ bytes are free"):
        Logbook(tmp_path / "absent", 10, io.StringIO())
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    book = Logbook(tmp_path, 10, io.StringIO())
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        with pytest.raises(StorageError, match=r"metrics.jsonl, where"):  # the buffer spills amid the training
            book.train(1, {"loss": 1.0, "x" * (2 << 20): 0.0})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
        book.__exit__()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_bar_and_a_pipe_gets_lines():
    for out, bar in ((Terminal(), True), (io.StringIO(), False)):
        progress = Progress(10, out)
        progress.train(5, {"loss": 0.25})
        progress.evaluation(5, {"dev": {"accuracy": 0.5}})
        progress.end()
        assert ("[============            ]" in out.getvalue()) == bar
        assert ("\r" in out.getvalue()) == bar
        assert "step  5/10  loss 0.2500" in out.getvalue()
        assert "dev accuracy 0.5000\n" in out.getvalue()
