"""Trains LeNet-5 on the digits until the loss of step 1 is known, and prints the clock of that moment.

python -m benchmarks.first_step
"""

import contextlib
import dataclasses
import io
import tempfile
import time
from pathlib import Path

from benchmarks.turns import SharedTime
from experiments.vision.lenet5 import Config, build
from jaxdl.run import use_compile_cache
from jaxdl.train.loop import fit
from jaxdl.train.settings import Run


def main() -> float:
    """The moment at which step 1 was done: `fit` asks for the third batch once it has seen the loss of the first."""
    use_compile_cache()
    task, moments = build(Config()), []

    def now(steps: int) -> float:
        moments.append(time.monotonic())
        return 0.0

    brief = dataclasses.replace(task, train=SharedTime(task.train, 2, now), steps=3, score=None)
    with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stdout(io.StringIO()):
        fit(brief, Run(workdir=Path(directory), checkpoint_every=9))
    return moments[0]


if __name__ == "__main__":
    print(main())
