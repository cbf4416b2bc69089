"""Data sets by name, without TensorFlow: the bundled ones, prepared on first use, and prepared TFDS sets."""

import contextlib
import difflib
import fcntl
import importlib.util
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jaxdl.errors import InputError


def bundled() -> dict[str, Any]:
    """The TFDS builders that come with jaxdl, by name: one file each, imported here and listed nowhere else."""
    from jaxdl.data.breast_cancer import BreastCancer
    from jaxdl.data.diabetes import Diabetes
    from jaxdl.data.digits import Digits
    from jaxdl.data.iris import Iris
    from jaxdl.data.wine import Wine

    return {builder.name: builder for builder in (Digits, BreastCancer, Iris, Wine, Diabetes)}


def directory() -> Path:
    """Where prepared sets lie: $JAXDL_DATA_DIR, or else jaxdl/data in the user's cache directory."""
    if given := os.environ.get("JAXDL_DATA_DIR"):
        return Path(given).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute() / "jaxdl" / "data"


def find(name: str) -> Any:
    """The TFDS builder of a set that is prepared. A bundled set is prepared first where need be.

    Raises InputError with the command that prepares the set, or the closest names where there is no such set.
    """
    builders = bundled()
    if name in builders:
        return _prepared(builders[name])
    _check_known(name)
    builder = _on_disk(name)
    if builder is None:
        raise InputError(
            f"data set {name!r} is not prepared in {directory()}: run `python -m jaxdl.data prepare {name}`"
        )
    if not any(file_format.value == "array_record" for file_format in builder.info.available_file_formats()):
        raise InputError(
            f"data set {name!r} in {builder.data_path} is in a format that can't be read by index: "
            f"remove that directory and run `python -m jaxdl.data prepare {name}`"
        )
    return builder


def load(name: str, split: str) -> Any:
    """One split as TFDS's random-access source of examples; `split` may be a TFDS sub-split such as "train[:80%]"."""
    builder = find(name)
    if re.split(r"[\[+]", split)[0] not in builder.info.splits:
        raise InputError(f"data set {name!r} has no split {split!r}: give one of {', '.join(builder.info.splits)}")
    return builder.as_data_source(split)


def prepare(name: str) -> Path:
    """Prepare a set, downloading it unless it is bundled, and return where it lies.

    Raises InputError for an unknown name and where TensorFlow is needed and missing.
    """
    _check_known(name)
    if name not in bundled() and _on_disk(name) is None:
        if importlib.util.find_spec("tensorflow") is None:
            raise InputError(f"preparing {name!r} needs TensorFlow: run `pip install -e '.[tensorflow]'` and try again")
        import tensorflow_datasets as tfds

        with _locked(name):
            tfds.builder(name, data_dir=directory()).download_and_prepare(file_format="array_record")
    return Path(find(name).data_path)


def _on_disk(name: str) -> Any:
    """The builder of what lies in the data directory under this name, or None."""
    from tensorflow_datasets.core import read_only_builder, registered

    try:
        return read_only_builder.builder_from_files(name, data_dir=directory())
    except registered.DatasetNotFoundError:
        return None


def _check_known(name: str) -> None:
    """Raise InputError unless TFDS has the set or somebody has prepared one of that name."""
    # TFDS leaves off importing its builders at the first that needs TensorFlow, which is before those of WMT.
    import tensorflow_datasets.translate  # noqa: F401
    from tensorflow_datasets.core import registered

    base = re.split("[/:]", name)[0]
    names = sorted({*bundled(), *registered.list_imported_builders()})
    if base in names or (base.isidentifier() and (directory() / base).is_dir()):
        return
    close = difflib.get_close_matches(base.lower(), names, cutoff=0.7)
    hint = (
        f"did you mean {' or '.join(close)}?"
        if close
        else f"give a bundled one, such as {', '.join(bundled())}, or the name of a TFDS set"
    )
    raise InputError(f"no data set is called {name!r}: {hint}")


def _prepared(builder_class: Any) -> Any:
    """The builder of a bundled set. Of several processes that need it at once one prepares, the others wait."""
    builder = builder_class(data_dir=directory(), file_format="array_record")
    if builder.data_path.exists():
        return builder
    quiet = io.StringIO()  # TFDS announces itself in five lines and two progress bars
    with _locked(builder.name), contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        builder.download_and_prepare()  # does nothing if another process has done it meanwhile
    return builder_class(data_dir=directory(), file_format="array_record")


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    """Hold the lock on preparing one set. The kernel takes it back from a process that dies."""
    path = directory() / f".{name.replace('/', '.')}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        raise InputError(
            f"can't write to the data directory {directory()} ({error.strerror}): set JAXDL_DATA_DIR to another"
        ) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
