"""List the bundled data sets and prepare sets ahead of their first use.

python -m jaxdl.data list
python -m jaxdl.data prepare mnist
"""

import argparse
import sys
from typing import NoReturn

from jaxdl.data import sets
from jaxdl.errors import InputError, StorageError


class _Parser(argparse.ArgumentParser):
    """A parser that explains a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message}\n")


def main(arguments: list[str]) -> int:
    """Run one command and return the exit status: 2 for what the user can mend, 1 for a disk that is full."""
    parser = _Parser(prog="python -m jaxdl.data", description="Data sets, bundled and from TensorFlow Datasets.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the bundled sets, those that are prepared, and where")
    prepare = commands.add_parser("prepare", help="prepare bundled sets, or download and prepare TFDS sets")
    prepare.add_argument("names", nargs="+", metavar="NAME")
    given = parser.parse_args(arguments)
    try:
        if given.command == "list":
            _list()
        else:
            for name in given.names:
                print(f"{name}  {sets.prepare(name)}")
    except (InputError, StorageError) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    return 0


def _list() -> None:
    where = sets.directory()
    print(f"data directory: {where} (JAXDL_DATA_DIR sets it)")
    infos = [*where.glob("*/*/dataset_info.json"), *where.glob("*/*/*/dataset_info.json")]
    prepared = {str(info.parent.parent.relative_to(where)): info.parent for info in sorted(infos)}
    for name in sets.bundled():
        print(f"  {name:20} bundled, {prepared.pop(name, 'prepared on first use')}")
    for name, path in prepared.items():
        print(f"  {name:20} TFDS, {path}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
