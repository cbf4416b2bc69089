"""The page: self-contained, well-formed, true to its run directory, and made from whatever is there."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from jaxdl.report import page, pictures
from jaxdl.report.style import figure

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Outline(HTMLParser):
    """Checks the balance of tags; collects the text, the addresses and the images."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.addresses, self.images, self.tags = [], "", [], [], set()
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        attributes = dict(attrs)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        if tag == "img":
            self.images.append(attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


@pytest.fixture
def run(tmp_path):
    """A finished run of 60 steps."""
    description = {
        "experiment": "vision.lenet5",
        "doc": "LeNet-5 on handwritten digits.",
        "config": {"epochs": 30, "optimizer": {"name": "<script>alert(1)</script>", "learning_rate": 0.001}},
        "settings": {"seed": 4, "mesh": "data:2"},
    }
    summary = {
        "metrics": {"test/accuracy": 0.98765, "dev/loss": 0.0625},
        "steps": 60, "state_digest": "ab12" * 16, "restarts": 0, "seconds": 8.31, "devices": "2 x cpu",
        "versions": {"jax": "0.10.2"}, "something_new": {"inside": 42.5},
    }  # fmt: skip
    lines = [{"schema": 1}, {"step": 0, "event": "start"}]
    lines += [{"step": s, "set": "train", "loss": 1 / s, "accuracy": 1 - 1 / s} for s in range(1, 61)]
    lines += [{"step": s, "set": "dev", "loss": 1 / s + 0.1, "accuracy": 0.9} for s in (20, 40, 60)]
    (tmp_path / "config.json").write_text(json.dumps(description))
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def drawing():
    sheet = figure(300, 200)
    sheet.add_subplot().plot([1, 2, 3])
    return sheet


def test_the_page_is_balanced_and_fetches_nothing(run):
    html = page.write(run, {"a drawing": drawing()}, ["It works."]).read_text()
    outline = Outline(html)
    assert html.startswith("<!DOCTYPE html>")
    assert outline.images
    assert all(address.startswith("data:image/") for address in outline.addresses)
    assert not outline.tags & {"script", "link", "iframe", "object"}
    assert not re.search(r"url\(|@import", html)


def test_every_image_has_words_for_those_who_cannot_see_it(run):
    outline = Outline(page.write(run, {"a drawing": drawing()}).read_text())
    alternatives = [image["alt"] for image in outline.images]
    assert alternatives[-1] == "a drawing"
    assert all(len(words) > 5 for words in alternatives)
    assert len(alternatives) == 3


def test_the_page_tells_the_numbers_of_the_run(run):
    words = Outline(page.write(run, {}, ["Shifts are worth a point."]).read_text()).text
    told = [
        "0.9877",
        "0.06250",
        "0.9000",
        "60 steps",
        "8.3 s",
        "2 × cpu",
        "no restart",
        "LeNet-5 on handwritten digits.",
    ]
    told += [
        "Shifts are worth a point.",
        "ab12" * 16,
        "0.10.2",
        "something_new.inside",
        "42.5",
        "optimizer.learning_rate",
    ]
    assert [what for what in told if what not in words] == []


def test_the_summary_wins_over_the_log_and_the_log_fills_its_gaps(run):
    table = page.headline(page.records.read(run))
    assert list(table) == ["train", "dev", "test"]
    assert table["dev"] == {"loss": 0.0625, "accuracy": 0.9}
    assert table["test"] == {"accuracy": 0.98765}
    assert table["train"]["loss"] == pytest.approx(1 / 60)


def test_markup_in_values_names_titles_and_findings_is_shown_not_obeyed(run):
    evil = '"><script>alert(1)</script>'
    outline = Outline(page.write(run, {evil: drawing()}, [evil]).read_text())
    assert "script" not in outline.tags
    assert outline.text.count("<script>alert(1)</script>") == 3
    assert outline.images[-1]["alt"] == evil


def test_an_interrupted_run_still_has_a_page_that_says_so(run):
    (run / "summary.json").unlink()
    with (run / "metrics.jsonl").open("a") as log:
        log.write('{"step": 61, "set": "train", "loss": NaN, "accuracy": null}\n{"step": 62, "se')
    words = Outline(page.write(run, {}).read_text()).text
    assert "no summary" in words
    assert "after step 61" in words
    assert "NaN" in words


@pytest.mark.parametrize("lines", ["", '{"schema": 1}\n', '{"schema": 1}\n{"step": 0, "event": "start"}\n{"ste'])
def test_a_run_that_logged_nothing_has_a_page(tmp_path, lines):
    (tmp_path / "metrics.jsonl").write_text(lines)
    assert tmp_path.name in Outline(page.write(tmp_path, {}).read_text()).text


def test_an_experiment_that_trains_nothing_has_a_page_and_is_not_called_interrupted(run):
    for name in ("metrics.jsonl", "summary.json"):
        (run / name).unlink()
    words = Outline(page.write(run, {"a drawing": drawing()}, ["Edges are found."]).read_text()).text
    assert "Edges are found." in words
    assert "interrupted" not in words


def test_a_restart_is_told_with_its_step(run):
    with (run / "metrics.jsonl").open("a") as log:
        log.write('{"step": 40, "event": "start"}\n')
    outline = Outline(page.write(run, {}).read_text())
    assert re.search(r"1. start\s*step 0\s*2. start\s*step 40\s", outline.text)


def test_values_that_are_not_finite_are_drawn_around(tmp_path):
    values = ["NaN", "Infinity", "-Infinity", "1.0"] * 20
    lines = [f'{{"step": {s}, "set": "{k}", "loss": {v}}}' for k in ("train", "dev") for s, v in enumerate(values, 1)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    assert len(Outline(page.write(tmp_path, {}).read_text()).images) == 1


def test_the_command_makes_the_same_page_again_with_its_figures_and_findings(run):
    path = page.write(run, {"a drawing": drawing()}, ["It works."])
    first = path.read_bytes()
    path.unlink()
    done = subprocess.run([sys.executable, "-m", "jaxdl.report", str(run)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(path)
    assert path.read_bytes() == first
    assert not list(run.glob("*.tmp"))


def test_the_command_refuses_a_directory_without_a_run_in_one_line(tmp_path):
    done = subprocess.run([sys.executable, "-m", "jaxdl.report", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2
    assert "no run here" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_page_that_fails_leaves_the_one_before(run, monkeypatch):
    path = page.write(run, {})
    first = path.read_bytes()

    def fail(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr(page.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        page.write(run, {}, ["new"])
    assert path.read_bytes() == first


def test_drawings_are_svg_and_images_and_heavy_drawings_are_png_at_two_pixels_a_pixel():
    light = pictures.render("light", drawing())
    assert (light.kind, light.width) == ("svg", 300)
    assert light.data == pictures.render("light", drawing()).data
    heavy, photo = figure(300, 200), figure(300, 200)
    heavy.add_subplot().scatter(*np.random.default_rng(0).random((2, 9000)))
    photo.add_subplot().imshow(np.eye(4))
    for sheet in (heavy, photo):
        picture = pictures.render("pixels", sheet)
        assert picture.kind == "png"
        assert int.from_bytes(picture.data[16:20]) == 2 * picture.width == 600


def test_figures_of_an_earlier_page_do_not_stay_behind(run):
    page.write(run, {"one": drawing(), "two": drawing()}, ["old"])
    outline = Outline(page.write(run, {"three": drawing()}).read_text())
    assert [image["alt"] for image in outline.images][-1:] == ["three"]
    assert sorted(path.name for path in (run / "figures").iterdir()) == ["01.svg", "figures.json"]
    assert "old" not in outline.text
