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
        return _note("No training here has a share of wrong answers on train and dev: there is nothing to diagnose.")
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
    """{training: (its errors, means over its seeds; the human level)} of the runs in the sub-directories NAME/SEED.

    What an earlier command with another configuration has left there is not of this comparison.
    """
    config = records.read(directory).description.get("config")
    pooled: dict[str, dict[str, list[tuple[float, int]]]] = {}
    human: dict[str, float | None] = {}
    for path in sorted(directory.glob("*/**/summary.json")):
        name = path.parent.relative_to(directory).as_posix()
        name = name.rpartition("/")[0] if name.rpartition("/")[2].isdecimal() else name
        run = records.read(path.parent)
        summary = run.summary or {}
        found = measured(summary)
        if {"train", "dev"} <= found.keys() and run.description.get("config") == config:
            human[name] = summary.get("human_level")
            for kind, value in found.items():
                pooled.setdefault(name, {}).setdefault(kind, []).append(value)
    return {name: ({kind: _pool(of) for kind, of in sets.items()}, human[name]) for name, sets in pooled.items()}


def _pool(values: list[tuple[float, int]]) -> tuple[float, int]:
    """The mean error, and the examples of one seed: another seed's are the same ones again, or nearly."""
    counts = [count for _, count in values]
    return sum(error * count for error, count in values) / sum(counts), min(counts)


def _table(trainings: Mapping[str, tuple[Measured, float | None]]) -> str:
    told = {name: diagnosed(found, human) for name, (found, human) in list(trainings.items())[:MOST]}
    kinds = [kind for kind in SETS[1:] if any(kind in found for found, _ in trainings.values())]
    head = "".join(f'<th scope="col">{cell}</th>' for cell in ("error, %", *(k.replace("_", "-") for k in kinds), ""))
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{100 * found[kind][0]:.1f}</td>" if kind in found else "<td>–</td>" for kind in kinds)
        + f"<td>{escape(diagnosis.verdict)}</td></tr>\n"
        for (name, diagnosis), (found, _) in zip(told.items(), trainings.values(), strict=False)
    )
    notes = ["The errors are means over seeds", *_remarks(told)]
    if len(trainings) > MOST:
        notes.append(f"{len(trainings) - MOST} more are left out")
    return (
        f'<div class="scroll"><table class="numbers">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table>'
        f"</div>\n{_note('. '.join(notes) + '.')}"
    )


def _remarks(told: Mapping[str, Diagnosis]) -> list[str]:
    """What is to be remarked of all trainings, and of some, with their names."""
    of = {
        remark: [name for name, diagnosis in told.items() if remark in diagnosis.remarks]
        for remark in dict.fromkeys(remark for diagnosis in told.values() for remark in diagnosis.remarks)
    }
    return [remark if len(names) == len(told) else f"{remark} ({', '.join(names)})" for remark, names in of.items()]


def _note(sentence: str) -> str:
    return f'<p class="note">{escape(sentence)}</p>'
