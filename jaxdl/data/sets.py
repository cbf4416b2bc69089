"""Data sets by name, without TensorFlow: the bundled ones, prepared on first use, and prepared TFDS sets."""

import contextlib
import difflib
import fcntl
import importlib.util
import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jaxdl.errors import InputError, StorageError


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
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute() / "jaxdl" / "data"
    except RuntimeError:
        raise InputError("this user has no home directory: give one for prepared sets in JAXDL_DATA_DIR") from None


def find(name: str) -> Any:
    """The TFDS builder of a set that is prepared. A bundled set is prepared first where it is not, or is damaged.

    Raises InputError with the command that prepares the set, for one that is damaged, or the closest names where there
    is no such set; StorageError where the disk won't take a bundled one.
    """
    _check_known(name)
    base = name.partition(":")[0]
    if base in bundled():
        return _prepared(bundled()[base])
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
    try:
        _read_ends(builder)
    except Exception as error:
        raise _damaged(name, builder.data_path, error) from error
    return builder


def splits_of(builder: Any) -> list[str]:
    """Those of train, validation and test that a set has. InputError where it has nothing to train on."""
    found = [name for name in ("train", "validation", "test") if name in builder.info.splits]
    if "train" not in found:
        raise InputError(f"data set {builder.name!r} has no train split: it has {', '.join(builder.info.splits)}")
    return found


def prepare(name: str) -> Path:
    """Prepare a set, downloading it unless it is bundled, and return where it lies.

    Raises InputError for an unknown name, where TensorFlow is needed and missing, and for what `find` refuses;
    StorageError where the disk won't take it.
    """
    _check_known(name)
    if name.partition(":")[0] not in bundled() and _on_disk(name) is None:
        if importlib.util.find_spec("tensorflow") is None:
            raise InputError(f"preparing {name!r} needs TensorFlow: run `pip install -e '.[tensorflow]'` and try again")
        import tensorflow_datasets as tfds

        with _preparing(name):
            tfds.builder(name, data_dir=directory()).download_and_prepare(file_format="array_record")
    return Path(find(name).data_path)


def _on_disk(name: str) -> Any:
    """The builder of what lies in the data directory under this name, or None. InputError where it can't be read."""
    from tensorflow_datasets.core import read_only_builder, registered

    try:
        return read_only_builder.builder_from_files(name, data_dir=directory())
    except registered.DatasetNotFoundError:
        return None
    except Exception as error:  # a damaged description raises nearly anything
        raise _damaged(name, directory() / name.partition(":")[0], error) from error


def _damaged(name: str, place: Any, error: Exception) -> InputError:
    reason = str(error).partition("\n")[0]
    return InputError(
        f"data set {name!r} is damaged ({reason}): remove {place} and run `python -m jaxdl.data prepare {name}`"
    )


def _check_known(name: str) -> None:
    """Raise InputError unless TFDS has the set or somebody has prepared one of that name."""
    builders = bundled()
    base = re.split("[/:]", name)[0]
    if base in builders:
        version = builders[base].VERSION
        if name not in (base, f"{base}:{version}"):
            raise InputError(
                f"no data set is called {name!r}: {base} is bundled in one form, version {version}: give {base}"
            )
        return
    # TFDS leaves off importing its builders at the first that needs TensorFlow, which is before those of WMT.
    import tensorflow_datasets.translate  # noqa: F401
    from tensorflow_datasets.core import naming, registered

    names = sorted({*builders, *registered.list_imported_builders()})
    if base in names or (base.isidentifier() and (directory() / base).is_dir()):
        try:
            naming.parse_builder_name_kwargs(name)
        except ValueError:
            raise InputError(
                f"no data set is called {name!r}: expected a name such as mnist, voc/2007 or mnist:3.0.1"
            ) from None
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
    if builder := _whole(builder_class):
        return builder
    quiet = io.StringIO()  # TFDS announces itself in five lines and two progress bars
    with _preparing(builder_class.name), contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        if not _whole(builder_class):  # or else another process has done it meanwhile
            place = directory() / builder_class.name / str(builder_class.VERSION)
            if place.exists():
                shutil.rmtree(place)
            builder_class(data_dir=directory(), file_format="array_record").download_and_prepare()
    return builder_class(data_dir=directory(), file_format="array_record")


def _whole(builder_class: Any) -> Any:
    """The builder of a bundled set that is prepared and not damaged, or None."""
    try:
        builder = builder_class(data_dir=directory(), file_format="array_record")
        _read_ends(builder)
    except Exception:  # what is damaged raises nearly anything
        return None
    return builder


def _read_ends(builder: Any) -> None:
    """Read the last record of every split: a file that is cut off or lost raises something. Takes milliseconds."""
    if not builder.info.splits:
        raise FileNotFoundError("it has no splits")
    for part, split in builder.info.splits.items():
        if split.num_examples:
            records = builder.as_data_source(part).data_source  # not decoded
            records[len(records) - 1]


@contextlib.contextmanager
def _preparing(name: str) -> Iterator[None]:
    """Hold the lock on preparing one set, which the kernel takes back from a process that dies.

    StorageError where the disk won't take the set.
    """
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
        try:
            yield
        except (OSError, RuntimeError) as error:  # array_record raises the latter
            free = shutil.disk_usage(directory()).free
            raise StorageError(
                f"could not prepare {name!r} in {directory()}, where {free:,} bytes are free: {error}"
            ) from error
