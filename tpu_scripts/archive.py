"""The working tree, uncommitted work included, as one archive named by its content."""

import gzip
import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

from shell import Refused

LARGEST = 200 * 2**20  # bytes: more than this is data, which has its own place


def top(directory: Path) -> Path:
    """The top of the git checkout that the directory is in. Refused where there is none."""
    found = subprocess.run(["git", "-C", str(directory), "rev-parse", "--show-toplevel"], capture_output=True)
    if found.returncode:
        raise Refused(f"{directory}: expected a git checkout, whose files go to the workers; cd into one")
    return Path(os.fsdecode(found.stdout.removesuffix(b"\n")))


def requirements(directory: Path) -> bytes:
    """What pyproject.toml says now. Refused where there is none."""
    try:
        return (directory / "pyproject.toml").read_bytes()
    except FileNotFoundError:
        raise Refused(f"{directory} has no pyproject.toml: expected one, it says what `setup` installs") from None


def files(directory: Path) -> list[str]:
    """What git tracks and what it does not ignore, as it lies on the disk now."""
    listed = subprocess.run(
        ["git", "-C", str(directory), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True,
        check=True,
    )
    names = sorted({os.fsdecode(name) for name in listed.stdout.split(b"\0") if name})
    return [name for name in names if (directory / name).is_symlink() or (directory / name).is_file()]


def pack(directory: Path) -> tuple[str, bytes]:
    """(digest, archive): the same files give the same bytes, whoever packs them and when."""
    names = files(directory)
    size = sum((directory / name).lstat().st_size for name in names)
    if size > LARGEST:
        largest = max(names, key=lambda name: (directory / name).lstat().st_size)
        raise Refused(f"{directory} has {size >> 20} MiB of files, the largest {largest}; let .gitignore name the data")
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in names:
            tar.add(directory / name, arcname=name, recursive=False, filter=_anonymous)
    packed = gzip.compress(tape.getvalue(), mtime=0)
    return hashlib.sha256(packed).hexdigest()[:16], packed


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without owner and times, and with no more than the executable bit of its mode."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.mode & 0o100 else 0o644
    return member
