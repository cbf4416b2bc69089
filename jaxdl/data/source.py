"""Where examples come from: a whole batch by index, out of memory or off the disk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any, Protocol, runtime_checkable

import numpy as np

from jaxdl.errors import InputError


@runtime_checkable
class Source(Protocol):
    """Examples by index: `source[rows]` is the whole batch of those rows, batch axis first."""

    def __len__(self) -> int: ...
    def __getitem__(self, rows: np.ndarray) -> dict[str, np.ndarray]: ...


@dataclass(frozen=True, eq=False, repr=False)
class Arrays:
    """Examples held in memory: `fields[name][i]` belongs to example i.

    Raises InputError where the fields differ in length.
    """

    fields: dict[str, np.ndarray]

    def __post_init__(self) -> None:
        lengths = {name: len(values) for name, values in self.fields.items()}
        if len(set(lengths.values())) != 1:
            raise InputError(f"the fields of a data set must be equally long and at least one, not {lengths}")

    def __len__(self) -> int:
        return len(next(iter(self.fields.values())))

    def __getitem__(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return {name: values.take(rows, axis=0) for name, values in self.fields.items()}

    def __repr__(self) -> str:
        fields = (f"{name}={values.dtype}{list(values.shape)}" for name, values in self.fields.items())
        return f"Arrays({', '.join(fields)})"

    def select(self, rows: np.ndarray) -> "Arrays":
        """The source that holds these rows only, in this order."""
        return Arrays(self[rows])


@dataclass(frozen=True, eq=False, repr=False)
class Records:
    """Examples on the disk: record rows[i] of a TFDS `as_data_source()`, read and decoded when asked for.

    decode takes the record of one example to arrays without a batch axis, of the same shapes for all.
    It travels to worker processes, so it is a module's function or a dataclass, not a lambda.
    """

    records: Any
    decode: Callable[[dict[str, Any]], dict[str, np.ndarray]]
    rows: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.records) if self.rows is None else len(self.rows)

    def __getitem__(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        where = rows if self.rows is None else self.rows[rows]
        examples = [self.decode(record) for record in self.records.__getitems__(where.tolist())]
        return {name: np.stack([example[name] for example in examples]) for name in examples[0]}

    def __repr__(self) -> str:
        decode = self.decode.__qualname__ if isinstance(self.decode, FunctionType) else repr(self.decode)
        return f"Records({self.records!r}, {decode}, {len(self)} rows)"

    def select(self, rows: np.ndarray) -> "Records":
        """The source that holds these rows only, in this order."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])


def check_finite(values: np.ndarray, field: str, feature_names: Sequence[str] = ()) -> None:
    """Raise InputError that names the row and the feature of the first NaN or infinity in values [N, ...]."""
    places = np.argwhere(~np.isfinite(values))
    if len(places):
        row, *place = places[0].tolist()
        feature = feature_names[place[-1]] if feature_names else place or ""
        what = f"{field} of row {row}, {feature}," if feature != "" else f"{field} of row {row}"
        raise InputError(f"{what} is {values[tuple(places[0])]}: leave the row out or fill the value in")


def check_labels(labels: np.ndarray, classes: int) -> None:
    """Raise InputError that names the first label outside 0 … classes − 1 and its row."""
    rows = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(rows):
        raise InputError(f"label {labels[rows[0]]} of row {rows[0]} is no class: give 0 … {classes - 1}")
