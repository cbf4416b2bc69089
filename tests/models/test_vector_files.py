"""Word vectors as text: what is written is read again, and what can't be read is named by file and line."""

import numpy as np
import pytest

from jaxdl.errors import InputError, StorageError
from jaxdl.models.vector_files import read_glove, read_word2vec, write_glove, write_word2vec

FORMS = {"glove": (read_glove, write_glove), "word2vec": (read_word2vec, write_word2vec)}


@pytest.fixture(params=FORMS)
def form(request):
    return FORMS[request.param]


def test_the_two_forms_differ_in_a_first_line(tmp_path):
    words, vectors = ["the", "of"], np.array([[0.5, -1.0, 0.1], [1e-10, 2.0, 3e20]])
    write_glove(tmp_path / "glove.txt", words, vectors)
    write_word2vec(tmp_path / "word2vec.txt", words, vectors)
    body = "the 0.5 -1.0 0.1\nof 1e-10 2.0 3e+20\n"
    assert (tmp_path / "glove.txt").read_text() == body
    assert (tmp_path / "word2vec.txt").read_text() == "2 3\n" + body


def test_what_is_written_is_read_again_bit_for_bit(tmp_path, form):
    read, write = form
    bits = np.random.default_rng(0).integers(0, 2**32, 4000, np.uint32).view(np.float32)
    vectors = bits[np.isfinite(bits)][:3000].reshape(300, 10)
    words = [f"word{row}" for row in range(300)]
    write(tmp_path / "vectors.txt", words, vectors)
    found = read(tmp_path / "vectors.txt")
    assert found.words == tuple(words)
    np.testing.assert_array_equal(found.vectors.view(np.uint32), vectors.view(np.uint32))


ODD = ["größe", "1.5", "new\u00a0york", "line\u2028separator", "\x85", "at name@domain.com", ". . .", "nan", "a\tb"]


def test_a_word_may_be_a_number_hold_spaces_and_what_unicode_calls_a_line_separator(tmp_path, form):
    read, write = form
    vectors = np.arange(2.0 * len(ODD)).reshape(-1, 2)
    words = ["first", *ODD]
    write(tmp_path / "vectors.txt", words, np.append([[7.0, 7.0]], vectors, 0))
    assert read(tmp_path / "vectors.txt").words == tuple(words)
    np.testing.assert_array_equal(read(tmp_path / "vectors.txt").vectors[1:], vectors)


def test_spaces_at_the_end_of_a_line_and_windows_line_ends_are_no_part_of_it(tmp_path):
    """The original word2vec writes a space after each number."""
    (tmp_path / "vectors.txt").write_bytes(b"2 2\r\nthe 1 2 \r\nof 3 4 ")
    found = read_word2vec(tmp_path / "vectors.txt")
    assert found.words == ("the", "of")
    np.testing.assert_array_equal(found.vectors, [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"vectors.txt is empty: expected a line"),
        ("the 1 2\nof 1\n", r"vectors.txt, line 2: 1 numbers after the word, expected 2"),
        ("the 1 2\nof 1 2 3\n", r"line 2: 3 numbers after the word, expected 2"),
        ("the 1 2\n\nof 1 2\n", r"line 2: 0 numbers after the word, expected 2"),
        ("the\nof\n", r"line 1: 0 numbers after the word, expected 1"),
        ("the 1 2\nof 1 x2\n", r"line 2: could not convert string to float: 'x2', expected 2 numbers"),
        ("the 1 2\nof 1 nan\n", r"line 2: nan is not a finite float32 number"),
        ("the 1 2\nof 1e39 1\n", r"line 2: 1e39 is not a finite float32 number"),
        ("the 1 2\nof 1 2\nthe 3 4\n", r"line 3: the word 'the' has occurred on line 1, expected each word once"),
        ("2 2\nthe 1 2\nof 1 2\n", r"line 1: '2 2' looks like word2vec's header; use read_word2vec"),
        ("the 1 2\nof 1_0 2\n", r"line 2: '1_0' is no number, expected 2 numbers after the word"),
    ],
)
def test_a_glove_file_with_a_fault_is_refused_with_its_line(tmp_path, text, message):
    (tmp_path / "vectors.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read_glove(tmp_path / "vectors.txt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"vectors.txt, line 1: nothing, expected the header `V D`"),
        ("the 1 2\nof 1 2\n", r"line 1: 'the 1 2', expected the header `V D`; a file without one is for read_glove"),
        ("3 2\nthe 1 2\nof 1 2\n", r"vectors.txt: 2 words, expected 3, as line 1 says"),
        ("1 2\nthe 1 2\nof 1 2\n", r"vectors.txt: 2 words, expected 1"),
        ("0 2\n", r"0 words, expected 0, as line 1 says, and at least 1"),
        ("2 0\nthe\nof\n", r"line 2: 0 numbers after the word, expected 1"),
        ("2 2\nthe 1 2\nof 1\n", r"line 3: 1 numbers after the word, expected 2"),
        ("2 2\nthe 1 2\nthe 1 2\n", r"line 3: the word 'the' has occurred on line 2"),
        ("2 2\nthe 1 2\nof 1 inf\n", r"line 3: inf is not a finite"),
        ("1 100000000000000\nthe 1 2\n", r"line 2: 2 numbers after the word, expected 100000000000000"),
        ("1 " + "1" * 5000 + "\nthe 1 2\n", r"line 1: '1 1+', expected the header"),
    ],
)
def test_a_word2vec_file_with_a_fault_is_refused_with_its_line(tmp_path, text, message):
    (tmp_path / "vectors.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read_word2vec(tmp_path / "vectors.txt")


def test_a_binary_file_and_one_that_is_not_there_are_refused(tmp_path, form):
    read, _ = form
    (tmp_path / "vectors.bin").write_bytes(b"2 2\nthe \xff\xfe\x00\x80\n\n")
    with pytest.raises(InputError, match=r"vectors.bin, line 2: expected UTF-8 text; is it word2vec's binary form"):
        read(tmp_path / "vectors.bin")
    with pytest.raises(InputError, match=r"nowhere.txt can't be read: No such file"):
        read(tmp_path / "nowhere.txt")


@pytest.mark.parametrize(
    ("words", "vectors", "message"),
    [
        (["a b 1"], np.ones((1, 2)), "'a b 1' can't be written"),
        (["a\n"], np.ones((1, 2)), r"'a\\n' can't be written"),
        ([""], np.ones((1, 2)), "'' can't be written"),
        ([" a"], np.ones((1, 2)), "' a' can't be written"),
        (["a\ud800"], np.ones((1, 2)), r"'a\\ud800' can't be written: expected UTF-8"),
        (["a", "b", "a"], np.ones((3, 2)), "'a' occurs twice"),
        (["a", "b"], np.array([[1, 2], [1, np.inf]]), "vector of 'b' is not finite"),
        (["a"], np.ones((2, 2)), r"1 words, vectors \[2, 2\]: expected one vector a word"),
        ([], np.ones((0, 2)), "at least one"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path, form, words, vectors, message):
    _, write = form
    with pytest.raises(InputError, match=message):
        write(tmp_path / "vectors.txt", words, vectors)
    assert not list(tmp_path.iterdir())


def test_the_first_word_of_glove_s_form_which_tells_the_dimension_holds_no_space(tmp_path):
    with pytest.raises(InputError, match=r"'New York' can't come first: .* write_word2vec"):
        write_glove(tmp_path / "vectors.txt", ["New York", "b"], np.ones((2, 2)))
    assert not list(tmp_path.iterdir())
    write_word2vec(tmp_path / "vectors.txt", ["New York", "b"], np.ones((2, 2)))
    assert read_word2vec(tmp_path / "vectors.txt").words == ("New York", "b")


def test_a_directory_that_is_not_there_can_t_be_written_to(tmp_path, form):
    with pytest.raises(StorageError, match=r"could not write .*nowhere/vectors.txt: No such file"):
        form[1](tmp_path / "nowhere" / "vectors.txt", ["a"], np.ones((1, 2)))
