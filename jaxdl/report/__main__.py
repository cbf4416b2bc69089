"""`python -m jaxdl.report RUN` makes report.html again from a run directory."""

import argparse
import sys
from pathlib import Path

from jaxdl.errors import InputError
from jaxdl.report.page import remake


def main() -> int:
    """Print where the page is; 2 and one line where the directory holds no run."""
    parser = argparse.ArgumentParser(prog="python -m jaxdl.report", description=__doc__)
    parser.add_argument("run", type=Path, help="a run directory, such as runs/vision.lenet5/1a2b3c4d")
    try:
        print(remake(parser.parse_args().run))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
