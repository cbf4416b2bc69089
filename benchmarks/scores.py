"""The score of an experiment over several seeds, each with its own split, as its docstring and the README quote it.

python -m benchmarks.scores vision.lenet5 --seeds 5
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import tyro


def scores(experiment: str, metric: str, seeds: int, flags: tuple[str, ...]) -> list[float]:
    """The metric of one whole run, in a process of its own, for each seed 0 … seeds − 1."""
    found = []
    for seed in map(str, range(seeds)):
        with tempfile.TemporaryDirectory() as workdir:
            command = [sys.executable, "-m", f"experiments.{experiment}", "--workdir", workdir, "--seed", seed]
            subprocess.run([*command, "--split-seed", seed, *flags], check=True, stdout=subprocess.DEVNULL)
            summary = json.loads(Path(workdir, "summary.json").read_text())
        found.append(summary["metrics"][metric])
        took = f"{summary['seconds']:.0f} s, {summary['facts']['step_ms']:.1f} ms a step"
        print(f"seed {seed}: {metric} {found[-1]:.4f} in {took}", flush=True)
    return found


def main(
    experiment: tyro.conf.Positional[str],
    flags: tyro.conf.Positional[tuple[str, ...]] = (),
    *,
    metric: str = "test/accuracy",
    seeds: int = 5,
) -> None:
    """Prints the mean and the standard deviation of a metric over seeds; flags after -- go to the experiment."""
    values = scores(experiment, metric, seeds, flags)
    spread = statistics.stdev(values) if seeds > 1 else 0.0
    print(f"{experiment}: {metric} {statistics.mean(values):.3f} ± {spread:.3f} ({seeds} seeds)")


if __name__ == "__main__":
    tyro.cli(main)
