"""A .safetensors file comes back bit for bit, and one that is not sound is refused in one line."""

import json
import os

import ml_dtypes
import numpy as np
import pytest

from jaxdl.errors import InputError, StorageError
from jaxdl.models import safetensors

RANDOM = np.random.default_rng(0)


def bits(array):
    return array.dtype, array.shape, array.tobytes()


def arrays():
    """One of every dtype, whatever bits it has, a scalar, and two empty ones."""
    found = {
        code: np.frombuffer(RANDOM.bytes(6 * dtype.itemsize), dtype).reshape(2, 3)
        for code, dtype in safetensors.DTYPES.items()
        if code != "BOOL"
    }
    return found | {
        "BOOL": np.array([True, False, True]),
        "scalar": np.array(-0.0, np.float32),
        "empty": np.zeros((0, 3), ml_dtypes.bfloat16),
        "nothing": np.zeros((2, 0), np.int64),
        "name with \n, é and /": np.arange(3, dtype=np.int8),
    }


def test_every_dtype_comes_back_bit_for_bit(tmp_path):
    given = arrays()
    safetensors.write(tmp_path / "a.safetensors", given, {"format": "pt"})
    found, metadata = safetensors.read(tmp_path / "a.safetensors")
    assert metadata == {"format": "pt"}
    assert {name: bits(array) for name, array in found.items()} == {name: bits(array) for name, array in given.items()}


def test_no_arrays_at_all_come_back_as_none(tmp_path):
    safetensors.write(tmp_path / "a", {})
    assert safetensors.read(tmp_path / "a") == ({}, {})


def test_a_transposed_and_a_big_endian_array_come_back_equal(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    safetensors.write(tmp_path / "a", {"transposed": array.T, "big": array.astype(">f4")})
    found, _ = safetensors.read(tmp_path / "a")
    np.testing.assert_array_equal(found["transposed"], array.T)
    np.testing.assert_array_equal(found["big"], array)


def test_what_is_read_can_not_be_written_to(tmp_path):
    safetensors.write(tmp_path / "a", {"x": np.ones(2)})
    found, _ = safetensors.read(tmp_path / "a")
    with pytest.raises(ValueError, match="read-only"):
        found["x"][0] = 2


def test_the_layout_is_the_one_that_the_format_prescribes(tmp_path):
    """Written out by hand, byte by byte."""
    header = b'{"x":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}} '
    content = len(header).to_bytes(8, "little") + header + b"\x01\x00\xff\xff"
    (tmp_path / "a").write_bytes(content)
    found, _ = safetensors.read(tmp_path / "a")
    np.testing.assert_array_equal(found["x"], np.array([1, -1], np.int16))
    safetensors.write(tmp_path / "b", found)
    written = (tmp_path / "b").read_bytes()
    length = int.from_bytes(written[:8], "little")
    assert length % 8 == 0
    assert written[8 : 8 + length].rstrip(b" ") == header.rstrip(b" ")
    assert written[8 + length :] == b"\x01\x00\xff\xff"


def test_a_failed_write_leaves_the_earlier_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a"
    safetensors.write(path, {"x": np.ones(2)})

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        safetensors.write(path, {"x": np.zeros(2)})
    assert safetensors.read(path)[0]["x"].tolist() == [1, 1]
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("name", ["x", "__metadata__"])
def test_what_the_format_has_no_word_for_is_not_written(tmp_path, name):
    array = np.ones(2, np.complex64 if name == "x" else np.float32)
    with pytest.raises(InputError, match=name):
        safetensors.write(tmp_path / "a", {name: array})
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("code", "dtype"),
    {
        "F64": np.float64,
        "F32": np.float32,
        "F16": np.float16,
        "BF16": ml_dtypes.bfloat16,
        "I64": np.int64,
        "I32": np.int32,
        "I16": np.int16,
        "I8": np.int8,
        "U64": np.uint64,
        "U32": np.uint32,
        "U16": np.uint16,
        "U8": np.uint8,
        "BOOL": np.bool_,
    }.items(),
)
def test_each_dtype_has_the_name_that_the_format_gives_it(code, dtype, tmp_path):
    safetensors.write(tmp_path / "a", {"x": np.ones(2, dtype)})
    assert f'"dtype":"{code}"'.encode() in (tmp_path / "a").read_bytes()
    assert safetensors.read(tmp_path / "a")[0]["x"].dtype == dtype


X = {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}
SOUND = b'{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}'


def made(header, body=b"abcd", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + body


HOSTILE = {
    "an empty file": (b"", "shorter than 8"),
    "seven bytes": (b"1234567", "shorter than 8"),
    "a header longer than the file": (made(SOUND, length=58), "58 bytes long"),
    "a header longer than any may be": (made(SOUND, length=2**64 - 1), "are the most"),
    "a header that is no text": (made(b"\xff\xfe"), "not JSON"),
    "a header that is no JSON": (made(b"{"), "not JSON"),
    "an endless nest": (made(b"[" * 100_000), "not JSON"),
    "a number of many digits": (made(b'{"x":' + b"9" * 10_000 + b"}"), "not JSON"),
    "a list": (made([]), "not a JSON object"),
    "metadata that is a number": (made({"__metadata__": {"a": 1}}, b""), "__metadata__"),
    "metadata that is a list": (made({"__metadata__": []}, b""), "__metadata__"),
    "a name twice": (made(b"{" + SOUND[1:-1] + b"," + SOUND[1:]), "'x' twice"),
    "a field twice": (made(SOUND.replace(b'"dtype":"U8"', b'"dtype":"I8","dtype":"U8"')), "'dtype' twice"),
    "an array that is none": (made({"x": 3}), "'x' does not have"),
    "a field too many": (made({"x": {**X, "code": "run"}}), "'x' does not have"),
    "a field too few": (made({"x": {"dtype": "U8", "shape": [4]}}), "'x' does not have"),
    "an unknown dtype": (made({"x": {**X, "dtype": "F128"}}), "'x' has the dtype 'F128'"),
    "a dtype that is a list": (made({"x": {**X, "dtype": []}}), "'x' has the dtype"),
    "a negative size": (made({"x": {**X, "shape": [-4]}}), "'x' has a shape or data_offsets"),
    "a fraction": (made({"x": {**X, "shape": [4.0]}}), "'x' has a shape or data_offsets"),
    "a truth for a size": (made({"x": {**X, "shape": [4, True]}}), "'x' has a shape or data_offsets"),
    "three offsets": (made({"x": {**X, "data_offsets": [0, 4, 4]}}), "'x' has a shape or data_offsets"),
    "offsets beyond the file": (made({"x": {**X, "shape": [5], "data_offsets": [0, 5]}}), "'x' lies in bytes"),
    "offsets the wrong way round": (made({"x": {**X, "data_offsets": [4, 0]}}), "'x' lies in bytes"),
    "a shape that is not its bytes": (made({"x": {**X, "shape": [3]}}), "'x' is U8 \\[3\\]"),
    "a dtype that is not its bytes": (made({"x": {**X, "dtype": "F32"}}), "'x' is F32"),
    "an overlap": (made({"x": X, "y": {**X, "shape": [2], "data_offsets": [2, 4]}}), "'y' begins .* overlaps"),
    "a hole before": (made({"x": {**X, "shape": [3], "data_offsets": [1, 4]}}), "'x' begins .* hole"),
    "a hole after": (made({"x": {**X, "shape": [3], "data_offsets": [0, 3]}}), "end at byte 3 of 4"),
    "bytes cut off": (made(SOUND, b"abc"), "'x' lies in bytes"),
    "bytes too many": (made(SOUND, b"abcde"), "end at byte 4 of 5"),
    "a truth of 2": (made({"x": {**X, "dtype": "BOOL"}}, b"\0\1\2\0"), "'x' is BOOL"),
    "an empty array of impossible size": (
        made({"x": {**X, "shape": [0, 2**62, 2**62], "data_offsets": [0, 0]}}, b""),
        "'x' has a shape that no array",
    ),
    "too many dimensions": (made({"x": {**X, "shape": [1] * 100 + [4]}}), "'x' has a shape that no array"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_it_refuses(kind, tmp_path):
    content, complaint = HOSTILE[kind]
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match=complaint) as raised:
        safetensors.read(tmp_path / "a")
    message = str(raised.value)
    assert message.startswith(str(tmp_path / "a"))
    assert "\n" not in message
    assert len(message) < 400


def test_the_file_that_the_hostile_ones_were_made_of_is_sound(tmp_path):
    (tmp_path / "a").write_bytes(made(SOUND))
    assert safetensors.read(tmp_path / "a")[0]["x"].tobytes() == b"abcd"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="absent can't be read: No such file"):
        safetensors.read(tmp_path / "absent")
    with pytest.raises(InputError, match="can't be read"):
        safetensors.read(tmp_path)


def test_no_cut_or_flip_does_anything_but_change_values_or_raise(tmp_path):
    """Every cut is refused; a flipped bit in the header may change what it says, never what holds of all files."""
    path = tmp_path / "a"
    safetensors.write(path, arrays(), {"format": "pt"})
    content = path.read_bytes()
    for cut in {*range(12), *RANDOM.integers(0, len(content), 60).tolist()}:
        path.write_bytes(content[:cut])
        with pytest.raises(InputError):
            safetensors.read(path)
    body = 8 + int.from_bytes(content[:8], "little")
    for _ in range(600):
        damaged = bytearray(content)
        for place in RANDOM.integers(0, body, RANDOM.integers(1, 4)):
            damaged[place] ^= 1 << int(RANDOM.integers(8))
        path.write_bytes(damaged)
        try:
            found, _ = safetensors.read(path)
        except InputError:
            continue
        assert sum(array.nbytes for array in found.values()) <= len(content) - body
