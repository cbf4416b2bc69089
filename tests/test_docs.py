"""What the pages claim is there, is there."""

import ast
import re
import subprocess
from pathlib import Path

from experiments.__main__ import listing

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def coverage():
    lines = (ROOT / "docs/coverage.md").read_text().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| [A-F]\d", line)]


def test_every_curriculum_id_has_one_row():
    counts = {"A": 10, "B": 14, "C": 9, "D": 14, "E": 12, "F": 9}
    assert [row[0] for row in coverage()] == [f"{letter}{i}" for letter, n in counts.items() for i in range(1, n + 1)]


def test_every_path_in_the_coverage_exists_and_every_cell_has_one_or_is_planned():
    for row in coverage():
        for cell in row[2:]:
            paths = re.findall(r"`([^`]+)`", cell)
            assert paths or cell == "planned", row
            assert all((ROOT / path).is_file() for path in paths), row


def _file_of(module):
    path = module.replace(".", "/")
    return path if (ROOT / path).is_dir() else f"{path}.py"


def test_every_link_and_path_in_the_pages_leads_somewhere():
    pages = ["README.md", "CONTRIBUTING.md", "tpu_scripts/README.md"]
    for page in [*map(ROOT.joinpath, pages), *(ROOT / "docs").glob("*.md")]:
        links = re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text())
        links += re.findall(r"`((?:jaxdl|tests|experiments|benchmarks|docs|tpu_scripts)/[\w/.]+)`", page.read_text())
        modules = re.findall(r"python -m ((?:jaxdl|tests|experiments|benchmarks)\.[\w.]*\w)", page.read_text())
        links += [_file_of(module) for module in modules]
        missing = [link for link in links if not (page.parent / link).exists() and not (ROOT / link).exists()]
        assert not missing, f"{page.name}: {missing}"


def test_the_readme_begins_with_the_two_commands_and_nothing_else():
    block = re.search(r"^```\w*\n(.*?)^```", README, re.DOTALL | re.MULTILINE).group(1)
    assert block.splitlines() == [
        "pip install -e . && python -m experiments.vision.lenet5",
        "pip install -e '.[test]' && pytest",
    ]


def test_the_readme_and_the_findings_quote_each_experiment_s_docstring():
    scores = re.findall(r"^\| `(\w+\.\w+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", README, re.MULTILINE)
    page = (ROOT / "docs/findings.md").read_text()
    findings = re.findall(r"^\| `(\w+\.\w+)` \| ([^|]+) \|$", page, re.MULTILINE)
    promised = {name: f"Expected {expected}; measured {measured}." for name, expected, measured in scores}
    promised |= {name: f"Finds: {finding}" for name, finding in findings}
    assert sorted(promised) == sorted(listing())
    assert len(scores) + len(findings) == len(promised)
    for name, promise in promised.items():
        doc = ast.get_docstring(ast.parse((ROOT / "experiments" / f"{name.replace('.', '/')}.py").read_text()))
        assert " ".join(doc.split()).endswith(promise), name


def test_the_project_stands_alone():
    """No tracked file leads out of the repository or names a machine's path."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    outside = re.compile("|".join([r"\.\./" + "shared", "/ro" + "ot/", "/ho" + r"me/\w", "py" + r"pi\.org"]))
    for name in files:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".sh", ".yml"} and path.is_file():
            assert not outside.search(path.read_text()), name
