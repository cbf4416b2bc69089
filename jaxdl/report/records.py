"""Reading a run directory: config.json, metrics.jsonl and summary.json, whatever a killed run left of them."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxdl.errors import InputError

NOT_METRICS = ("step", "set", "event", "schema", "time")


@dataclass(frozen=True)
class Run:
    """What a run directory says.

    description  config.json: experiment, doc, config, settings
    records      the lines of metrics.jsonl, in the order written
    summary      summary.json, or None where the run has not ended
    """

    description: dict[str, Any]
    records: list[dict[str, Any]]
    summary: dict[str, Any] | None


@dataclass(frozen=True)
class Series:
    """One metric on one set: values[i] at steps[i], steps rising."""

    steps: np.ndarray
    values: np.ndarray


def read(directory: Path) -> Run:
    """The run in a directory; raises InputError where there is none."""
    if not any((directory / name).is_file() for name in ("metrics.jsonl", "config.json")):
        raise InputError(f"{directory}: no run here (no metrics.jsonl, no config.json); give a run directory")
    lines = _text(directory / "metrics.jsonl").splitlines()
    records = [record for record in map(_object, lines) if record is not None]
    description = _object(_text(directory / "config.json")) or {}
    return Run(description, records, _object(_text(directory / "summary.json")))


def series(records: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Series]]:
    """metric -> set -> Series. Where a restart wrote a step twice, the later line counts."""
    found: dict[str, dict[str, dict[int, float]]] = {}
    for record in records:
        if not isinstance(record.get("step"), int) or not isinstance(record.get("set"), str):
            continue
        for name, value in record.items():
            number = None if name in NOT_METRICS else _number(value)
            if number is not None:
                found.setdefault(name, {}).setdefault(record["set"], {})[record["step"]] = number
    return {name: {kind: _series(points) for kind, points in sets.items()} for name, sets in found.items()}


def events(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines that tell of starts and restarts."""
    return [dict(record) for record in records if "event" in record]


def _series(points: Mapping[int, float]) -> Series:
    steps = sorted(points)
    return Series(np.array(steps, np.int64), np.array([points[step] for step in steps], np.float64))


def _number(value: Any) -> float | None:
    """A float, NaN for null (JSON has no NaN), None for what is no number."""
    if value is None:
        return math.nan
    if isinstance(value, str) and value.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return float(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(path: Path) -> str:
    # A torn write can end in the middle of a UTF-8 character.
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
