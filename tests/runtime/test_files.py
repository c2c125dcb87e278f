"""Files are written whole or not at all, and nothing is overwritten in silence."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest

from landvote.errors import DataError, ExistsError, SettingError
from landvote.runtime import files
from landvote.runtime.files import atomic_write, expect_folder, read_text, read_toml, refuse_existing, write_text


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


@pytest.mark.parametrize(("patience", "written"), [(60.0, True), (0.0, False)])
def test_a_file_that_a_program_reads_is_waited_for_where_it_cannot_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: float, written: bool
) -> None:
    """As on Windows; the reader is done after the third look."""
    replace, looks = Path.replace, iter(range(3))

    def busy(self: Path, target: Path) -> Path:
        if next(looks, None) is not None:
            raise PermissionError(errno.EACCES, "Permission denied", str(self), None, str(target))
        return replace(self, target)

    monkeypatch.setattr(files, "_PATIENCE", patience)
    monkeypatch.setattr(Path, "replace", busy)
    with nullcontext() if written else pytest.raises(DataError, match=r"file\.txt: cannot be written"):
        write_text(tmp_path / "file.txt", "text")
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"] * written


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


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127, "x." + "y" * 253])
def test_a_name_as_long_as_names_may_be_can_be_written(tmp_path: Path, name: str) -> None:
    write_text(tmp_path / name, "long")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(name, "long")]


def test_a_pipe_is_written_into_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as readers:
        read = readers.submit(pipe.read_text, "utf-8")
        refuse_existing(pipe)
        write_text(pipe, "zwölf")
        assert read.result(timeout=20) == "zwölf"
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_pipe_gets_nothing_of_what_failed(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    def write_half() -> None:
        with atomic_write(pipe) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert os.read(reader, 100) == b""
    os.close(reader)
    assert pipe.is_fifo()


def test_a_device_is_written_into_and_its_trouble_named(tmp_path: Path) -> None:
    link = tmp_path / "null"
    link.symlink_to("/dev/null")  # were it replaced, only the link would be
    write_text(link, "gone")
    assert link.is_symlink()
    link.unlink()
    link.symlink_to("/dev/full")
    with pytest.raises(DataError, match="null: cannot be written \\(No space"):
        write_text(link, "gone")
    assert list(tmp_path.iterdir()) == [link]


def test_a_dash_is_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    refuse_existing(Path("-"))
    write_text(Path("-"), "zwölf")
    assert capsys.readouterr().out == "zwölf"
    assert list(tmp_path.iterdir()) == []


def test_a_socket_that_takes_nothing_is_named_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the address of a socket has to be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        with pytest.raises(DataError, match="socket: cannot be written"):
            write_text(Path("socket"), "text")
        assert Path("socket").is_socket()


@pytest.mark.parametrize("name", ["/dev/stdout", "out.txt"])
def test_standard_output_that_is_a_file_is_written_into_under_any_name(tmp_path: Path, name: str) -> None:
    program = f"""
from pathlib import Path
from landvote.runtime.files import refuse_existing, write_text
refuse_existing(Path({name!r}))
print("before")
write_text(Path({name!r}), "text\\n")
print("after")
"""
    with (tmp_path / "out.txt").open("w") as out:
        buffered = os.environ | {"PYTHONUNBUFFERED": ""}  # text that waits must not be overtaken
        subprocess.run([sys.executable, "-c", program], stdout=out, cwd=tmp_path, env=buffered, check=True)
    assert (tmp_path / "out.txt").read_text() == "before\ntext\nafter\n"
    assert Path("/dev/stdout").is_symlink()


def test_refuse_existing(tmp_path: Path) -> None:
    refuse_existing(tmp_path)  # an empty folder may be filled
    refuse_existing(tmp_path / "new")
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(ExistsError, match=r"exists already, expected another place$"):
            refuse_existing(path)


def test_a_folder_called_dash_is_not_taken_for_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_text(tmp_path / "-" / "file", "precious")
    with pytest.raises(ExistsError):
        refuse_existing(Path("-"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a\nü\n".encode("utf-16"), r"f\.csv: not UTF-8 \(looks like UTF-16\), expected a text saved as UTF-8"),
        ("a\nü\n".encode("utf-16-be"), "looks like no text"),
        ("a\nü\n".encode("latin-1"), r"f\.csv, line 2: not UTF-8 \(looks like Latin-1 or Windows-1252\), expected"),
        (b"\x89PNG\xff\x00", "looks like no text"),
    ],
)
def test_an_encoding_that_is_not_utf8_is_named(tmp_path, content, says):
    (tmp_path / "f.csv").write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_text(tmp_path / "f.csv")


def test_text_is_read_with_or_without_a_mark_and_whatever_ends_its_lines(tmp_path):
    (tmp_path / "f.csv").write_bytes("\ufeffü\r\na\rb\n".encode())
    assert read_text(tmp_path / "f.csv") == "ü\na\nb\n"
    with pytest.raises(SettingError, match=r"gone\.toml: cannot be read \(No such file"):
        read_text(tmp_path / "gone.toml", SettingError)


def test_where_a_folder_is_to_be_files_and_streams_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "null").symlink_to(os.devnull)
    for name in ("file", "null"):
        with pytest.raises(DataError, match=f"{name}: a .*, expected a folder"):
            expect_folder(tmp_path / name)
    with pytest.raises(DataError, match="-: a pipe, a device or standard output, expected a folder"):
        expect_folder(Path("-"))
    expect_folder(tmp_path)
    expect_folder(tmp_path / "new")


@pytest.mark.parametrize("text", ["a = [", "a = " + "9" * 5000, "a = " + "[" * 3000])
def test_what_is_no_toml_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(SettingError, match=r"a\.toml: not a TOML file \(.*\), expected a grid"):
        read_toml(tmp_path / "a.toml", "grid", SettingError)


@pytest.mark.skipif(os.name == "nt", reason="such a file takes its size on the disk")
def test_a_file_larger_than_is_read_at_a_time_is_refused_by_its_size(tmp_path: Path) -> None:
    with (tmp_path / "huge.csv").open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(DataError, match=r"huge\.csv: 3221225472 bytes, expected at most 2147483648"):
        read_text(tmp_path / "huge.csv")
