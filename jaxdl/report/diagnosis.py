"""The diagnosis in a report: bias, variance, mismatch and dev overfit of a run, or of each training of a comparison."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from jaxdl.report import records
from jaxdl.strategy.diagnose import SETS, Diagnosis, diagnose

MOST = 40
"""Trainings listed, of a comparison."""

Measured = dict[str, tuple[float, int]]
"""{set: (error, examples)}."""


def section(directory: Path, run: records.Run) -> str:
    """What the errors of a run say, as HTML; one sentence where there is nothing to diagnose."""
    if run.summary is not None:
        found = measured(run.summary)
        if not {"train", "dev"} <= found.keys():
            return _note("A diagnosis needs a share of wrong answers on train and dev: no such metric here.")
        told = diagnosed(found, run.summary.get("human_level")).lines()
        return '<ul class="findings">\n' + "\n".join(f"<li>{escape(line)}</li>" for line in told) + "\n</ul>"
    if run.records:
        return _note("The run has not ended: the diagnosis comes with its final scores.")
    trainings = compared(directory)
    if not trainings:
        return _note("Nothing was trained here that has an error on train and dev: there is nothing to diagnose.")
    return _table(trainings)


def measured(summary: Mapping[str, Any]) -> Measured:
    """The errors in a summary: 1 − accuracy, or a metric called error, and how many examples each is of."""
    found: Measured = {}
    metrics, weights = summary.get("metrics") or {}, summary.get("weights") or {}
    for name in SETS[1:]:
        for metric, sign, start in (("accuracy", -1, 1.0), ("error", 1, 0.0)):
            value = metrics.get(f"{name}/{metric}")
            count = int(weights.get(f"{name}/{metric}") or 0)
            if isinstance(value, float) and count:
                found.setdefault(name, (min(max(start + sign * value, 0.0), 1.0), count))
    return found


def diagnosed(found: Measured, human: float | None) -> Diagnosis:
    """The diagnosis of measured errors."""
    errors = {name: error for name, (error, _) in found.items()} | ({} if human is None else {"human": human})
    return diagnose(errors, {name: count for name, (_, count) in found.items()})


def compared(directory: Path) -> dict[str, tuple[Measured, float | None]]:
    """{training: (its errors, its seeds pooled; the human level)} of the runs in the sub-directories NAME/SEED."""
    pooled: dict[str, dict[str, list[tuple[float, int]]]] = {}
    human: dict[str, float | None] = {}
    for path in sorted(directory.glob("*/**/summary.json")):
        name = path.parent.relative_to(directory).as_posix()
        name = name.rpartition("/")[0] if name.rpartition("/")[2].isdecimal() else name
        summary = records.read(path.parent).summary or {}
        found = measured(summary)
        if {"train", "dev"} <= found.keys():
            human[name] = summary.get("human_level")
            for kind, value in found.items():
                pooled.setdefault(name, {}).setdefault(kind, []).append(value)
    return {name: ({kind: _pool(of) for kind, of in sets.items()}, human[name]) for name, sets in pooled.items()}


def _pool(values: list[tuple[float, int]]) -> tuple[float, int]:
    count = sum(count for _, count in values)
    return sum(error * count for error, count in values) / count, count


def _table(trainings: Mapping[str, tuple[Measured, float | None]]) -> str:
    kinds = [kind for kind in SETS[1:] if any(kind in found for found, _ in trainings.values())]
    head = "".join(f'<th scope="col">{cell}</th>' for cell in ("error, %", *(k.replace("_", "-") for k in kinds), ""))
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{100 * found[kind][0]:.1f}</td>" if kind in found else "<td>–</td>" for kind in kinds)
        + f"<td>{escape(diagnosed(found, human).verdict)}</td></tr>\n"
        for name, (found, human) in list(trainings.items())[:MOST]
    )
    left = len(trainings) - MOST
    more = f" {left} more are left out." if left > 0 else ""
    note = "The seeds of a training are pooled. The human level is 0 unless --human-level says otherwise." + more
    return (
        f'<div class="scroll"><table class="numbers">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table>'
        f"</div>\n{_note(note)}"
    )


def _note(sentence: str) -> str:
    return f'<p class="note">{escape(sentence)}</p>'
