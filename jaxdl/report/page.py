"""report.html: one file that tells a run to a person. No script, nothing fetched, every figure inside."""

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from jaxdl.report import diagnosis, pictures, records
from jaxdl.report.curves import last, learning_curves, span
from jaxdl.report.pictures import Picture
from jaxdl.report.style import Figure, color
from jaxdl.report.stylesheet import CSS
from jaxdl.report.words import duration, number, text

ORDER = ("train", "dev", "test")


def write(directory: Path, figures: Mapping[str, Figure], findings: Sequence[str] = ()) -> Path:
    """Make directory/report.html at once or not at all, and keep the figures and findings for `remake`."""
    rendered = [pictures.render(title, figure) for title, figure in figures.items()]
    pictures.save(directory, rendered, findings)
    return remake(directory)


def remake(directory: Path) -> Path:
    """Make directory/report.html from what the directory holds; raises InputError where it holds no run."""
    run = records.read(directory)
    kept, findings = pictures.load(directory)
    curves = [pictures.render(title, figure) for title, figure in learning_curves(run.records).items()]
    path = directory / "report.html"
    draft = directory / "report.html.tmp"
    draft.write_text(_page(directory, run, curves, kept, findings), encoding="utf-8")
    os.replace(draft, path)
    return path


def headline(run: records.Run) -> dict[str, dict[str, float]]:
    """set -> metric -> final value: the summary's, and where it is silent the last one logged.

    Of train, whose every step is noisy, the last one logged is the running average.
    """
    table: dict[str, dict[str, float]] = {}
    for name, sets in records.series(run.records).items():
        for kind, points in sets.items():
            table.setdefault(kind, {})[name] = last(kind, points.values)
    # What only training knows (learning rate, gradient norm) has its curve; here it would make a table of gaps.
    final = _metrics(run)
    judged = {name for kind, row in table.items() if kind != "train" for name in row} | {name for _, name in final}
    table = {kind: {name: row[name] for name in row if not judged or name in judged} for kind, row in table.items()}
    for (kind, name), value in final.items():
        table.setdefault(kind, {})[name] = value
    return {kind: table[kind] for kind in sorted(table, key=_rank) if table[kind]}


def _metrics(run: records.Run) -> dict[tuple[str, str], Any]:
    metrics = (run.summary or {}).get("metrics")
    found = {}
    for key, value in metrics.items() if isinstance(metrics, Mapping) else ():
        kind, _, name = key.partition("/") if "/" in key else ("run", "", key)
        found[kind, name] = math.nan if value is None else value
    return found


def _rank(kind: str) -> tuple[int, str]:
    return (ORDER.index(kind) if kind in ORDER else len(ORDER), kind)


def _page(
    directory: Path, run: records.Run, curves: list[Picture], kept: list[Picture], findings: Sequence[str]
) -> str:
    folder = directory.resolve().name
    name = str(run.description.get("experiment") or folder)
    body = [
        _header(name, run),
        _headline(run),
        _findings(findings),
        _section("Learning curves", f'<div class="pair">{_figures(curves)}</div>' if curves else ""),
        _section("Figures", _figures(kept)),
        _section("What to do next", diagnosis.section(directory, run)),
        _settings(run),
        _environment(run),
        f'<footer class="note">Made from the run directory <code>{escape(folder)}</code>; '
        "<code>python -m jaxdl.report RUN</code> makes it again.</footer>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(name)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body>\n</html>\n"
    )


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}\n</section>" if content else ""


def _header(name: str, run: records.Run) -> str:
    doc = run.description.get("doc")
    lead = f'\n<p class="lead">{escape(str(doc))}</p>' if doc else ""
    facts = " · ".join(map(escape, _facts(run)))
    line = f'\n<p class="facts">{facts}</p>' if facts else ""
    return f"<header>\n<h1>{escape(name)}</h1>{lead}{line}\n</header>\n{_unfinished(run)}"


def _facts(run: records.Run) -> list[str]:
    """`270 steps`, `8.3 s`, `2 x cpu`, `1 restart`."""
    summary, facts = run.summary or {}, []
    if "steps" in summary:
        facts.append(f"{text(summary['steps'])} steps")
    if isinstance(summary.get("seconds"), int | float):
        facts.append(duration(summary["seconds"]))
    if isinstance(summary.get("devices"), str):
        facts.append(summary["devices"].replace(" x ", " × "))
    if isinstance(summary.get("restarts"), int):
        count = summary["restarts"]
        facts.append("no restart" if count == 0 else f"{count} restart{'s' * (count > 1)}")
    return facts


def _unfinished(run: records.Run) -> str:
    if run.summary is not None or not run.records:  # an experiment that trains nothing has neither
        return ""
    steps = [record["step"] for record in run.records if isinstance(record.get("step"), int)]
    where = f"after step {max(steps)}" if steps else "before its first step"
    return (
        f'<p class="notice">This run has no summary: it was interrupted, or is still going, {where}. '
        "What follows is what it had logged by then.</p>"
    )


def _headline(run: records.Run) -> str:
    table = headline(run)
    if not table:
        return ""
    names = list(dict.fromkeys(name for row in table.values() for name in row))
    names.sort(key=lambda name: (name not in ("loss", "cost"), name != "accuracy"))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row"><span class="dot" style="background:{color(kind)}"></span>{escape(kind)}</th>'
        + "".join(f"<td>{escape(number(row[name])) if name in row else '–'}</td>" for name in names)
        + "</tr>\n"
        for kind, row in table.items()
    )
    when = "final" if run.summary else "last logged"
    return (
        '<section>\n<div class="scroll"><table class="numbers">\n<thead><tr><th scope="col">'
        f"{when}</th>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n{_train_note(run, table)}</section>"
    )


def _train_note(run: records.Run, table: Mapping[str, Mapping[str, float]]) -> str:
    """Says what a train number is, unless the summary gave them all."""
    given = _metrics(run)
    averaged = [name for name in table.get("train", ()) if ("train", name) not in given]
    sets = records.series(run.records)
    about = max((span(sets[name]["train"].values) for name in averaged), default=1)
    if about == 1:
        return ""
    return f'<p class="note">train: the mean of about the last {about} steps, as trained.</p>\n'


def _findings(findings: Sequence[str]) -> str:
    items = "\n".join(f"<li>{escape(sentence)}</li>" for sentence in findings)
    return _section("Findings", f'<ul class="findings">\n{items}\n</ul>' if items else "")


def _figures(rendered: Iterable[Picture]) -> str:
    return "\n".join(
        f"<figure>\n<figcaption>{escape(picture.title)}</figcaption>\n"
        f'<img src="{picture.source}" width="{picture.width}" alt="{escape(picture.title)}">\n</figure>'
        for picture in rendered
    )


def _settings(run: records.Run) -> str:
    config, settings = run.description.get("config"), run.description.get("settings")
    tables = [_table("Experiment", config), _table("Run", settings)]
    return _section("Configuration", _pair(tables))


def _environment(run: records.Run) -> str:
    summary = {name: value for name, value in (run.summary or {}).items() if name not in ("metrics", "weights")}
    versions, digest = summary.pop("versions", None), summary.pop("state_digest", None)
    starts = {}
    for place, event in enumerate(records.events(run.records), start=1):
        name = event.pop("event")
        starts[f"{place}. {name}"] = _line(event)
    tables = [_table("Versions", versions), _table("Summary", summary, number), _table("Starts", starts)]
    note = f'<h3 class="digest">Digest of the final state</h3>\n<p><code>{escape(str(digest))}</code></p>'
    return _section("Environment", _pair(tables) + (note if digest else ""))


def _pair(tables: Sequence[str]) -> str:
    filled = "\n".join(table for table in tables if table)
    return f'<div class="pair">\n{filled}\n</div>' if filled else ""


def _table(title: str, values: Any, show: Callable[[Any], str] = text) -> str:
    """Two columns, dotted names for what is nested."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(show(value))}</td></tr>\n'
        for name, value in _flat("", values)
    )
    return (
        f'<div>\n<h3>{escape(title)}</h3>\n<table class="plain"><tbody>\n{rows}</tbody></table>\n</div>' if rows else ""
    )


def _flat(prefix: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [row for key, inner in value.items() for row in _flat(f"{prefix}.{key}".lstrip("."), inner)]
    return [(prefix, value)] if prefix else []


def _line(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {text(value)}" for name, value in _flat("", values))
