"""The code that reaches the workers is the working tree, named by its content."""

import io
import os
import tarfile

import pytest
from archive import pack, top
from shell import Refused


def names(packed):
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return {member.name: member for member in tar}


def test_uncommitted_and_untracked_work_is_in_it_and_ignored_files_are_not(project):
    (project / "runs").mkdir()
    (project / "runs/large.bin").write_bytes(b"x")
    (project / "new name.py").write_text("new")
    assert set(names(pack(project)[1])) == {".gitignore", "new name.py", "pyproject.toml", "words.py"}


def test_the_same_files_give_the_same_name_whatever_their_times_and_any_change_another(project):
    first, _ = pack(project)
    os.utime(project / "words.py", (1, 1))
    (project / "words.py").chmod(0o664)
    assert pack(project)[0] == first
    (project / "words.py").chmod(0o755)
    executable = pack(project)[0]
    assert executable != first
    (project / "words.py").write_text("other")
    assert pack(project)[0] not in (first, executable)


def test_a_file_that_git_tracks_and_somebody_deleted_is_left_out(project):
    os.system(f"git -C '{project}' add words.py")
    (project / "words.py").unlink()
    assert "words.py" not in names(pack(project)[1])


def test_nobody_s_name_or_time_is_in_it(project):
    for member in names(pack(project)[1]).values():
        assert (member.uid, member.gid, member.uname, member.gname, member.mtime) == (0, 0, "", "", 0)


def test_a_file_name_that_is_no_utf_8_is_packed_as_it_is(project):
    (project / os.fsdecode(b"caf\xe9.txt")).write_text("old")
    assert os.fsdecode(b"caf\xe9.txt") in names(pack(project)[1])


def test_data_in_the_tree_is_refused_by_name(project):
    with open(project / "data.bin", "wb") as file:
        file.truncate(201 * 2**20)
    with pytest.raises(Refused, match=r"201 MiB of files, the largest data\.bin"):
        pack(project)


def test_a_directory_without_git_is_refused(tmp_path):
    with pytest.raises(Refused, match="expected a git checkout"):
        top(tmp_path)
