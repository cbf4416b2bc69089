"""Lists every experiment with the first line of its docstring, without importing any."""

import ast
from pathlib import Path


def listing() -> dict[str, str]:
    """{name: first line of its docstring} of every experiment."""
    root = Path(__file__).parent
    found = {}
    for path in sorted(root.glob("*/*.py")):
        doc = ast.get_docstring(ast.parse(path.read_text()))
        if not path.name.startswith("__"):
            found[".".join(path.relative_to(root).with_suffix("").parts)] = (doc or "").split("\n")[0]
    return found


if __name__ == "__main__":
    for name, promise in listing().items():
        print(f"python -m experiments.{name:<34} {promise}")
