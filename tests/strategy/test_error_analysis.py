"""Error analysis: the worked numbers of the notes, a table that goes out and comes back, and what is refused."""

import csv

import numpy as np
import pytest
from matplotlib.image import imread

from jaxdl.errors import InputError
from jaxdl.strategy.error_analysis import Tagged, mistakes, read, summarize, write


def tagged(**counts):
    """A table of 100 mistakes, the first so many of which have a tag."""
    marks = np.array([[row < count for count in counts.values()] for row in range(100)], np.int64)
    return Tagged(tuple(counts), marks)


@pytest.mark.parametrize(("dogs", "ceiling"), [(5, 0.095), (50, 0.05)])
def test_of_a_tenth_wrong_5_or_50_of_100_dogs_leave_9_5_or_5_percent(dogs, ceiling):
    summary = summarize(tagged(dog=dogs), error=0.1)
    assert summary.ceiling("dog") == pytest.approx(ceiling)
    assert f"without them the error is {100 * ceiling:g} % instead of 10 %" in summary.lines()[0]


def test_tags_may_overlap_and_need_not_add_up_to_all():
    """The notes' 8 %, 43 % and 61 % are more than 100."""
    summary = summarize(tagged(dog=8, cat=43, blurry=61))
    assert list(summary.counts) == ["blurry", "cat", "dog"]
    assert summary.overlaps == {("dog", "cat"): 8, ("dog", "blurry"): 8, ("cat", "blurry"): 43}
    assert summary.untagged == 39


@pytest.mark.parametrize(("error", "wrong", "verdict"), [(0.1, 6, "not worth"), (0.02, 30, ": worth correcting")])
def test_labels_that_cause_06_of_10_points_can_wait_and_06_of_2_can_not(error, wrong, verdict):
    summary = summarize(tagged(label_wrong=wrong, blurry=12), error)
    assert f"0.6 of {100 * error:g} points" in summary.labels
    assert verdict in summary.labels


def test_what_comes_before_wrong_labels_is_the_most_frequent_and_a_fifth_of_the_mistakes_is_worth_it():
    assert summarize(tagged(label_wrong=6, dog=9, blurry=12)).labels.endswith("blurry comes first")
    assert ": worth correcting" in summarize(tagged(label_wrong=20)).labels
    assert summarize(tagged(label_wrong=19, blurry=19)).labels.endswith("not worth correcting yet")


def test_mistakes_by_chance_are_all_equally_likely_and_the_surest_come_in_order():
    true = np.zeros(300, int)
    said = np.linspace(0.4, 1, 300)  # of class 1: from 50 on it is wrong
    probabilities = np.stack([1 - said, said], 1)
    wrong = np.flatnonzero(said > 0.5)
    assert set(mistakes(true, probabilities, 1000)) == set(wrong)
    np.testing.assert_array_equal(mistakes(true, probabilities, 3, "confident"), [299, 298, 297])
    drawn = np.concatenate([mistakes(true, probabilities, 25, seed=seed) for seed in range(200)])
    counts = np.bincount(drawn, minlength=300)[wrong]  # binomial(200, 25 / 250): mean 20, standard deviation 4.2
    assert counts.sum() == 5000
    assert counts.min() > 3
    assert counts.max() < 40


def test_a_table_goes_out_is_tagged_and_comes_back(tmp_path):
    images = np.random.default_rng(0).normal(size=(4, 8, 8, 1))
    probabilities = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    true = np.array([0, 0, 0, 1])
    path = write(tmp_path / "errors", images, np.array([0, 3]), true, probabilities, ("cat", "a dog"), ("blurry",))
    lines = list(csv.reader(path.read_text().splitlines()))
    assert lines[0] == ["file", "row", "true", "said", "confidence", "label_wrong", "blurry"]
    assert lines[1] == ["000000_cat_a-dog.png", "0", "cat", "a dog", "0.900", "0", "0"]
    assert all((path.parent / line[0]).stat().st_size > 100 for line in lines[1:])
    lines[1][6] = "1"
    lines = [[*line, extra] for line, extra in zip(lines, ("huge", "", "1"), strict=True)]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    table = read(path)
    assert table.tags == ("label_wrong", "blurry", "huge")
    np.testing.assert_array_equal(table.marks, [[0, 1, 0], [0, 0, 1]])
    with pytest.raises(InputError, match="may be tagged already"):
        write(tmp_path / "errors", images, np.array([0]), true, probabilities)


def test_a_small_image_is_written_large_with_its_darkest_pixel_black_and_its_brightest_white(tmp_path):
    image = np.zeros((1, 8, 8, 1))
    image[0, 0, 0], image[0, 7, 7] = -3.0, 5.0
    path = write(tmp_path, image, np.array([0]), np.array([0]), np.array([[0.0, 1.0]]))
    pixels = imread(next(path.parent.glob("*.png")))[..., 0]
    assert pixels.shape == (128, 128)
    assert (pixels[:16, :16] == 0).all()
    assert (pixels[-16:, -16:] == 1).all()
    assert pixels[64, 64] == pytest.approx(3 / 8, abs=0.01)


def test_what_is_no_image_is_written_as_text(tmp_path):
    inputs, said = np.array([[0.0, 0.0], [1.5, 2.0]]), np.array([[1.0, 0.0], [0.2, 0.8]])
    path = write(tmp_path, inputs, np.array([1]), np.array([0, 0]), said)
    assert (tmp_path / "000001_0_1.txt").read_text().split() == ["[1.5", "2.", "]"]
    assert path.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,blurry\na.png,2\n", "line 2, column blurry: '2', expected 1, 0 or nothing"),
        ("file,blurry\na.png,1\nb.png,yes\n", "line 3"),
        ("file,row\na.png,1\n", "no column but"),
        ("file,blurry\n", "a line for each mistake"),
        ("", "a line for each mistake"),
        ("file,blurry\n\n\na.png,2\n", "line 4"),
        ("file,blurry, blurry\na.png,1,0\n", "two columns are called blurry"),
        ("file,r\udce9el\na.png,1\n", "expected CSV in UTF-8"),
        (f"file,blurry\na.png,{'1' * 200_000}\n", "line 2: field larger than field limit"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, text, message):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=message):
        read(path)


def test_a_spreadsheet_may_write_semicolons_empty_lines_and_spaces(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\ufefffile; true ;blurry\r\na.png;0;1\r\n;;\r\nb.png;1;\r\n\r\n", encoding="utf-8")
    table = read(path)
    assert table.tags == ("blurry",)
    np.testing.assert_array_equal(table.marks, [[1], [0]])


def test_bad_numbers_and_names_are_refused(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(InputError, match="between 0 and 1"):
        summarize(tagged(a=1), error=10.0)
    with pytest.raises(InputError, match="needs the error"):
        summarize(tagged(a=1)).ceiling("a")
    for tags in (["true"], [" row"], ["a", "a"], [" "]):
        with pytest.raises(InputError, match="that column is there already"):
            write(tmp_path, np.zeros((1, 2)), np.array([0]), np.array([0]), np.eye(2)[:1], tags=tags)
    with pytest.raises(InputError, match="0 mistakes"):
        mistakes(np.zeros(1, int), np.ones((1, 2)), 0)
    with pytest.raises(InputError, match="seed -1: expected 0 or more"):
        mistakes(np.zeros(1, int), np.ones((1, 2)), seed=-1)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file can't be a folder"):
        write(tmp_path / "file", np.zeros((1, 2)), np.array([0]), np.array([0]), np.eye(2)[:1])
