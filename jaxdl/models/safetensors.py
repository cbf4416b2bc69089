"""Named arrays in a `.safetensors` file: a JSON header and raw bytes, so that nothing in it can run.

    8 bytes        length of the header, unsigned, little-endian
    header         JSON {name: {"dtype", "shape", "data_offsets": [begin, end]}, …, "__metadata__": {text: text}}
    the rest       every array's bytes, little-endian and in C order, one after the other without a hole

Source: the format's description, huggingface/safetensors.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from jaxdl.errors import InputError, StorageError
from jaxdl.typing import ArrayLike

DTYPES = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
LONGEST_HEADER = 100_000_000  # bytes; the format's own limit


class _Bad(Exception):
    """What is wrong with a file, in half a sentence."""


class _Entry(NamedTuple):
    """One array: its bytes are [begin, end) after the header."""

    dtype: np.dtype
    shape: tuple[int, ...]
    begin: int
    end: int


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """(arrays by name, metadata). The arrays are read-only and memory-mapped: their bytes are read when they are used.

    InputError, before anything is returned, for a file that is not exactly what the format says: cut short, with bytes
    that belong to no array or to two, with a name twice, an unknown dtype, a shape that is not its bytes.
    """
    try:
        if os.path.getsize(path) < 8:
            raise _Bad("it is shorter than 8 bytes")
        content = np.memmap(path, np.uint8, "r").view(np.ndarray)
        header, body = _split(content)
        entries, metadata = _entries(header, len(body))
        arrays = {name: body[entry.begin : entry.end].view(entry.dtype) for name, entry in entries.items()}
        for name, array in arrays.items():
            if array.dtype == bool and (array.view(np.uint8) > 1).any():
                raise _Bad(f"{_shown(name)} is BOOL and holds bytes other than 0 and 1")
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from error
    except _Bad as bad:
        raise InputError(f"{path} is no sound .safetensors file: {bad}") from None
    return {name: array.reshape(entries[name].shape) for name, array in arrays.items()}, metadata


def write(path: Path, arrays: Mapping[str, ArrayLike], metadata: Mapping[str, str] | None = None) -> None:
    """Writes a file that is whole or absent at every moment. What `read` then returns is bit-equal.

    InputError for a dtype that the format has no name for; StorageError where the disk won't take it.
    """
    codes = {dtype: code for code, dtype in DTYPES.items()}
    found = {name: np.asarray(array) for name, array in arrays.items()}
    found = {name: array.astype(array.dtype.newbyteorder("<"), copy=False) for name, array in found.items()}
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    # The widest first: so each array begins at a multiple of its item's size.
    order = sorted(found, key=lambda name: (-found[name].dtype.itemsize, name))
    for name in order:
        array = found[name]
        if array.dtype not in codes or name == "__metadata__":
            raise InputError(f"{_shown(name)}, {array.dtype}: expected another name and one of {', '.join(DTYPES)}")
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": codes[array.dtype], "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    _replace(path, [len(text).to_bytes(8, "little"), text, *(found[name] for name in order)])


def _replace(path: Path, pieces: list[Any]) -> None:
    """Writes the pieces one after the other beside the file, then puts that in its place."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            for piece in pieces:
                file.write(piece.tobytes() if isinstance(piece, np.ndarray) else piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StorageError(f"could not write {path}: {error.strerror}") from error


def _split(content: np.ndarray) -> tuple[bytes, np.ndarray]:
    """(header, bytes of the arrays)."""
    length = int.from_bytes(content[:8].tobytes(), "little")
    if length > LONGEST_HEADER:
        raise _Bad(f"its header would be {length:,} bytes long, and {LONGEST_HEADER:,} are the most")
    if 8 + length > len(content):
        raise _Bad(f"its header would be {length:,} bytes long, and the file has {len(content):,}")
    return content[8 : 8 + length].tobytes(), content[8 + length :]


def _entries(header: bytes, size: int) -> tuple[dict[str, _Entry], dict[str, str]]:
    """What the header says, once all of it is found to be right for a body of `size` bytes."""
    try:
        named = json.loads(header.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _Bad("its header is not JSON") from error
    if not isinstance(named, dict):
        raise _Bad("its header is not a JSON object")
    metadata = named.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _Bad("its __metadata__ is not made of texts")
    entries = {name: _entry(name, fields, size) for name, fields in named.items()}
    at = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != at:
            what = "overlaps the array before it" if entry.begin < at else "leaves a hole before it"
            raise _Bad(f"{_shown(name)} begins at byte {entry.begin:,}, where {at:,} is next: it {what}")
        at = entry.end
    if at != size:
        raise _Bad(f"its arrays end at byte {at:,} of {size:,}")
    return entries, metadata


def _entry(name: str, fields: Any, size: int) -> _Entry:
    """One array of the header, found to be right by itself."""
    if not isinstance(fields, dict) or fields.keys() != {"dtype", "shape", "data_offsets"}:
        raise _Bad(f"{_shown(name)} does not have just a dtype, a shape and data_offsets")
    code, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    if not isinstance(code, str) or code not in DTYPES:
        raise _Bad(f"{_shown(name)} has the dtype {_shown(code)}: expected one of {', '.join(DTYPES)}")
    if not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2:
        raise _Bad(f"{_shown(name)} has a shape or data_offsets that are not whole numbers of at least 0")
    begin, end = offsets
    if not begin <= end <= size:
        raise _Bad(f"{_shown(name)} lies in bytes [{begin:,}, {end:,}) of {size:,}")
    itemsize = DTYPES[code].itemsize
    if math.prod(shape) * itemsize != end - begin:
        raise _Bad(f"{_shown(name)} is {code} {_shown(shape)}, which is not its {end - begin:,} bytes")
    if len(shape) > 64 or math.prod(max(n, 1) for n in shape) * itemsize >= 2**63:
        raise _Bad(f"{_shown(name)} has a shape that no array can have: {_shown(shape)}")
    return _Entry(DTYPES[code], tuple(shape), begin, end)


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 2**63 for value in values)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose names are all different."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Bad(f"its header has {_shown(name)} twice")
        found[name] = value
    return found


def _shown(value: Any) -> str:
    """Something out of a file that nobody can trust, in one line."""
    return repr(value)[:100]
