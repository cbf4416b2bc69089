"""Matplotlib figures as bytes for the page, and kept as files beside it so that the page can be remade."""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxdl.report.style import Figure

FOLDER = "figures"
INDEX = "figures.json"
MOST_SVG = 200_000  # bytes; past this a drawing has so many marks that a picture of it is smaller and quicker to show


@dataclass(frozen=True)
class Picture:
    """A rendered figure: its caption, `svg` or `png`, the bytes, and the width in page pixels."""

    title: str
    kind: str
    data: bytes
    width: int

    @property
    def source(self) -> str:
        """A data URI. SVG goes in as an image too: inlined, the ids of two drawings would clash."""
        media = "image/svg+xml" if self.kind == "svg" else "image/png"
        return f"data:{media};base64,{base64.b64encode(self.data).decode()}"


def render(title: str, figure: Figure) -> Picture:
    """SVG, sharp at any size; PNG at two pixels a page pixel where the SVG is heavy or only wraps a 72-dpi bitmap."""
    width = round(figure.get_figwidth() * 96)
    has_images = any(axes.images for axes in figure.axes)
    drawing = b"" if has_images else _svg(figure)
    if drawing and len(drawing) <= MOST_SVG:
        return Picture(title, "svg", drawing, width)
    bitmap = io.BytesIO()
    figure.savefig(bitmap, format="png", dpi=192)
    return Picture(title, "png", bitmap.getvalue(), width)


def save(directory: Path, pictures: Sequence[Picture], findings: Sequence[str]) -> None:
    """Write directory/figures/01.svg … and an index with titles and findings, in place of what was there before."""
    folder = directory / FOLDER
    folder.mkdir(exist_ok=True)
    rows = []
    for number, picture in enumerate(pictures, start=1):
        name = f"{number:02}.{picture.kind}"
        (folder / name).write_bytes(picture.data)
        rows.append({"title": picture.title, "file": name, "width": picture.width})
    text = json.dumps({"findings": list(findings), "figures": rows}, indent=2, ensure_ascii=False)
    (folder / INDEX).write_text(text, encoding="utf-8")
    for old in folder.glob("[0-9][0-9]*.*"):
        if old.name not in {row["file"] for row in rows}:
            old.unlink()


def load(directory: Path) -> tuple[list[Picture], list[str]]:
    """The pictures and findings that `save` kept; none where it never ran."""
    path = directory / FOLDER / INDEX
    if not path.is_file():
        return [], []
    index: Mapping = json.loads(path.read_text(encoding="utf-8"))
    pictures = [
        Picture(row["title"], row["file"].rsplit(".", 1)[-1], (path.parent / row["file"]).read_bytes(), row["width"])
        for row in index["figures"]
    ]
    return pictures, index["findings"]


def _svg(figure: Figure) -> bytes:
    from matplotlib import rc_context

    drawing = io.BytesIO()
    with rc_context({"svg.hashsalt": "jaxdl"}):  # the same figure gives the same bytes
        figure.savefig(drawing, format="svg", metadata={"Date": None})
    return drawing.getvalue()
