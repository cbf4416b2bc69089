"""What to do next, from the command line.

    python -m jaxdl.strategy select RUNS… --optimize dev/accuracy --require "step_ms<=100"
    python -m jaxdl.strategy errors RUN --tags blurry rotated
    python -m jaxdl.strategy summarize RUN/errors/table.csv --error 0.1

Ends with 0, or with 2 and one line for what can't be used.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np

from jaxdl.errors import InputError
from jaxdl.strategy import error_analysis
from jaxdl.strategy.select import select


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(message)


def main(argv: Sequence[str]) -> int:
    """The exit code; prints what was found, or one line on what was wrong with the input."""
    try:
        flags = _parser().parse_args(argv)
        flags.command(flags)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def choose(flags: argparse.Namespace) -> None:
    """`select`: the metrics and facts of each run in a table, and the choice in a sentence."""
    runs = {str(run): _metrics(run) for run in flags.runs}
    choice = select(runs, flags.optimize, flags.require)
    shown = [choice.metric, *dict.fromkeys(text.split("<")[0].split(">")[0].strip() for text in flags.require)]
    shown = [name for name in dict.fromkeys(shown) if any(name in metrics for metrics in runs.values())]
    width = max(map(len, runs))
    print(f"{'':<{width}}  {'  '.join(f'{name:>14}' for name in shown)}")
    for name in (*choice.ranking, *choice.failed):
        cells = "  ".join(f"{runs[name].get(metric, float('nan')):>14.6g}" for metric in shown)
        print(f"{name:<{width}}  {cells}  {choice.failed.get(name, '')}".rstrip())
    print(choice)


def show_errors(flags: argparse.Namespace) -> None:
    """`errors`: a folder with mistakes of a run and a table to tag them in."""
    true, probabilities, inputs, names = _predictions(flags.run, flags.set)
    rows = error_analysis.mistakes(true, probabilities, flags.count, flags.how, flags.seed)
    wrong = int((probabilities.argmax(1) != true).sum())
    if not wrong:
        raise InputError(f"all of {flags.set} is right: there is nothing to look at; give another --set")
    path = error_analysis.write(
        flags.out or flags.run / "errors", inputs, rows, true, probabilities, names, flags.tags or ()
    )
    error = f"{wrong / len(true):.4g}"
    print(f"{wrong} of {len(true)} wrong on {flags.set}, an error of {error}; {len(rows)} are in {path.parent}")
    print("Put 1 where a tag holds, add columns as you need them, then:")
    of_all = flags.how == "random" or len(rows) == wrong  # the surest mistakes are not like the others
    print(f"python -m jaxdl.strategy summarize {path}" + (f" --error {error}" if of_all else ""))


def tell(flags: argparse.Namespace) -> None:
    """`summarize`: what the tags add up to."""
    print("\n".join(error_analysis.summarize(error_analysis.read(flags.table), flags.error).lines()))


def _metrics(run: Path) -> dict[str, float]:
    """The metrics and facts of a finished run."""
    try:
        summary = json.loads((run / "summary.json").read_text())
        found = {**summary["metrics"], **summary["facts"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{run}: no summary.json: expected the directory of a finished run") from None
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}


def _predictions(run: Path, set_name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]:
    """(labels, probabilities, inputs, class names) of a set of a run."""
    import itertools

    import jax

    from jaxdl.errors import chosen
    from jaxdl.run import finished

    task, params, model_state = finished(run)
    batches = chosen("set", set_name, task.evaluate)
    says = jax.jit(jax.vmap(lambda example: jax.nn.softmax(task.predict(params, model_state, example))))
    kept: dict[str, list[np.ndarray]] = {"label": [], "inputs": [], "probability": []}
    for batch in itertools.islice(batches.iterate(0), batches.steps_per_epoch):
        real = np.asarray(batch["mask"]) > 0
        inputs = batch["image"] if "image" in batch else batch["x"]
        kept["label"].append(np.asarray(batch["label"])[real])
        kept["inputs"].append(np.asarray(inputs)[real])
        kept["probability"].append(np.asarray(says(batch))[real])
    found = {name: np.concatenate(parts) for name, parts in kept.items()}
    return found["label"], found["probability"], found["inputs"], task.class_names


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m jaxdl.strategy", description=str(__doc__).splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="select | errors | summarize")
    one = commands.add_parser("select", help="the best of several runs under thresholds")
    one.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    one.add_argument("--optimize", required=True, help="a metric, such as dev/accuracy or min:dev/loss")
    one.add_argument(
        "--require", action="append", default=[], help="a threshold, such as 'step_ms<=100'; may be repeated"
    )
    one.set_defaults(command=choose)
    two = commands.add_parser("errors", help="mistakes of a run, to look at and to tag")
    two.add_argument("run", type=Path, metavar="RUN")
    two.add_argument("--set", default="dev", help="dev (default) or another set of the run")
    two.add_argument("--count", type=int, default=100, help="how many mistakes (default: 100)")
    two.add_argument("--how", choices=("random", "confident"), default="random", help="by chance, or the surest ones")
    two.add_argument("--seed", type=int, default=0, help="of the choice by chance")
    two.add_argument("--tags", nargs="*", help="names of columns to begin with")
    two.add_argument("--out", type=Path, help="the folder (default: RUN/errors)")
    two.set_defaults(command=show_errors)
    three = commands.add_parser("summarize", help="what the tags of a table add up to")
    three.add_argument("table", type=Path, metavar="TABLE.csv")
    three.add_argument("--error", type=float, help="the error of the set, such as 0.1: for the ceilings")
    three.set_defaults(command=tell)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
