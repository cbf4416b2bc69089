"""The gradient check of one experiment, from the command line.

    python -m jaxdl.check experiments.vision.lenet5 --sample 100 --per-example [flags of the experiment]

Ends with 0 if the gradients are right, 1 if they are not, 2 if there is nothing to check.
"""

import argparse
import dataclasses
import difflib
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from jaxdl import flags
from jaxdl.check.gradients import check_task, check_task_examples, without_dropout
from jaxdl.errors import InputError


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(message)


def main(argv: Sequence[str]) -> int:
    """The exit code; prints the report, or one line on what was wrong with the input."""
    try:
        asked, rest = _parser().parse_known_args(argv)
        task = _build(asked.module, rest)
        if asked.no_dropout:
            task = dataclasses.replace(task, loss=without_dropout(task.loss))
        check = check_task_examples if asked.per_example else check_task
        report = check(
            task, examples=asked.examples, epsilon=asked.epsilon, sample=asked.sample or None, seed=asked.seed
        )
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(report)
    return 0 if report.ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m jaxdl.check",
        description="Checks the gradients of an experiment against central differences in float64.",
        epilog="Any other flag is the experiment's own: see python -m MODULE --help.",
        allow_abbrev=False,
    )
    parser.add_argument("module", help="the experiment, such as experiments.vision.lenet5")
    parser.add_argument("--examples", type=int, default=4, help="how many of the first batch (default: 4)")
    parser.add_argument("--sample", type=int, default=100, help="coordinates per leaf, 0 for all (default: 100)")
    parser.add_argument("--epsilon", type=float, default=1e-5, help="step of the differences (default: 1e-5)")
    parser.add_argument("--seed", type=int, default=0, help="of parameters, batch and sample (default: 0)")
    parser.add_argument("--per-example", action="store_true", help="check each example's gradient, and their sum")
    parser.add_argument("--no-dropout", action="store_true", help="turn Linen's dropout layers off")
    return parser


def _build(name: str, argv: list[str]) -> Any:
    """The Task of the experiment `name`, configured by its own flags."""
    try:
        found = importlib.util.find_spec(name)
    except (ModuleNotFoundError, ValueError):  # a parent that is missing, or is no package; "", a relative name
        found = None
    if found is None:
        closest = difflib.get_close_matches(name, _experiments(), n=3, cutoff=0.3)
        raise InputError(f"no module {name!r}" + (f"; did you mean {' or '.join(closest)}?" if closest else ""))
    module = importlib.import_module(name)
    if not (hasattr(module, "build") and hasattr(module, "Config")):
        raise InputError(f"{name} has no Config and build(config) -> Task: nothing to check")
    return module.build(flags.parse(module.Config, argv, name))


def _experiments() -> list[str]:
    """Names of all modules under `experiments`, without importing one."""
    package = importlib.util.find_spec("experiments")
    roots = [Path(place) for place in package.submodule_search_locations or ()] if package else []
    files = [(path, root) for root in roots for path in sorted(root.rglob("*.py")) if not path.name.startswith("__")]
    return [".".join(("experiments", *path.relative_to(root).with_suffix("").parts)) for path, root in files]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
