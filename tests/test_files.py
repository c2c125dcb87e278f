"""Files are written whole or not at all, and nothing is overwritten in silence."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from landvote.errors import DataError
from landvote.files import atomic_write, refuse_existing, write_text


def test_write_makes_folders_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file.txt"
    write_text(path, "one")
    write_text(path, "zwölf")
    assert path.read_text(encoding="utf-8") == "zwölf"
    assert list(path.parent.iterdir()) == [path]


def test_permissions_are_those_of_an_ordinary_file(tmp_path: Path) -> None:
    write_text(tmp_path / "ours", "")
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_file_name_that_is_not_utf8_keeps_its_bytes(tmp_path: Path) -> None:
    write_text(tmp_path / "list.csv", os.fsdecode(b"r\xf6ntgen.png\n"))
    assert (tmp_path / "list.csv").read_bytes() == b"r\xf6ntgen.png\n"


def test_failure_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write_half() -> None:
        with atomic_write(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match=r"file\.txt: cannot be written \(No space"),
        atomic_write(tmp_path / "file.txt"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_trouble_with_another_file_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "file.txt"):
        (tmp_path / "absent").read_text()


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"a\.txt: cannot be written"):
        write_text(tmp_path / "file" / "a.txt", "")


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "name").mkdir()
    with pytest.raises(DataError, match="name: cannot be written"):
        write_text(tmp_path / "name", "")
    assert [p.name for p in tmp_path.iterdir()] == ["name"]


def test_refuse_existing(tmp_path: Path) -> None:
    refuse_existing(tmp_path)  # an empty folder may be filled
    refuse_existing(tmp_path / "new")
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(DataError, match="exists already; name another place or say --force"):
            refuse_existing(path, "--force")
